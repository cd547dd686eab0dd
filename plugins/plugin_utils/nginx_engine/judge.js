// What becomes of one request: a pod that is well is asked. A failed try means another one, an error of its own, or the
// fallback.
import counters from 'counters.js';
import fallback from 'fallback.js';
import patience from 'patience.js';
import pods from 'pods.js';
import settings from 'settings.js';
import timers from 'timers.js';

const HURRY_MS = 300;
// With the time of @ask-briefly before it, this is less than anybody calls a wait.
const GREAT_HURRY_MS = 150;
// nginx ends a request after ten redirects of its own, and a try takes two.
const MOST_TRIES = 4;

function askPod(r, pod, place) {
    r.variables.pod_key = pod[0];
    r.internalRedirect(place || '@ask');
}

// Traefik says by which method it was asked, and takes that header from strangers: whoever comes here without it came by
// a router of his own, and is not to have his failures taken for an outage.
async function decide(r) {
    if (!r.headersIn['X-Forwarded-Method']) {
        r.return(404, 'Nobody asks this here.\n');
        return;
    }
    counters.count('requests_total');
    const well = pods.well();
    if (well.length && patience.isShort()) {
        r.variables.brief = '1';
        askPod(r, pods.anyOf(well), '@ask-briefly');
    } else if (well.length) {
        askPod(r, pods.anyOf(well));
    } else {
        await fallback.fall(r, 'down');
    }
}

function tries(r) {
    return pods.each(r.variables.upstream_status).length;
}

// Pods that are well and were not asked about this request, those first that failed nobody lately.
function others(r) {
    const asked = pods.each(r.variables.upstream_addr);
    const left = pods.well().filter((pod) => pod[1] && !asked.includes(pod[1]));
    const sound = left.filter((pod) => !pods.isSuspect(pod[1]));
    return sound.length ? sound : left;
}

// The first of them to answer a check, or nothing: there is no time to try one silent pod after another.
function firstToAnswer(found, hurry) {
    const first = new Promise((resolve) => {
        let waiting = found.length;
        found.forEach((pod) => pods.ask(pod[0]).then((reply) => {
            waiting -= 1;
            if (reply.well || !waiting) {
                resolve(reply.well ? pod : undefined);
            }
        }));
    });
    return timers.within(hurry, first, undefined);
}

async function nextPod(r, found) {
    const left = others(r);
    // Without an address there is no pod any more, whatever the last check found.
    const gone = !pods.isAddress(pods.lastOf(r.variables.upstream_addr));
    if (gone || !left.length || tries(r) >= MOST_TRIES || Number(r.variables.request_time) > settings.last_try_after) {
        return undefined;
    }
    if (found === 'timeout' && left.length > 1) {
        return firstToAnswer(left, HURRY_MS);
    }
    return pods.anyOf(left);
}

function anotherTry(r, found) {
    pods.suspect(pods.lastOf(r.variables.upstream_addr));
    counters.count('failed_tries_total', {reason: found});
    return nextPod(r, found);
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

// The target took longer than it ever did. A check tells whether this request is slow, one pod or all of them; what it told
// is true for other requests that have waited in vain, until the next round.
async function lookAgain(r) {
    const asked = pods.lastOf(r.variables.upstream_addr);
    const well = pods.isSuspect('all') ? [] : pods.well();
    const next = well.length ? await firstToAnswer(well, GREAT_HURRY_MS) : undefined;
    if (next && next[1] === asked) {
        patience.lengthen();
        return next;
    }
    (next ? [asked] : ['all', asked].concat(well.map((pod) => pod[1]))).forEach(pods.suspect);
    counters.count('failed_tries_total', {reason: 'timeout'});
    return next;
}

async function judge(r) {
    const found = trouble(r);
    if (found === 'oversized') {
        counters.count('refused_total', {reason: found});
        r.return(502, 'The answer about this request is too large.\n');
        return;
    }
    if (!settings.fallback_on.includes(found)) {
        counters.count('passed_total', {reason: found});
        r.return(Number(pods.lastOf(r.variables.upstream_status)));
        return;
    }
    const next = r.variables.brief && found === 'timeout' ? await lookAgain(r) : await anotherTry(r, found);
    r.variables.brief = '';
    if (next) {
        askPod(r, next);
    } else {
        await fallback.fall(r, found);
    }
}

export default {decide, judge};
