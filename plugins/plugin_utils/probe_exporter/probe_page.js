// What Prometheus reads of the probes.
import families from 'families.js';
import settings from 'settings.js';

const PREFIX = 'resilient_traefik_probe_';

function told(name, kind, help, samples) {
    return families.family(PREFIX + name, kind, help, samples);
}

function labels(all) {
    return `{${Object.keys(all).map((name) => `${name}="${families.escaped(all[name])}"`).join()}}`;
}

function ofLeg(leg, more) {
    return labels(Object.assign({probe: leg.probe.name, leg: leg.leg, replica: leg.replica}, more));
}

// Failing is told from as many failures in a row on as the probe says.
function isFailing(leg, result) {
    return result.failures >= leg.probe.fails_after;
}

// The samples of all legs that were asked; `value` makes one of a leg and its result.
function samples(legs, results, value, more) {
    return legs.filter((leg) => results[leg.key]).map((leg) => [ofLeg(leg, more && more(leg)), value(results[leg.key], leg)]);
}

function kind(leg) {
    return {protocol: leg.probe.websocket ? 'websocket' : 'http', severity: leg.probe.severity};
}

function ofProbes(value) {
    return settings.probes.map((probe) => [labels({probe: probe.name}), value(probe)]);
}

function expiries(certificates) {
    return settings.probes.filter((probe) => certificates[probe.name] && certificates[probe.name].end)
        .map((probe) => [labels({probe: probe.name}), certificates[probe.name].end]);
}

// `report` is {legs, results, certificates, checked}.
function text(report, count) {
    const each = (value, more) => samples(report.legs, report.results, value, more);
    return [].concat(
        told('success', 'gauge', 'Whether the last answer was as expected.', each((result) => result.failures ? 0 : 1)),
        told('failing', 'gauge', 'Whether as many answers in a row were not as expected as the probe allows.',
            each((result, leg) => isFailing(leg, result) ? 1 : 0, kind)),
        told('failures', 'gauge', 'Answers in a row that were not as expected.', each((result) => result.failures)),
        told('status', 'gauge', 'HTTP status of the last answer, 0 for none.', each((result) => result.status)),
        told('duration_seconds', 'gauge', 'How long the last answer took.', each((result) => result.seconds)),
        told('last_timestamp_seconds', 'gauge', 'When it was asked last.', each((result) => result.at)),
        told('every_seconds', 'gauge', 'How often it is to be asked.', ofProbes((probe) => probe.every_ms / 1000)),
        told('slow_seconds', 'gauge', 'From when on an answer is slow.', ofProbes((probe) => probe.slow)),
        told('certificate_expiry_timestamp_seconds', 'gauge', 'When the certificate ends that its visitors are shown.',
            expiries(report.certificates)),
        told('rounds_total', 'counter', 'Rounds, by what came of them.',
            ['asked', 'blind'].map((result) => [labels({result}), count(result)])),
        report.checked ? told('last_round_timestamp_seconds', 'gauge', 'When a round has ended last.',
            [['', report.checked]]) : []
    ).join('\n') + '\n';
}

export default {isFailing, text};
