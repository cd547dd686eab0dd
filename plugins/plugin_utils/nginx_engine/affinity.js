// Targets whose pods do not share their sessions: a client goes on at the pod that made its session, by a cookie beside that of
// the session. It holds for every pod of the proxy, and over a restart.
import crypto from 'crypto';
import pods from 'pods.js';
import settings from 'settings.js';

const NAME = 'resilient_traefik_pod';
const VALUE = new RegExp(`(?:^|;\\s*)${NAME}=([0-9a-f]{16})(?:;|$)`);
const DELETES = /^[^=;]*=("")?(;|$)|;\s*Max-Age=(0|-\d+)\s*(;|$)/i;

function markOf(peer) {
    return crypto.createHash('sha256').update(peer).digest('hex').slice(0, 16);
}

// Of the pods ([key, address]) the client's own, and all where that is not among them.
function ofClient(r, among) {
    const found = settings.sticky ? VALUE.exec(r.headersIn.Cookie || '') : null;
    const own = found ? among.filter((pod) => markOf(pod[1]) === found[1]) : [];
    return own.length ? own : among;
}

function isSession(line) {
    const names = settings.session_cookies;
    return !DELETES.test(line) && (!names.length || names.some((prefix) => line.startsWith(prefix)));
}

// $pod_cookie: with each cookie of a session the pod that gave it, for the same hosts and time.
function cookie(r) {
    const line = [].concat(r.headersOut['Set-Cookie'] || []).find(isSession);
    const peer = pods.lastOf(r.variables.upstream_addr);
    if (!line || !pods.isAddress(peer)) {
        return '';
    }
    const end = line.indexOf(';');
    return `${NAME}=${markOf(peer)}${end < 0 ? '' : line.slice(end)}`;
}

export default {cookie, ofClient};
