// What the proxy counts, in memory that its workers share, and how it tells that to Prometheus.
import settings from 'settings.js';

const PREFIX = 'fallback_proxy_';

// By family: what it means, and the combinations of labels that are told from the start, so that a first event is a rise.
// A function, because whatever stands outside of functions is run for each request.
const families = () => ({
    requests_total: ['Requests that Traefik asked about.', [{}]],
    fallbacks_total: [
        'Requests that the policy answered instead of the target, by what was wrong with the target.',
        [].concat.apply([], settings.reasons.map((reason) => settings.answers.map((policy) => ({reason, policy})))),
    ],
    remembered_total: ['Requests of a session that were answered without asking, as the target answered a moment before.', [{}]],
    neighbour_questions_total: [
        'Questions to the other pods of the proxy about a session, by what became of them.',
        ['known', 'unknown', 'limited'].map((result) => ({result})),
    ],
    failed_tries_total: [
        'Questions to one pod of the target that failed; another pod may have answered.',
        settings.reasons.filter((reason) => reason !== 'down').map((reason) => ({reason})),
    ],
    refused_total: ['Requests refused because the answer about them was faulty.', [{reason: 'oversized'}]],
    passed_total: [
        'Requests that got an error of their own because a pod of the target was well, by what they met.',
        settings.reasons.map((reason) => ({reason})),
    ],
    logins_total: [
        'Emergency logins, by what became of them.',
        ['accepted', 'remembered', 'refused', 'limited', 'busy', 'failed'].map((result) => ({result})),
    ],
    checks_total: ['Checks of single pods of the target.', ['well', 'failed'].map((result) => ({result}))],
    transitions_total: ['How often the target as a whole went up or down.', ['up', 'down'].map((to) => ({to}))],
});

function series(family, labels) {
    const inner = Object.keys(labels).map((label) => `${label}="${labels[label]}"`).join(',');
    return PREFIX + family + (inner && `{${inner}}`);
}

function count(family, labels) {
    ngx.shared.counts.incr(series(family, labels || {}), 1, 0);
}

function family(name, kind, help, samples) {
    return [`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${kind}`].concat(samples);
}

function gauge(name, help, samples) {
    return family(name, 'gauge', help, samples.map((sample) => `${series(name, sample[0])} ${sample[1]}`));
}

function counters() {
    const counted = ngx.shared.counts.keys(10000), all = families();
    return Object.keys(all).map((name) => {
        const known = all[name][1].map((labels) => series(name, labels));
        const more = counted.filter((key) => key.split('{')[0] === PREFIX + name && !known.includes(key)).sort();
        const samples = known.concat(more).map((key) => `${key} ${ngx.shared.counts.get(key) || 0}`);
        return family(name, 'counter', all[name][0], samples);
    });
}

export default {count, counters, gauge};
