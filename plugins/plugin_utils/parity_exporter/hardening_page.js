// What Prometheus reads of what was hardened.
import families from 'families.js';
import settings from 'settings.js';

const PREFIX = 'resilient_traefik_hardening_';
const RESULTS = ['intact', 'undone', 'unknown', 'failed'];

function told(name, kind, help, samples) {
    return families.family(PREFIX + name, kind, help, samples);
}

// Not by `namespace`, which a scrape gives to the exporter's own.
function labels(recorded, more) {
    const all = Object.assign(
        {kind: recorded.kind, object_namespace: recorded.namespace, object_name: recorded.name}, more);
    return `{${Object.keys(all).map((name) => `${name}="${families.escaped(all[name])}"`).join()}}`;
}

// Why nothing can be told of an object now, empty when something can.
function unknown(found, now) {
    if (!found) {
        return 'not_asked';
    }
    return found.unknown || (now - found.at > settings.hardening.late_ms ? 'late' : '');
}

// The lists of samples. What was found undone stays so until something else is seen; what was found well does not.
function samples(known, now) {
    const lists = {intact: [], writes: [], unknown: []};
    settings.hardening.objects.forEach((recorded) => {
        const found = known[recorded.path], why = unknown(found, now), fields = (found && found.fields) || {};
        if (why) {
            lists.unknown.push([labels(recorded, {reason: why}), 1]);
        }
        Object.keys(fields).filter((field) => !why || !fields[field].intact).forEach((field) => {
            lists.intact.push([labels(recorded, {field}), fields[field].intact ? 1 : 0]);
            if (fields[field].by) {
                lists.writes.push([labels(recorded, {field, manager: fields[field].by.manager}), fields[field].by.time]);
            }
        });
    });
    return lists;
}

// `report` as hardening.js gives it; `count` gives the number of rounds with a result, `now` is in milliseconds since 1970.
function text(report, count, now) {
    const lists = samples(report.known, now);
    return [].concat(
        told('objects', 'gauge', 'Objects of which something is recorded.', [['', settings.hardening.objects.length]]),
        told('routes_left_out', 'gauge', 'Routes that were too many to be recorded.', [['', settings.hardening.left_out]]),
        told('intact', 'gauge', 'Whether a field is as hardening left it, and with field="object" whether the object is there.',
            lists.intact),
        told('last_write_timestamp_seconds', 'gauge', 'When a field that is not intact was last written, by its manager.',
            lists.writes),
        told('unknown', 'gauge', 'Objects that could not be compared, by why.', lists.unknown),
        told('checks_total', 'counter', 'Rounds, by what came of them.',
            RESULTS.map((result) => [`{result="${result}"}`, count(result)])),
        report.checked ? told('last_check_timestamp_seconds', 'gauge', 'When the API server was last asked and answered.',
            [['', report.checked]]) : []
    ).join('\n') + '\n';
}

export default {text};
