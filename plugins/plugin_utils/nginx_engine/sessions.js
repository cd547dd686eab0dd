// Who was signed in a moment ago. What the target answered about a session is kept in memory, by a keyed hash of its cookies and the
// host, and given again while no pod is well. Nobody gets more by it than the target gave him, and no header of somebody else.
import crypto from 'crypto';
import authorization from 'authorization.js';
import memory from 'memory.js';
import neighbours from 'neighbours.js';
import rounds from 'rounds.js';
import salt from 'salt.js';
import settings from 'settings.js';
import timers from 'timers.js';

// Of the answer these are about the connection or the body, not about the user. Authorization may be the client's own.
const NOT_KEPT = ['authorization', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'server', 'set-cookie', 'transfer-encoding'];
const MOST_COOKIE_BYTES = 8000;
// Each is hashed by itself.
const MOST_COOKIES = 8;
const SIGNS_OUT = /[?&]x-authentik-logout=true/i;
const ASKED_FOR_MS = 60;

function isOurs(pair) {
    return settings.session_cookies.some((prefix) => pair.startsWith(prefix));
}

// The cookies by which the target knows a session; '' where the client sent none, or more than any target sets.
function cookiesOf(r) {
    const pairs = String(r.headersIn.Cookie || '').split(';').map((pair) => pair.trim()).filter(isOurs);
    const cookies = pairs.sort().join('; ');
    return pairs.length <= MOST_COOKIES && cookies.length <= MOST_COOKIE_BYTES ? cookies : '';
}

function hashed(kind, text) {
    return crypto.createHmac('sha256', salt.sessions()).update(`${kind}\n${text}`).digest('base64url');
}

function hostOf(r) {
    return r.variables.asked_host.toLowerCase();
}

// How long a session of this host goes on, in milliseconds.
function graceOf(host) {
    const own = settings.session_graces.filter((pair) => pair[0] === host);
    return 1000 * (own.length ? own[0][1] : settings.session_grace);
}

function keptFor(host) {
    return Math.max(graceOf(host), settings.remember_ms);
}

// By what each of the cookies is known to have ended: another cookie beside it makes no other session of it.
function outsOf(cookies) {
    return cookies ? cookies.split('; ').map((pair) => hashed('out', pair)) : [];
}

function hasEnded(cookies) {
    return outsOf(cookies).some(memory.hasEnded);
}

// Whoever signs out does so for all hosts that have the cookie.
function signOut(r) {
    const cookies = cookiesOf(r);
    outsOf(cookies).forEach((out) => {
        memory.end(out);
        neighbours.tell('out', out);
    });
}

// What a token in Authorization earned is not for whoever has the cookie alone.
function keyOf(r, cookies) {
    const place = settings.session_by_path ? `\n${r.headersIn['X-Forwarded-Method']} ${r.headersIn['X-Forwarded-Uri']}` : '';
    return hashed('in', `${hostOf(r)}\n${cookies}\n${authorization.own(r)}${place}`);
}

// The target does not know this session any more, or is ill: the next round asks every pod as a stranger comes.
function doubt(key) {
    if (memory.doubt(key)) {
        ngx.shared.state.set('refused', '1');
    }
    neighbours.tell('doubt', key);
}

function isSigningOut(r) {
    return SIGNS_OUT.test(r.headersIn['X-Forwarded-Uri'] || '');
}

// Note what the target answered about this request, as it goes out. Only an answer that names a user is about a session: a path
// that needs no login is answered by 200 too.
function note(r) {
    const cookies = keptFor(hostOf(r)) ? cookiesOf(r) : '';
    if (!cookies) {
        return;
    }
    if (isSigningOut(r)) {
        signOut(r);
        return;
    }
    // Some lead to their login by 303 or 307.
    if (r.status >= 300 && r.status < 400 || [401, 403].includes(r.status)) {
        doubt(keyOf(r, cookies));
        return;
    }
    if (r.status !== 200 || !String(r.headersOut[settings.user_header] || '').trim() || hasEnded(cookies)) {
        return;
    }
    const kept = {};
    Object.keys(r.headersOut).forEach((name) => {
        if (!NOT_KEPT.includes(name.toLowerCase())) {
            kept[name] = r.headersOut[name];
        }
    });
    if (r.variables.upstream_http_authorization) {
        kept.Authorization = r.variables.upstream_http_authorization;
    }
    memory.keep(keyOf(r, cookies), hostOf(r), JSON.stringify(kept), 0, keptFor(hostOf(r)));
}

// The headers of the last answer about this session within that time, or undefined.
function knownFor(r, cookies, milliseconds) {
    const key = keyOf(r, cookies);
    if (!milliseconds || hasEnded(cookies) || memory.isInDoubt(key, rounds.downSince())) {
        return undefined;
    }
    const found = memory.find(key);
    return found && found.age <= milliseconds ? JSON.parse(found.text) : undefined;
}

// Whether this request could be one of somebody whose session goes on.
function mayGoOn(r) {
    return Boolean(graceOf(hostOf(r)) && cookiesOf(r)) && !isSigningOut(r);
}

// Ask the neighbours, once for all requests of this session, and not again soon where nobody knows it.
async function askNeighbours(r, cookies) {
    const key = keyOf(r, cookies), outs = outsOf(cookies), began = Date.now();
    while (!ngx.shared.asked.add(key, 'now')) {
        if (ngx.shared.asked.get(key) !== 'now' || Date.now() - began > ASKED_FOR_MS) {
            return;
        }
        await timers.pause(5);
    }
    const replies = await neighbours.ask(r.variables.client_network, key, outs);
    replies.forEach((reply) => {
        (reply.out || []).filter((out) => outs.includes(out)).forEach(memory.end);
        if (reply.text) {
            memory.keep(key, hostOf(r), reply.text, reply.age, keptFor(hostOf(r)));
        }
    });
    replies.filter((reply) => reply.doubt !== undefined).forEach((reply) => memory.doubt(key, reply.doubt));
    // Where one was not heard in time, the next request asks again.
    if (replies.isWhole && !replies.some((reply) => reply.text)) {
        ngx.shared.asked.set(key, 'unknown');
    } else {
        ngx.shared.asked.delete(key);
    }
}

// The headers of the last answer about this session while it goes on, or undefined.
async function known(r) {
    const cookies = mayGoOn(r) ? cookiesOf(r) : '';
    if (!cookies) {
        return undefined;
    }
    const found = knownFor(r, cookies, graceOf(hostOf(r)));
    if (found || !salt.hasNeighbours() || hasEnded(cookies)) {
        return found;
    }
    await askNeighbours(r, cookies);
    return knownFor(r, cookies, graceOf(hostOf(r)));
}

// The same for a request that need not be asked about at all.
function remembered(r) {
    const cookies = settings.remember_ms && !isSigningOut(r) ? cookiesOf(r) : '';
    return cookies ? knownFor(r, cookies, settings.remember_ms) : undefined;
}

// A neighbour tells what has ended.
function hear(what, hash) {
    if (what === 'out') {
        memory.end(hash);
    } else if (what === 'doubt') {
        memory.doubt(hash);
    }
}

// What a neighbour is told about a session.
function tellOf(key, cookies) {
    const found = memory.find(key) || {};
    return {age: found.age, text: found.text, doubt: memory.doubtAge(key), out: cookies.filter(memory.hasEnded)};
}

export default {hear, isSigningOut, known, mayGoOn, note, remembered, signOut, tellOf};
