// The check: finds the target's pods and which of them are well, every second, in one worker.
import counters from 'counters.js';
import patience from 'patience.js';
import pods from 'pods.js';
import rounds from 'rounds.js';
import settings from 'settings.js';

// One question in so many rounds carries no cookie, of one pod after the other.
const BARE_EVERY = 10;

// Whether this round asks pod i as a stranger comes. Where one refused that, the next round asks all of them so.
function strangerTo(known) {
    const round = ngx.shared.counts.incr('rounds', 1, 0);
    const chosen = round % BARE_EVERY ? -1 : (round / BARE_EVERY) % Math.max(known.length, 1);
    const all = ngx.shared.state.get('refused') === '1';
    ngx.shared.state.delete('refused');
    return (i) => all || i === chosen;
}

// Key i leads to pod i modulo the number of pods, so the list is complete when an address comes again. More pods than
// were known are looked for at once where that is quick, else in the next round: nginx ends a round that overlaps it.
async function askAll(known) {
    const found = [], untold = [];
    const began = Date.now(), stranger = strangerTo(known);
    let isComplete = false, own = false;
    let from = 0;
    for (let next = known.length ? known.length + 1 : 4; !isComplete && from < settings.keys.length; next = 4) {
        const asked = settings.keys.slice(from, from + next).map((key, i) => ({key: key, peer: known[from + i] || ''}));
        // The one more key leads to the first pod again where no pod has come.
        const guess = known.length ? known[0] : '';
        const replies = await Promise.all(asked.map((pod, i) => pods.ask(pod, stranger(from + i), guess)));
        for (let i = 0; i < replies.length && !isComplete; i++) {
            const reply = replies[i];
            own = own || reply.own;
            if (reply.refused) {
                ngx.shared.state.set('refused', '1');
            }
            if (reply.peer === undefined && asked[i].peer) {
                untold.push(asked[i].key);
            } else if (!reply.peer || found.some((pod) => pod.peer === reply.peer)) {
                isComplete = true;
            } else {
                found.push({peer: reply.peer, key: asked[i].key, well: reply.well, ms: reply.ms});
            }
        }
        from += asked.length;
        isComplete = isComplete || Date.now() - began > settings.check_every_ms - settings.check_within_ms - 100;
    }
    return {pods: found.concat(silentOnes(known, found, untold)), own: own};
}

// Who was asked where nobody answered in time is not told. It was one of those that were known and are not told to be well or failed
// by another key: never one that has just answered.
function silentOnes(known, found, untold) {
    const missing = known.filter((peer) => !found.some((pod) => pod.peer === peer));
    return missing.slice(0, untold.length).map((peer, i) => ({peer: peer, key: untold[i], well: false, ms: settings.check_within_ms}));
}

// A pod falls after two failed checks, after one if requests failed too. It comes back after two good ones; one that was well
// before, after one if there is no other. So one that starts is not asked by requests before it has answered twice.
function judged(pod, before, othersAreWell, isFirstRound) {
    const run = pod.well ? Math.max(before ? before.run : 0, 0) + 1 : Math.min(before ? before.run : 0, 0) - 1;
    const fall = !before || pods.isSuspect(pod.peer) ? 1 : 2;
    const wasWell = before ? before.wasWell : false;
    const rise = isFirstRound || wasWell && !othersAreWell ? 1 : 2;
    let open = before ? before.open : false;
    if (run >= rise) {
        open = true;
    } else if (-run >= fall) {
        open = false;
    }
    return {peer: pod.peer, key: pod.key, run: run, open: open, ms: pod.ms, wasWell: wasWell || open};
}

function publish(found) {
    const open = found.filter((pod) => pod.open);
    const before = ngx.shared.state.get('open');
    // nginx resolves the target's name while the first checks are made.
    if (before === undefined && !found.length && ngx.shared.counts.incr('first_rounds', 1, 0) < 3) {
        return;
    }
    const now = open.map((pod) => `${pod.key}=${pod.peer}`).join(',');
    ngx.shared.state.set('open', now);
    ngx.shared.state.set('pods', JSON.stringify(found));
    if (before === undefined || !before !== !now) {
        counters.count('transitions_total', {to: now ? 'up' : 'down'});
        ngx.log(ngx.WARN, now ? `the target is well: ${now}` : 'no pod of the target is well: falling back');
    }
}

async function check(s) {
    const began = Date.now();
    ngx.shared.state.set('checked', String(began));
    const isFirstRound = ngx.shared.state.get('open') === undefined;
    const before = pods.known();
    const othersAreWell = before.some((pod) => pod.open);
    const asked = await askAll(before.map((pod) => pod.peer)), found = asked.pods;
    // This proxy had no means to ask: nothing is known of the target, and nothing opens by it.
    if (asked.own && !found.some((pod) => pod.well)) {
        ngx.log(ngx.ERR, 'the target could not be asked: no connections, files or memory left');
        return;
    }
    found.forEach((pod) => counters.count('checks_total', {result: pod.well ? 'well' : 'failed'}));
    const now = found.map((pod) => judged(pod, before.find((old) => old.peer === pod.peer), othersAreWell,
        isFirstRound));
    publish(now);
    rounds.tell(began, found.filter((pod) => pod.well).map((pod) => [pod.key, pod.peer]));
    patience.learn(now.filter((pod) => pod.open));
    ngx.shared.suspects.clear();
}

// When the last round began, in milliseconds since 1970; 0 before the first.
function lastRound() {
    return Number(ngx.shared.state.get('checked') || 0);
}

export default {check, lastRound};
