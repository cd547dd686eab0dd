// The target's pods as the check last found them: [{peer, key, run, open}, ...]. nginx hashes a key to its pod.
import settings from 'settings.js';

const PEER = /^[\d.]+:\d+$/;
// So long the last known pods are asked by their addresses when DNS says that there are none (milliseconds): one answer without
// addresses must not cost anybody his session.
const NAMELESS_MS = 5000;
const MOST_COOKIE_BYTES = 2000;

function known() {
    return JSON.parse(ngx.shared.state.get('pods') || '[]');
}

// Those that are well as [key, address]. Before the first check any pod may be.
function well() {
    const open = ngx.shared.state.get('open');
    if (open === undefined) {
        return [[settings.keys[0], '']];
    }
    return open ? open.split(',').map((pod) => pod.split('=')) : [];
}

function anyOf(pods) {
    return pods[Math.floor(Math.random() * pods.length)];
}

// A pod that failed a request is looked at sooner; for other requests nothing changes.
function suspect(peer) {
    ngx.shared.suspects.set(peer, 1);
}

function isSuspect(peer) {
    return ngx.shared.suspects.get(peer) !== undefined;
}

// nginx joins the tries of one request with commas and colons.
function each(list) {
    return String(list || '').split(/\s*[,:]\s+|\s:\s/);
}

function lastOf(list) {
    return each(list).pop();
}

function isAddress(peer) {
    return PEER.test(peer);
}

// Whether DNS has just lost all pods: null where it has not, otherwise since when.
function namelessSince() {
    const since = ngx.shared.state.get('nameless');
    return since === undefined ? null : Number(since);
}

function isNameless() {
    const since = namelessSince();
    return since !== null && Date.now() - since < NAMELESS_MS;
}

// Where proxy_pass finds a pod: in the upstream, by its key, or by its address.
function place(peer) {
    return isAddress(peer) && isNameless() ? peer : 'target';
}

// Checks carry the cookie of the last answer, so that the target makes no session for each of them. A pod that refused one
// without it gets no other until it takes one: a store that keeps no new session is of no use to those who come.
function refusesStrangers(peer) {
    return ngx.shared.strangers.get(peer) !== undefined;
}

function noteStranger(peer, isTaken) {
    if (isTaken) {
        ngx.shared.strangers.delete(peer);
    } else {
        ngx.shared.strangers.set(peer, '1');
    }
}

function cookieOf(reply) {
    const pairs = reply.headers.getAll('Set-Cookie').map((line) => line.split(';')[0].trim());
    return pairs.filter((pair) => !/=("")?$/.test(pair)).join('; ');
}

function remember(peer, reply) {
    const cookie = cookieOf(reply);
    if (cookie && cookie.length < MOST_COOKIE_BYTES) {
        ngx.shared.cookies.set(peer, cookie);
    } else if (reply.headers.getAll('Set-Cookie').length) {
        ngx.shared.cookies.delete(peer);
    }
}

// njs, as a browser does, leaves out a header called Cookie: nginx gives that name to the one that is sent.
async function askAbout(host, key, at, cookie) {
    const url = `http://127.0.0.1:${settings.check_port}/check?key=${key}&at=${at}&host=${host}`;
    try {
        const reply = await ngx.fetch(url, cookie ? {headers: {'X-Check-Cookie': cookie}} : {});
        const peer = lastOf(reply.headers.get('X-Checked-Pod'));
        return {peer: isAddress(peer) ? peer : '', status: reply.status, reply: reply};
    } catch (e) {
        return {peer: undefined, status: 504};
    }
}

// The target may know one host no more without being ill: what counts then is what it says about the others.
async function askAboutHosts(pod, at, cookie) {
    const began = Date.now(), hosts = settings.check_hosts;
    let found;
    for (let i = 0; i < hosts.length && Date.now() - began < settings.check_within_ms / 2; i++) {
        found = await askAbout(hosts[i], pod.key, at, cookie);
        if (!settings.host_not_known.includes(found.status)) {
            break;
        }
    }
    return found;
}

// What a pod ({key, peer}) answers to the check, after how long, and which one it was. Without an address nobody was asked: there
// are no pods. `guess` is whose cookie to send where the pod is not known. A `peer` of undefined means that it cannot be told which one was asked.
async function ask(pod, asStranger, guess) {
    const began = Date.now(), peer = pod.peer || guess;
    const bare = asStranger || refusesStrangers(peer);
    const cookie = bare ? undefined : ngx.shared.cookies.get(peer || '');
    let found = await askAboutHosts(pod, 'target', cookie);
    if (found.peer === '') {
        if (namelessSince() === null) {
            ngx.shared.state.set('nameless', String(began));
        }
        if (isAddress(pod.peer) && isNameless()) {
            found = await askAboutHosts(pod, pod.peer, cookie);
        }
    } else if (found.peer) {
        ngx.shared.state.delete('nameless');
    }
    if (found.peer && found.reply) {
        remember(found.peer, found.reply);
    }
    const well = !settings.not_well.includes(found.status);
    const answered = ![502, 504].includes(found.status);
    const reply = {peer: found.peer, well: well, ms: Date.now() - began, refused: bare && !well && answered};
    if (bare && found.peer && (well || answered)) {
        noteStranger(found.peer, well);
    }
    return reply;
}

// What a known pod answers to a check at its very address, whatever key leads to it by now.
async function askAt(pod) {
    const at = isAddress(pod.peer) ? pod.peer : 'target';
    const cookie = refusesStrangers(pod.peer) ? undefined : ngx.shared.cookies.get(pod.peer);
    const found = await askAboutHosts(pod, at, cookie);
    return {peer: found.peer || pod.peer, well: !settings.not_well.includes(found.status)};
}

export default {anyOf, ask, askAt, each, isAddress, isSuspect, known, lastOf, place, suspect, well};
