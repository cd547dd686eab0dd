// What Prometheus reads of Traefik's replicas.
import families from 'families.js';
import settings from 'settings.js';

const PREFIX = 'traefik_parity_';
const RESULTS = ['same', 'different', 'alone', 'failed'];

function family(name, kind, help, samples) {
    return families.family(PREFIX + name, kind, help, samples);
}

// Not by `pod`, which a scrape gives to the exporter's own.
function byReplica(values) {
    return Object.keys(values).sort().map((name) => [`{replica="${name}"}`, values[name]]);
}

function ofReport(report) {
    const leftOut = Object.keys(report.leftOut).map((reason) => [`{reason="${reason}"}`, report.leftOut[reason]]);
    return [
        family('replicas', 'gauge', 'Replicas of Traefik that were compared.', [['', report.replicas]]),
        family('left_out', 'gauge', 'Pods of Traefik that were not compared, by why.', leftOut),
        family('routers', 'gauge', 'Routers of a replica, where its API is open.', byReplica(report.routers)),
        family('missing', 'gauge', 'Routers and answers that a replica lacks and another one has, two rounds in a row.',
            byReplica(report.missing)),
        family('unanswered', 'gauge', 'Questions of the last round that a replica did not answer.',
            byReplica(report.unanswered)),
        family('last_check_timestamp_seconds', 'gauge', 'When replicas were last compared.', [['', report.checked]]),
    ];
}

// `count` gives the number of rounds with a result.
function text(report, count) {
    const families = [
        family('sites', 'gauge', 'Sites whose answers are compared.', [['', settings.sites]]),
        family('checks_total', 'counter', 'Rounds, by what came of them.',
            RESULTS.map((result) => [`{result="${result}"}`, count(result)])),
    ].concat(report ? ofReport(report) : []);
    return [].concat.apply([], families).join('\n') + '\n';
}

export default {text};
