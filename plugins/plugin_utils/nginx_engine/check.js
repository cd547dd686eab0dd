// The check: finds the target's pods and which of them are well, every second, in one worker.
import counters from 'counters.js';
import patience from 'patience.js';
import pods from 'pods.js';
import settings from 'settings.js';

// Key i leads to pod i modulo the number of pods, so the list is complete when an address comes again. More pods than
// were known are looked for at once where that is quick, else in the next round: nginx ends a round that overlaps it.
async function askAll(known) {
    const found = [];
    const began = Date.now();
    for (let next = Math.max(known.length + 1, 4); found.length < settings.keys.length; next = 4) {
        const from = found.length;
        const replies = await Promise.all(settings.keys.slice(from, from + next).map(pods.ask));
        for (let i = 0; i < replies.length; i++) {
            const peer = replies[i].peer === undefined ? known[from + i] : replies[i].peer;
            if (!peer || found.some((pod) => pod.peer === peer)) {
                return found;
            }
            found.push({peer: peer, key: settings.keys[from + i], well: replies[i].well, ms: replies[i].ms});
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
    const fall = !before || pods.isSuspect(pod.peer) ? 1 : 2;
    const rise = before && othersAreWell ? 2 : 1;
    let open = before ? before.open : false;
    if (run >= rise) {
        open = true;
    } else if (-run >= fall) {
        open = false;
    }
    return {peer: pod.peer, key: pod.key, run: run, open: open, ms: pod.ms};
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
    ngx.shared.state.set('checked', String(Date.now()));
    const before = pods.known();
    const othersAreWell = before.some((pod) => pod.open);
    const found = await askAll(before.map((pod) => pod.peer));
    found.forEach((pod) => counters.count('checks_total', {result: pod.well ? 'well' : 'failed'}));
    const now = found.map((pod) => judged(pod, before.find((old) => old.peer === pod.peer), othersAreWell));
    publish(now);
    patience.learn(now.filter((pod) => pod.open));
    ngx.shared.suspects.clear();
}

// When the last round began, in milliseconds since 1970; 0 before the first.
function lastRound() {
    return Number(ngx.shared.state.get('checked') || 0);
}

export default {check, lastRound};
