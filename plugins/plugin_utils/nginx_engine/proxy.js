// Decides before the target is asked: a check every second says which of its pods are well, and a request goes to one of
// those or straight to the fallback. What a request itself meets changes nothing for others; it only has the pod checked.
import affinity from 'affinity.js';
import authorization from 'authorization.js';
import bodies from 'bodies.js';
import check from 'check.js';
import clients from 'clients.js';
import counters from 'counters.js';
import judge from 'judge.js';
import neighbours from 'neighbours.js';
import patience from 'patience.js';
import pods from 'pods.js';
import probes from 'probes.js';
import rounds from 'rounds.js';
import sessions from 'sessions.js';
import settings from 'settings.js';

// $open_key: the key of a pod that is well, empty when there is none. $open_at: where that pod is found.
function openKey(r) {
    const well = pods.well();
    return well.length ? pods.anyOf(affinity.ofClient(r, well))[0] : '';
}

function placeOf(key) {
    const pod = pods.well().find((each) => each[0] === key);
    return pods.place(pod ? pod[1] : '');
}

function openAt(r) {
    return placeOf(r.variables.open_key);
}

// $other_key: the key of a pod that is well and was not asked about this request; if there is none, of any that is well.
function otherKey(r) {
    const asked = pods.each(r.variables.upstream_addr);
    const well = pods.well();
    const others = well.filter((pod) => !asked.includes(pod[1]));
    return well.length ? pods.anyOf(others.length ? others : well)[0] : '';
}

function otherAt(r) {
    return placeOf(r.variables.other_key);
}

// A page of the login that ends a session.
function noteSignOut(r) {
    if (/\/sign_out(\/|$|\?)/.test(r.variables.request_uri)) {
        sessions.signOut(r);
    }
}

function ready(r) {
    const known = ngx.shared.state.get('open') !== undefined;
    r.return(known ? 200 : 503, known ? 'ready\n' : 'the target has not been checked yet\n');
}

// Without checks the proxy would go on by what it once knew: better to be started anew.
function healthy(r) {
    const late = check.lastRound() && Date.now() - check.lastRound() > settings.check_is_late_ms;
    r.return(late ? 503 : 200, late ? 'the check of the target does not run any more\n' : 'well\n');
}

function metrics(r) {
    const known = pods.known();
    const well = known.filter((pod) => pod.open).length;
    const families = [
        counters.gauge('target_up', 'Whether any pod of the target is well.', [[{}, well ? 1 : 0]]),
        counters.gauge('target_pods', 'Pods of the target, by what the check found.', [
            [{state: 'well'}, well], [{state: 'failed'}, known.length - well],
        ]),
        counters.gauge('last_check_timestamp_seconds', 'When the last round of checks began, since 1970.', [
            [{}, check.lastRound() / 1000],
        ]),
        counters.gauge('neighbours', 'Other pods of the proxy that answer this one.', [[{}, neighbours.all().length]]),
        counters.gauge('patience_seconds', 'How long a request waits for a pod before others are looked at.', [
            [{}, patience.isShort() ? settings.look_after : settings.answer_within],
        ]),
    ].concat(counters.counters());
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4; charset=utf-8';
    r.return(200, families.map((lines) => lines.join('\n') + '\n').join(''));
}

function answerNeighbour(r) {
    return neighbours.answer(r, sessions);
}

export default {
    answerNeighbour, answerRound: rounds.answerRound, findNeighbours: neighbours.find, tellNeighbours: neighbours.round,
    mayBeHeard: neighbours.mayBeHeard,
    askWithoutBody: bodies.askWithout, check: check.check, clientNetwork: clients.network, decide: judge.decide, healthy, judge: judge.judge, metrics,
    noteSession: sessions.note,
    openAt, openKey, otherAt, otherKey, ownAuthorization: authorization.own,
    podCookie: affinity.cookie, probes: probes.tell, ready, noteSignOut, takenUp: pods.takenUp,
};
