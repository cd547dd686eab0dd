// Decides before the target is asked: a check every second says which of its pods are well, and a request goes to one of
// those or straight to the fallback. What a request itself meets changes nothing for others; it only has the pod checked.
import crypto from 'crypto';
import settings from 'settings.js';

const PEER = /^[\d.]+:\d+$/;
const LONGEST_LOGIN = 1024;
const HURRY_MS = 300;
// nginx ends a request after ten redirects of its own, and a try takes two.
const MOST_TRIES = 4;

function count(name, labels) {
    const inner = Object.keys(labels || {}).map((key) => `${key}="${labels[key]}"`).join(',');
    ngx.shared.counts.incr(`fallback_proxy_${name}${inner && `{${inner}}`}`, 1, 0);
}

// --- Which pod to ask. The pods that are well stand in `open` as "key=address,..."; nginx hashes a key to its pod. ------

function wellPods() {
    const open = ngx.shared.state.get('open');
    if (open === undefined) {
        return [[settings.keys[0], '']];
    }
    return open ? open.split(',').map((pod) => pod.split('=')) : [];
}

function anyKey(pods) {
    return pods.length ? pods[Math.floor(Math.random() * pods.length)][0] : '';
}

// $first_key: the key of a pod that is well, empty when there is none.
function firstKey(r) {
    const key = anyKey(wellPods());
    if (key) {
        ngx.shared.counts.incr('fallback_proxy_asked_total', 1, 0);
    }
    return key;
}

// --- What a failed try means. --------------------------------------------------------------------------------------

// nginx joins the tries of one request with commas and colons.
function each(list) {
    return String(list || '').split(/\s*[,:]\s+|\s:\s/);
}

function lastOf(list) {
    return each(list).pop();
}

function tries(r) {
    return each(r.variables.upstream_status).length;
}

// Pods that are well and were not asked about this request, those first that failed nobody lately.
function others(r) {
    const asked = each(r.variables.upstream_addr);
    const left = wellPods().filter((pod) => pod[1] && !asked.includes(pod[1]));
    const sound = left.filter((pod) => !ngx.shared.suspects.get(pod[1]));
    return sound.length ? sound : left;
}

// The first of them to answer a check, or nothing: there is no time to try one silent pod after another.
function firstToAnswer(found) {
    return new Promise((resolve) => {
        let waiting = found.length;
        setTimeout(() => resolve(undefined), HURRY_MS);
        found.forEach((pod) => ask(pod[0]).then((reply) => {
            waiting -= 1;
            if (reply.well) {
                resolve(pod);
            } else if (!waiting) {
                resolve(undefined);
            }
        }));
    });
}

async function nextPod(r, found) {
    const left = others(r);
    // Without an address there is no pod any more, whatever the last check found.
    const gone = !PEER.test(lastOf(r.variables.upstream_addr));
    if (gone || !left.length || tries(r) >= MOST_TRIES || Number(r.variables.request_time) > settings.last_try_after) {
        return undefined;
    }
    if (found === 'timeout' && left.length > 1) {
        return firstToAnswer(left);
    }
    return left[Math.floor(Math.random() * left.length)];
}

function trouble(r) {
    const v = r.variables;
    if (!v.upstream_status) {
        return 'down';
    }
    if (lastOf(v.upstream_header_time) !== '-') {
        return lastOf(v.upstream_status);
    }
    if (Number(lastOf(v.upstream_bytes_received)) >= settings.buffer_bytes) {
        return 'oversized';
    }
    return lastOf(v.upstream_status) === '504' ? 'timeout' : 'network';
}

async function judge(r) {
    const found = trouble(r);
    if (found === 'oversized') {
        count('refused_total', {reason: found});
        r.return(502, 'The answer about this request is too large.\n');
        return;
    }
    if (found !== 'down') {
        if (!settings.fallback_on.includes(found)) {
            count('passed_total', {reason: found});
            r.return(Number(lastOf(r.variables.upstream_status)));
            return;
        }
        ngx.shared.suspects.set(lastOf(r.variables.upstream_addr), 1);
        count('failed_tries_total', {reason: found});
        const next = await nextPod(r, found);
        if (next) {
            r.variables.pod_key = next[0];
            r.internalRedirect('@next');
            return;
        }
    }
    await fall(r, found);
}

// --- The fallback. -------------------------------------------------------------------------------------------------

async function fall(r, reason) {
    const answer = r.variables.fallback_answer;
    count('fallbacks_total', {reason: reason, policy: answer});
    r.headersOut['X-Auth-Fallback'] = 'true';
    r.headersOut['Cache-Control'] = 'no-store';
    if (answer === 'allow') {
        r.return(200);
    } else if (answer === 'basic') {
        await login(r);
    } else {
        r.headersOut['Retry-After'] = settings.retry_after;
        r.return(503, 'The login service does not answer. Please try again later.\n');
    }
}

function challenge(r) {
    count('logins_total', {result: 'refused'});
    r.headersOut['WWW-Authenticate'] = `Basic realm="${settings.realm}", charset="UTF-8"`;
    r.return(401, 'The login service does not answer. Please use the emergency login.\n');
}

function tooMany(r) {
    count('logins_total', {result: 'limited'});
    r.headersOut['Retry-After'] = '10';
    r.return(429, 'Too many attempts.\n');
}

function accept(r, result, user) {
    count('logins_total', {result: result});
    r.headersOut[settings.user_header] = user;
    r.return(200);
}

function salt() {
    const found = ngx.shared.salt.get('salt');
    if (found) {
        return found;
    }
    const bytes = new Uint8Array(32);
    globalThis.crypto.getRandomValues(bytes);
    ngx.shared.salt.add('salt', Buffer.from(bytes).toString('hex'));
    return ngx.shared.salt.get('salt');
}

// A right login is remembered by a keyed hash: bcrypt costs a core some 60 ms at cost 10, and this a few microseconds.
async function login(r) {
    const given = r.headersIn.Authorization || '';
    if (!/^basic /i.test(given) || given.length > LONGEST_LOGIN) {
        challenge(r);
        return;
    }
    const mark = crypto.createHmac('sha256', salt()).update(given).digest('hex');
    const known = ngx.shared.logins.get(mark);
    if (known !== undefined) {
        accept(r, 'remembered', known);
        return;
    }
    const reply = await r.subrequest('/.login');
    if (reply.status === 204) {
        const user = Buffer.from(given.slice(6), 'base64').toString().split(':')[0];
        ngx.shared.logins.set(mark, user);
        accept(r, 'accepted', user);
    } else if (reply.status === 401 || reply.status === 403) {
        challenge(r);
    } else {
        tooMany(r);
    }
}

// --- The check. ----------------------------------------------------------------------------------------------------

async function ask(key) {
    let deadline;
    const timeout = new Promise((_, reject) => {
        deadline = setTimeout(() => reject(new Error('no answer in time')), settings.check_within_ms + 50);
    });
    try {
        const reply = await Promise.race([ngx.fetch(`http://127.0.0.1:${settings.check_port}/check?key=${key}`), timeout]);
        const peer = lastOf(reply.headers.get('X-Checked-Pod'));
        // Without an address nobody was asked: there are no pods.
        return {peer: PEER.test(peer) ? peer : '', well: !settings.not_well.includes(reply.status)};
    } catch (e) {
        return {peer: undefined, well: false};
    } finally {
        clearTimeout(deadline);
    }
}

// Key i leads to pod i modulo the number of pods, so the list is complete when an address comes again. More pods than
// were known are looked for at once where that is quick, else in the next round: nginx ends a round that overlaps it.
async function askAll(known) {
    const found = [];
    const began = Date.now();
    for (let next = Math.max(known.length + 1, 4); found.length < settings.keys.length; next = 4) {
        const from = found.length;
        const replies = await Promise.all(settings.keys.slice(from, from + next).map(ask));
        for (let i = 0; i < replies.length; i++) {
            const peer = replies[i].peer === undefined ? known[from + i] : replies[i].peer;
            if (!peer || found.some((pod) => pod.peer === peer)) {
                return found;
            }
            found.push({peer: peer, key: settings.keys[from + i], well: replies[i].well});
        }
        if (Date.now() - began > settings.check_every_ms - settings.check_within_ms - 100) {
            break;
        }
    }
    return found;
}

// A pod falls after two failed checks, after one if requests failed too, and comes back after two good ones, after one
// if there is no other.
function judged(pod, before, othersAreWell) {
    const run = pod.well ? Math.max(before ? before.run : 0, 0) + 1 : Math.min(before ? before.run : 0, 0) - 1;
    const fall = !before || ngx.shared.suspects.get(pod.peer) ? 1 : 2;
    const rise = before && othersAreWell ? 2 : 1;
    let open = before ? before.open : false;
    if (run >= rise) {
        open = true;
    } else if (-run >= fall) {
        open = false;
    }
    return {peer: pod.peer, key: pod.key, run: run, open: open};
}

function publish(pods) {
    const open = pods.filter((pod) => pod.open);
    const before = ngx.shared.state.get('open');
    // nginx resolves the target's name while the first checks are made.
    if (before === undefined && !pods.length && ngx.shared.counts.incr('first_rounds', 1, 0) < 3) {
        return;
    }
    const now = open.map((pod) => `${pod.key}=${pod.peer}`).join(',');
    ngx.shared.state.set('open', now);
    ngx.shared.state.set('pods', JSON.stringify(pods));
    if (before === undefined || !before !== !now) {
        count('transitions_total', {to: now ? 'up' : 'down'});
        ngx.log(ngx.WARN, now ? `the target is well: ${now}` : 'no pod of the target is well: falling back');
    }
}

function pods() {
    return JSON.parse(ngx.shared.state.get('pods') || '[]');
}

async function check(s) {
    const before = pods();
    const othersAreWell = before.some((pod) => pod.open);
    const found = await askAll(before.map((pod) => pod.peer));
    found.forEach((pod) => count('checks_total', {result: pod.well ? 'well' : 'failed'}));
    publish(found.map((pod) => judged(pod, before.find((old) => old.peer === pod.peer), othersAreWell)));
    ngx.shared.suspects.clear();
}

// --- What it tells. --------------------------------------------------------------------------------------------------

function ready(r) {
    const known = ngx.shared.state.get('open') !== undefined;
    r.return(known ? 200 : 503, known ? 'ready\n' : 'the target has not been checked yet\n');
}

function metrics(r) {
    const known = pods();
    const well = known.filter((pod) => pod.open).length;
    const lines = [
        '# TYPE fallback_proxy_target_up gauge', `fallback_proxy_target_up ${well ? 1 : 0}`,
        '# TYPE fallback_proxy_target_pods gauge',
        `fallback_proxy_target_pods{state="well"} ${well}`,
        `fallback_proxy_target_pods{state="failed"} ${known.length - well}`,
    ];
    let family = '';
    ngx.shared.counts.keys(1000).filter((key) => key.startsWith('fallback_')).sort().forEach((key) => {
        const name = key.split('{')[0];
        if (name !== family) {
            lines.push(`# TYPE ${name} counter`);
            family = name;
        }
        lines.push(`${key} ${ngx.shared.counts.get(key)}`);
    });
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4';
    r.return(200, lines.join('\n') + '\n');
}

export default {check, firstKey, judge, metrics, ready};
