// What is kept of sessions, in memory that the workers share, the oldest out first: headers by a session's key, since when one is in
// doubt, and which ones have been signed out of. Keys are hashes; times are milliseconds.
import packing from 'packing.js';

// What is said again so soon is not noted again.
const AGAIN_AFTER_MS = 1000;
// authentik without its database sends everybody to the login. Who was sent there so shortly before the target was found down is
// not taken for signed out.
const BY_THE_OUTAGE_MS = 5000;
const MOST_BYTES = 16000;
// Digits of a time in milliseconds since 1970, to the base of 36, until 2059. A value of up to 256 bytes takes that much, a longer one 512.
const TIME = 8;

function doubtOf(key) {
    return `${key}?`;
}

// What is kept under a key: {noted, mark, packed} or undefined.
function entryOf(key) {
    const found = ngx.shared.sessions.get(key);
    const end = TIME + packing.MARK;
    return found && {noted: parseInt(found.slice(0, TIME), 36), mark: found.slice(TIME, end), packed: found.slice(end)};
}

// Keep what the target said about a session that long ago, for so long after that. What is said again is packed once.
function keep(key, host, text, age, time) {
    const noted = Date.now() - age, left = time - age;
    const before = entryOf(key), mark = packing.markOf(text);
    if (text.length > MOST_BYTES || left <= 0 || before && before.noted > noted) {
        return;
    }
    const isSame = before && before.mark === mark;
    if (!isSame || noted - before.noted > AGAIN_AFTER_MS) {
        const packed = isSame ? before.packed : packing.pack(host, text);
        ngx.shared.sessions.set(key, noted.toString(36) + mark + packed, left);
    }
    if (!age) {
        ngx.shared.sessions.delete(doubtOf(key));
    }
}

// {age, text} or undefined.
function find(key) {
    const found = entryOf(key);
    return found && {age: Math.max(0, Date.now() - found.noted), text: packing.unpack(found.packed)};
}

// Returns whether that is news about a session that is kept.
function doubt(key, age) {
    return ngx.shared.sessions.get(key) !== undefined
        && ngx.shared.sessions.add(doubtOf(key), String(Date.now() - (age || 0)));
}

function doubtAge(key) {
    const since = ngx.shared.sessions.get(doubtOf(key));
    return since === undefined ? undefined : Math.max(0, Date.now() - Number(since));
}

// `down` is since when the target is, or 0. What the target said later than that outweighs a doubt.
function isInDoubt(key, down) {
    const since = ngx.shared.sessions.get(doubtOf(key));
    if (since === undefined || down && Number(since) > down - BY_THE_OUTAGE_MS) {
        return false;
    }
    const found = entryOf(key);
    return !found || found.noted <= Number(since);
}

function end(cookies) {
    ngx.shared.ended.set(cookies, '1');
}

function hasEnded(cookies) {
    return ngx.shared.ended.get(cookies) !== undefined;
}

export default {doubt, doubtAge, end, find, hasEnded, isInDoubt, keep};
