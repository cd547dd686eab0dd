// The ways by which each probe is asked: in public, through each replica of Traefik, and the application past it.
import asking from 'asking.js';
import settings from 'settings.js';

// Each {key, probe, leg, replica, to, tls, host, path, expect}.
function ofProbe(probe, replicas) {
    const edge = {probe, replica: '', tls: probe.tls, host: probe.host, path: probe.path, expect: probe.expect};
    const found = [];
    if (probe.public) {
        found.push(Object.assign({}, edge, {leg: 'public', to: probe.public}));
    }
    if (probe.replicas) {
        replicas.forEach((replica) => found.push(Object.assign({}, edge, {
            leg: 'replica', replica: replica.name, to: asking.address(replica, probe.port)})));
    }
    if (probe.backend) {
        found.push(Object.assign({}, edge, probe.backend, {leg: 'backend'}));
    }
    return found.map((leg) => Object.assign(leg, {key: `${probe.name} ${leg.leg} ${leg.replica}`}));
}

function all(replicas) {
    return [].concat.apply([], settings.probes.map((probe) => ofProbe(probe, replicas)));
}

// Those whose time has come, the longest waiting first. `now` is in milliseconds since 1970. What is due before the next round
// is due now: rounds are what time is measured in.
function due(legs, results, now) {
    const last = (leg) => results[leg.key] ? results[leg.key].at : 0;
    const waits = (leg) => now - last(leg) * 1000 >= leg.probe.every_ms - settings.interval_ms / 2;
    return legs.filter(waits).sort((a, b) => last(a) - last(b)).slice(0, settings.questions_a_round);
}

export default {all, due};
