// What becomes of one request: a pod that is well is asked. A request that failed goes to another pod that answers a check of
// this moment; where none does, the fallback answers; where one does and cannot help either, the request gets its own error.
import affinity from 'affinity.js';
import counters from 'counters.js';
import fallback from 'fallback.js';
import patience from 'patience.js';
import pods from 'pods.js';
import probes from 'probes.js';
import rounds from 'rounds.js';
import sessions from 'sessions.js';
import settings from 'settings.js';

// nginx ends a request after ten redirects of its own, and a try takes two.
const MOST_TRIES = 4;
const ERRORS = {network: 502, timeout: 504, down: 503};

function askPod(r, pod, at, location) {
    r.variables.pod_key = pod[0];
    r.variables.pod_at = at;
    r.internalRedirect(location);
}

// A pod that the last round of checks found well, in a location that has its own patience.
function askWell(r, well, location) {
    const pod = pods.anyOf(affinity.ofClient(r, well));
    askPod(r, pod, pods.place(pod[1]), location);
}

// What uses something up, such as the code of a login, is asked once and takes its time.
function isAskedOnce(r) {
    const uri = unescaped(r.headersIn['X-Forwarded-Uri'] || '').toLowerCase();
    return settings.asked_once.some((mark) => uri.includes(mark));
}

// What ends a session, or is about the login itself, is the target's to answer.
function isOfTheLogin(r) {
    const uri = r.headersIn['X-Forwarded-Uri'] || '';
    return isAskedOnce(r) || settings.open_paths.some((path) => uri.startsWith(path));
}

function unescaped(uri) {
    try {
        return decodeURIComponent(uri);
    } catch (e) {
        return uri;
    }
}

// Traefik says by which method it was asked, and takes that header from strangers: whoever comes here without it came by
// a router of his own, and is not to have his failures taken for an outage.
async function decide(r) {
    if (!r.headersIn['X-Forwarded-Method']) {
        r.return(404, 'Nobody asks this here.\n');
        return;
    }
    counters.count('requests_total');
    probes.note(r);
    const session = settings.remember_ms && !isOfTheLogin(r) ? sessions.remembered(r) : undefined;
    if (session) {
        counters.count('remembered_total');
        fallback.giveAgain(r, session);
        return;
    }
    const well = pods.well();
    if (well.length && isAskedOnce(r)) {
        askWell(r, well, '@ask-once');
    } else if (well.length && patience.isShort()) {
        r.variables.brief = '1';
        askWell(r, well, '@ask-briefly');
    } else if (well.length) {
        askWell(r, well, '@ask');
    } else if (rounds.areSilent()) {
        await fallback.fall(r, 'down');
    } else {
        await settle(r, 'down');
    }
}

function trouble(r) {
    const v = r.variables;
    if (pods.lastOf(v.upstream_header_time) !== '-') {
        return pods.lastOf(v.upstream_status);
    }
    if (Number(pods.lastOf(v.upstream_bytes_received)) >= settings.buffer_bytes) {
        return 'oversized';
    }
    return pods.lastOf(v.upstream_status) === '504' ? 'timeout' : 'network';
}

// Of the pods that just answered a check one that has not failed this request, if there is time to ask it. After a short
// look the pod that was asked may be given the whole time: this request is slow, not the pod. {pod, isLast} or undefined.
// While the client's own pod is well no other is asked, which would take its session for none and delete it.
function another(r, answered, wasBrief) {
    const v = r.variables;
    const well = affinity.ofClient(r, answered);
    const asked = pods.each(v.upstream_addr);
    const left = well.filter((pod) => !asked.includes(pod[1]));
    const sent = asked.some(pods.isAddress) && pods.lastOf(v.upstream_connect_time) !== '-';
    if (pods.each(v.upstream_status).length >= MOST_TRIES || Number(v.request_time) > settings.last_try_after) {
        return undefined;
    }
    if (sent && isAskedOnce(r)) {
        return undefined;
    }
    if (wasBrief && left.length < well.length) {
        patience.lengthen();
    }
    const next = left.length || !wasBrief ? left : well;
    return next.length ? {pod: pods.anyOf(next), isLast: next.length === 1} : undefined;
}

// The error of this request alone: a pod is well, or nobody could tell in time.
function fail(r, found) {
    counters.count('passed_total', {reason: found});
    r.headersOut['Cache-Control'] = 'no-store';
    if (ERRORS[found] === undefined) {
        r.return(Number(found));
    } else {
        r.return(ERRORS[found], 'The login service did not answer this request. Please try again.\n');
    }
}

async function settle(r, found, wasBrief) {
    const now = Date.now(), came = now - 1000 * Number(r.variables.request_time);
    const deadline = came + settings.longest_ms;
    // Who is signed in gets what the target gave him a moment ago: for that, one round of this moment is enough.
    if (sessions.mayGoOn(r) && await rounds.isSilentNow(came, now, deadline) && await fallback.goOn(r, found)) {
        return;
    }
    const round = await rounds.since(now, deadline);
    if (round.silent) {
        await fallback.fall(r, found);
        return;
    }
    const next = another(r, round.well, wasBrief);
    if (next) {
        // The very pod that has just answered a check, whatever key leads to it by now.
        askPod(r, next.pod, pods.at(next.pod[1]), next.isLast ? '@ask-last' : '@ask');
    } else {
        fail(r, found);
    }
}

async function judge(r) {
    const found = trouble(r);
    const wasBrief = r.variables.brief === '1';
    r.variables.brief = '';
    if (found === 'oversized') {
        counters.count('refused_total', {reason: found});
        r.return(502, 'The answer about this request is too large.\n');
    } else if (settings.fallback_on.includes(found)) {
        pods.suspect(pods.lastOf(r.variables.upstream_addr));
        counters.count('failed_tries_total', {reason: found});
        await settle(r, found, wasBrief);
    } else {
        fail(r, found);
    }
}

export default {decide, judge};
