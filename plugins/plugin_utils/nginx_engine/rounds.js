// What rounds of checks saw, asked by the periodic check or for a request that failed. Nothing else opens the fallback: two
// rounds, one after the other, in which no pod was well. What a request itself met opens nothing.
import pods from 'pods.js';
import settings from 'settings.js';
import timers from 'timers.js';

const SILENT = 2;
// A target that refuses at once is looked at in two moments, not twice in one.
const APART_MS = 250;
// A pod that answers so much later than the first one is asked by requests too.
const LATER_MS = 50;
const POLL_MS = 15;

// The last round that counts: {began, ended, well: [[key, address], ...], silent, down}. Times are milliseconds since 1970, `silent`
// is the number of rounds in a row that found no pod well, `down` since when that opens the fallback, or 0.
function last() {
    return JSON.parse(ngx.shared.state.get('round') || '{"began":0,"ended":0,"well":[],"silent":0,"down":0}');
}

// An older round that ends late tells nothing new, and one that overlaps a silent one is no second one.
function tell(began, well) {
    const before = last();
    const counts = well.length ? began >= before.began
        : began >= before.ended && began >= before.began + (before.silent ? APART_MS : 0);
    if (counts) {
        const now = Date.now();
        const silent = well.length ? 0 : before.silent + 1;
        const down = silent < SILENT ? 0 : before.down || now;
        ngx.shared.state.set('round', JSON.stringify({began: began, ended: now, well: well, silent: silent, down: down}));
    }
}

function isSilent(round) {
    return round.silent >= SILENT;
}

// Whether the rounds of this moment say that no pod is well.
function areSilent() {
    const round = last();
    return isSilent(round) && Date.now() - round.ended < settings.check_is_late_ms;
}

// Since when the fallback answers, in milliseconds since 1970; 0 while a pod is well.
function downSince() {
    return last().down;
}

function firstOf(replies) {
    return new Promise((resolve) => {
        let waiting = replies.length;
        replies.forEach((reply) => reply.then((well) => {
            waiting -= 1;
            if (well || !waiting) {
                resolve();
            }
        }));
    });
}

// Ask every known pod at once. Ends soon after the first one that is well.
async function askNow() {
    const began = Date.now(), well = [];
    let own = false;
    const known = pods.known();
    const replies = (known.length ? known : [{key: settings.keys[0], peer: ''}]).map((pod) =>
        pods.askAt(pod).then((reply) => {
            own = own || reply.own;
            if (reply.well) {
                well.push([pod.key, reply.peer]);
            }
            return reply.well;
        }));
    await firstOf(replies);
    if (well.length) {
        await timers.within(LATER_MS, Promise.all(replies), undefined);
    }
    if (well.length || !own) {
        tell(began, well);
    }
}

// One request asks for all that wait, and has a request of its own do it: njs holds a request until all that it fetches has come,
// and this one is to go on when the first pod has answered. A place that is never given back is lost by time.
async function askForAll() {
    if (!ngx.shared.rounds.add('asked', '1', settings.check_within_ms + 200)) {
        return false;
    }
    try {
        await ngx.fetch(`http://127.0.0.1:${settings.check_port}/round`);
    } catch (e) {
        // Whatever it found out counts, and who waits for it looks by himself.
    }
    return true;
}

async function answerRound(r) {
    await askNow();
    ngx.shared.rounds.delete('asked');
    // With a body: without one it would end with the connection, and that with the last check.
    r.return(200, 'told\n');
}

// Whether a round that ended after `came` found no pod well, and none that began after `failed` found one that is. That is
// not enough to open anything: it lets somebody go on with what the target gave him already.
async function isSilentNow(came, failed, deadline) {
    for (;;) {
        const round = last();
        if (round.silent && round.ended >= came) {
            return true;
        }
        const left = deadline - Date.now();
        if (left <= 0 || (round.well.length && round.began >= failed)) {
            return false;
        }
        await another(left);
    }
}

// Have every pod asked once more, or wait a little for the round that runs.
async function another(left) {
    const round = last();
    const early = round.silent && Date.now() < round.began + APART_MS;
    const asked = early ? false : await timers.within(left, askForAll(), true);
    if (!asked) {
        await timers.pause(Math.min(POLL_MS, left));
    }
}

// What rounds that began after that moment found, when `deadline` has come at the latest: {well, silent}, silent after SILENT
// rounds in a row. Neither when there was no time to find out; then what holds for every request at this moment counts.
async function since(moment, deadline) {
    for (;;) {
        const round = last();
        if (round.began >= moment && (round.well.length || isSilent(round))) {
            return {well: round.well, silent: isSilent(round)};
        }
        const left = deadline - Date.now();
        if (left <= 0) {
            return {well: [], silent: areSilent()};
        }
        await another(left);
    }
}

export default {answerRound, areSilent, downSince, isSilentNow, since, tell};
