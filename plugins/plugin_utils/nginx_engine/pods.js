// The target's pods as the check last found them: [{peer, key, run, open}, ...]. nginx hashes a key to its pod.
import settings from 'settings.js';

const PEER = /^[\d.]+:\d+$/;
// So long the last known pods are asked by their addresses when DNS says that there are none (milliseconds): one answer without
// addresses must not cost anybody his session.
const NAMELESS_MS = 5000;
const MOST_COOKIE_BYTES = 2000;
// A question that nginx takes up so late (milliseconds) has waited for nginx and not for the pod. Less than what a check's time
// limit leaves beside the pod's own.
const TAKEN_UP_MS = 150;

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

// For proxy_pass: the very address of a pod, and without one the upstream, which finds a pod by its key.
function at(peer) {
    return isAddress(peer) ? peer : 'target';
}

// Where a pod is found that the last round knew: by its key, which keeps connections, while DNS knows it.
function place(peer) {
    return isNameless() ? at(peer) : 'target';
}

// Checks carry the cookie of the last answer, so that the target makes no session for each of them. A pod that refused one
// without it gets no other until it takes one: a store that keeps no new session is of no use to those who come.
function refusesStrangers(peer) {
    return ngx.shared.strangers.get(peer) !== undefined;
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

// When nginx took up a question of the check. One that found no connection or file left waits in the kernel's queue.
function takenUp(r) {
    ngx.shared.taken.set(r.args.number, Date.now());
    return '1';
}

function wasTakenUp(number, began) {
    const at = ngx.shared.taken.get(number);
    return at !== undefined && at - began < TAKEN_UP_MS;
}

// njs, as a browser does, leaves out a header called Cookie: nginx gives that name to the one that is sent.
async function askAbout(host, key, where, cookie) {
    const number = String(ngx.shared.counts.incr('checks_sent', 1, 0));
    const url = `http://127.0.0.1:${settings.check_port}/check?key=${key}&at=${where}&host=${host}&number=${number}`;
    const began = Date.now();
    try {
        const reply = await ngx.fetch(url, cookie ? {headers: {'X-Check-Cookie': cookie}} : {});
        const peer = lastOf(reply.headers.get('X-Checked-Pod'));
        // Out of connections, files or memory nginx answers 500 itself, and nobody was asked.
        const own = reply.status === 500 && lastOf(reply.headers.get('X-Checked-Status')) !== '500';
        return {peer: isAddress(peer) ? peer : '', status: reply.status, reply: reply, own: own};
    } catch (e) {
        // What is over so soon, or was taken up so late, says nothing about the pod.
        return {peer: undefined, status: 504,
            own: Date.now() - began < settings.check_within_ms || !wasTakenUp(number, began)};
    }
}

// The target may know one host no more without being ill: what counts then is what it says about the others.
async function askAboutHosts(pod, where, cookie) {
    const began = Date.now(), hosts = settings.check_hosts;
    let found;
    for (let i = 0; i < hosts.length && Date.now() - began < settings.check_within_ms / 2; i++) {
        found = await askAbout(hosts[i], pod.key, where, cookie);
        if (!settings.host_not_known.includes(found.status)) {
            break;
        }
    }
    return found;
}

function isWell(found) {
    return !settings.not_well.includes(found.status);
}

// What a pod ({key, peer}) answers to the check, after how long, and which one it was. Without an address nobody was asked: there
// are no pods. A `peer` of undefined means that it cannot be told which one was asked. `guess` is whose cookie to send where the
// pod is not known.
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
    const well = isWell(found);
    // nginx tells by these two that the pod did not answer.
    const refused = bare && !well && ![502, 504].includes(found.status);
    if (refused && found.peer) {
        ngx.shared.strangers.set(found.peer, '1');
    } else if (bare && well && found.peer) {
        ngx.shared.strangers.delete(found.peer);
    }
    return {peer: found.peer, well: well, ms: Date.now() - began, refused: refused, own: found.own};
}

// What a known pod answers to a check at its very address, whatever key leads to it by now.
async function askAt(pod) {
    const cookie = refusesStrangers(pod.peer) ? undefined : ngx.shared.cookies.get(pod.peer);
    const found = await askAboutHosts(pod, at(pod.peer), cookie);
    return {peer: found.peer || pod.peer, well: isWell(found), own: found.own};
}

export default {anyOf, ask, askAt, at, each, isAddress, isSuspect, known, lastOf, place, suspect, takenUp, well};
