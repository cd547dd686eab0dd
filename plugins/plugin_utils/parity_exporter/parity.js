// Rounds of comparing Traefik's replicas, and what Prometheus is told of them.
import cluster from 'cluster.js';
import following from 'following.js';
import hardening from 'hardening.js';
import hardeningPage from 'hardening_page.js';
import memory from 'memory.js';
import page from 'page.js';
import routers from 'routers.js';
import settings from 'settings.js';
import sites from 'sites.js';

const remember = memory.remember, remembered = memory.remembered;

// The questions of this round: those in doubt, up to a half, and after them others in their turn.
function questionsNow(runs) {
    const all = settings.questions, from = remembered('next', 0);
    const isIn = (list) => (question) => list.some((one) => one.item === question.item);
    const inDoubt = (question) => Object.keys(runs).some((replica) => runs[replica][question.item]);
    const doubted = all.filter(inDoubt).slice(0, Math.ceil(settings.questions_a_round / 2));
    const others = all.slice(from).concat(all.slice(0, from)).filter((question) => !isIn(doubted)(question));
    return {doubted: doubted, others: others.slice(0, settings.questions_a_round - doubted.length)};
}

// The next round goes on after the last question that was asked in its turn.
function turn(asked, judged) {
    const inTurn = judged.slice(asked.doubted.length);
    if (inTurn.length) {
        const last = inTurn[inTurn.length - 1].item;
        const at = settings.questions.findIndex((question) => question.item === last);
        remember('next', (at + 1) % settings.questions.length);
    }
}

// By replica what a round found: {lacks, has, routersKnown, compared, unanswered}. An API that is closed answers too, but is
// nothing to compare by, unless there is nothing else to ask.
function collected(replicas, read, judged) {
    const said = {}, names = {};
    replicas.forEach((replica, at) => {
        if (read[at].names) {
            names[replica.name] = read[at].names;
        }
    });
    const lacked = following.lackedRouters(names);
    replicas.forEach((replica, at) => {
        const open = read[at].names !== undefined, closed = read[at].answered && !open;
        const answers = judged.map((one) => one.answered[at]).concat(settings.api.port ? [read[at].answered] : []);
        const items = (verdict) => judged.filter((one) => one.verdicts[at] === verdict).map((one) => one.item);
        said[replica.name] = {
            lacks: items('lacks').concat(lacked[replica.name] || []),
            has: items('has'),
            routersKnown: closed || (open && Object.keys(names).length > 1),
            compared: open || judged.some((one) => one.answered[at]) || (closed && !settings.questions.length),
            unanswered: answers.filter((answered) => !answered).length,
        };
    });
    return {said, names};
}

function by(said, field) {
    const found = {};
    Object.keys(said).forEach((replica) => {
        found[replica] = said[replica][field];
    });
    return found;
}

function tell(before, now) {
    Object.keys(now).forEach((replica) => {
        const items = now[replica];
        if (items.join() !== (before[replica] || []).join()) {
            const more = items.length > 20 ? `, and ${items.length - 20} more` : '';
            ngx.log(ngx.WARN, items.length
                ? `${replica} lacks what other replicas have: ${items.slice(0, 20).join(', ')}${more}`
                : `${replica} has again what other replicas have`);
        }
    });
}

function counted(items) {
    const found = {};
    Object.keys(items).forEach((name) => {
        found[name] = items[name].length;
    });
    return found;
}

function report(found, all, missing) {
    remember('report', {
        replicas: found.compared.length,
        leftOut: found.leftOut,
        routers: counted(all.names),
        missing: counted(missing),
        unanswered: by(all.said, 'unanswered'),
        checked: Date.now() / 1000,
    });
}

async function compare(until) {
    const found = await cluster.replicas();
    const alone = found.compared.length < 2;
    const runs = alone ? {} : remembered('runs', {});
    const read = await Promise.all(found.compared.map((replica) => (
        settings.api.port ? routers.read(replica, until) : {answered: false})));
    const asked = alone ? {doubted: [], others: []} : questionsNow(runs);
    const judged = await sites.judgeAll(asked.doubted.concat(asked.others), found.compared, until);
    turn(asked, judged);
    const all = collected(found.compared, read, judged);
    const answering = Object.keys(all.said).filter((name) => all.said[name].compared);
    if (!alone && answering.length < 2) {
        throw new Error(`fewer than two replicas answer: ${answering.join() || 'none'}`);
    }
    const now = following.follow(runs, all.said), missing = following.told(now);
    tell(following.told(remembered('runs', {})), missing);
    remember('runs', now);
    report(found, all, missing);
    return alone ? 'alone' : Object.keys(missing).some((name) => missing[name].length) ? 'different' : 'same';
}

async function round() {
    const began = Date.now();
    remember('began', began);
    let result = 'failed';
    try {
        result = await compare(began + settings.longest_ms);
    } catch (e) {
        ngx.log(ngx.ERR, `nothing was compared: ${e.message}`);
    }
    ngx.shared.counts.incr(result, 1, 0);
}

function metrics(r) {
    const count = (result) => ngx.shared.counts.get(result) || 0;
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4; charset=utf-8';
    const hardened = hardeningPage.text(hardening.report(), (result) => count(`hardening_${result}`), Date.now());
    r.return(200, page.text(remembered('report', undefined), count) + hardened);
}

// It has compared, and not too long ago.
function ready(r) {
    const last = remembered('report', {checked: 0});
    r.return(Date.now() - last.checked * 1000 < settings.late_ms ? 200 : 503);
}

// Rounds begin, whatever comes of them.
function healthy(r) {
    r.return(Date.now() - remembered('began', 0) < settings.late_ms ? 200 : 503);
}

export default {apiServer: cluster.apiServer, hardening: hardening.round, healthy, metrics, ready, round};
