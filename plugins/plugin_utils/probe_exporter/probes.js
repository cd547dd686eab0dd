// Rounds of asking sites as people do, and what Prometheus is told of them.
import cluster from 'cluster.js';
import legs from 'legs.js';
import memory from 'memory.js';
import page from 'probe_page.js';
import settings from 'settings.js';
import visiting from 'visiting.js';

const AT_ONCE = 4;
// Certificates change seldom; where none was seen, it is looked for sooner.
const CERTIFICATE_MS = 3600000, NO_CERTIFICATE_MS = 300000, CERTIFICATES_A_ROUND = 4;

// Those that are ready, as they are now or, where nobody tells, as they were. {replicas, result}
async function replicas() {
    try {
        const found = (await cluster.replicas()).compared;
        memory.remember('replicas', found);
        return {replicas: found, result: 'asked'};
    } catch (e) {
        ngx.log(ngx.ERR, `the replicas are those of an earlier round: ${e.message}`);
        return {replicas: memory.remembered('replicas', []), result: 'blind'};
    }
}

// What is known of a leg after an answer; said in the log when it begins or ends to fail.
function noted(leg, before, answer) {
    const failures = answer.problem ? (before ? before.failures : 0) + 1 : 0;
    const now = {at: Date.now() / 1000, failures, status: answer.status, seconds: answer.seconds, problem: answer.problem};
    const fails = page.isFailing(leg, now), failed = Boolean(before) && page.isFailing(leg, before);
    if (fails !== failed) {
        ngx.log(ngx.WARN, `${leg.key.trim()} ${fails ? `fails: ${answer.problem}` : 'is well again'}`);
    }
    return now;
}

// Until the time is over (milliseconds since 1970); what was not asked by then is left to the next rounds.
async function askAll(due, results, until) {
    for (let at = 0; at < due.length && Date.now() < until; at += AT_ONCE) {
        const some = due.slice(at, at + AT_ONCE);
        const answers = await Promise.all(some.map(visiting.ask));
        some.forEach((leg, place) => {
            results[leg.key] = noted(leg, results[leg.key], answers[place]);
        });
    }
}

function onlyOf(all, results) {
    const kept = {};
    all.filter((leg) => results[leg.key]).forEach((leg) => {
        kept[leg.key] = results[leg.key];
    });
    return kept;
}

// By name of the probe {at, end}, of those with TLS.
async function readCertificates(all, until) {
    const known = memory.remembered('certificates', {});
    const isDue = (probe) => {
        const found = known[probe.name];
        return !found || Date.now() - found.at * 1000 > (found.end ? CERTIFICATE_MS : NO_CERTIFICATE_MS);
    };
    const some = settings.probes.filter((probe) => probe.tls && isDue(probe)).slice(0, CERTIFICATES_A_ROUND);
    for (let at = 0; at < some.length && Date.now() < until; at++) {
        const leg = all.find((each) => each.probe.name === some[at].name && each.leg !== 'backend');
        const before = known[some[at].name], end = leg && await visiting.certificateEnd(leg);
        known[some[at].name] = {at: Date.now() / 1000, end: end || (before && before.end)};
    }
    memory.remember('certificates', known);
}

async function round() {
    memory.remember('began', Date.now());
    const until = Date.now() + settings.longest_ms;
    const found = await replicas(), all = legs.all(found.replicas);
    const results = onlyOf(all, memory.remembered('results', {}));
    await askAll(legs.due(all, results, Date.now()), results, until);
    memory.remember('results', results);
    memory.remember('checked', Date.now());
    await readCertificates(all, until);
    ngx.shared.counts.incr(found.result, 1, 0);
    if (found.result === 'asked') {
        memory.remember('seen', Date.now());
    }
}

function report() {
    return {
        legs: legs.all(memory.remembered('replicas', [])),
        results: memory.remembered('results', {}),
        certificates: memory.remembered('certificates', {}),
        checked: memory.remembered('checked', 0) / 1000,
    };
}

function metrics(r) {
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4; charset=utf-8';
    r.return(200, page.text(report(), (result) => ngx.shared.counts.get(result) || 0));
}

function isLate(name) {
    return Date.now() - memory.remembered(name, 0) > settings.late_ms;
}

// Ready while it knows Traefik's replicas and asks.
function ready(r) {
    r.return(isLate('seen') || isLate('checked') ? 503 : 200, '');
}

// Rounds begin, whatever comes of them.
function healthy(r) {
    r.return(isLate('began') ? 503 : 200, '');
}

// For who verifies: 503 with those of the legs that `wrong` chooses, or where there is nothing to choose of.
function listed(r, words, wrong) {
    const now = report(), found = now.legs.filter((leg) => wrong(leg, now.results[leg.key]));
    const said = found.map((leg) => {
        const result = now.results[leg.key];
        return `${leg.key.trim()}: ${result ? result.problem || 'asked too long ago' : 'not asked yet'}`;
    });
    const isWell = now.legs.length > 0 && !found.length;
    r.return(isWell ? 200 : 503, `${now.legs.length} ways of ${settings.probes.length} probes, ${words}: ${found.length}\n`
        + said.map((line) => `${line}\n`).join(''));
}

// Whether each leg of each probe was asked when it had to be.
function fresh(r) {
    listed(r, 'not asked in time', (leg, result) => !result
        || Date.now() - result.at * 1000 > 2 * leg.probe.every_ms + settings.late_ms);
}

function well(r) {
    listed(r, 'failing', (leg, result) => !result || page.isFailing(leg, result));
}

export default {apiServer: cluster.apiServer, fresh, healthy, metrics, ready, round, well};
