// Gives each namespace the LimitRange and the ResourceQuota `tier-defaults` of its tier, and takes them back with the label.
import fs from 'fs';
import api from 'api.js';

const TIERS = JSON.parse(fs.readFileSync('/etc/nginx/tiers.json'));
const NAME = 'tier-defaults';

function call(method, path, body) {
    return api.call(method, path, method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json', body);
}

// Text that is equal for equal values, whatever the order of their keys.
function canonical(value) {
    if (value === null || typeof value !== 'object') {
        return JSON.stringify(value);
    }
    if (Array.isArray(value)) {
        return `[${value.map(canonical).join()}]`;
    }
    return `{${Object.keys(value).sort().map((key) => `${key}:${canonical(value[key])}`).join()}}`;
}

async function apply(kind, plural, namespace, spec) {
    await call('PATCH', `/api/v1/namespaces/${namespace}/${plural}/${NAME}?fieldManager=tier-controller&force=true`, {
        apiVersion: 'v1',
        kind: kind,
        metadata: {name: NAME, namespace: namespace},
        spec: spec,
    });
}

async function list(path) {
    return (await call('GET', path)).items;
}

// The tier of each namespace that has one and is not going away.
function tiers(namespaces) {
    const tierOf = {};
    namespaces.forEach((namespace) => {
        const tier = namespace.metadata.labels.tier;
        if (TIERS[tier] && namespace.status.phase === 'Active') {
            tierOf[namespace.metadata.name] = tier;
        }
    });
    return tierOf;
}

async function settle(kind, plural, there, tierOf) {
    const specs = {};
    there.forEach((object) => { specs[object.metadata.namespace] = object.spec; });

    const surplus = Object.keys(specs).filter((namespace) => !tierOf[namespace]);
    await Promise.all(surplus.map((namespace) => call('DELETE', `/api/v1/namespaces/${namespace}/${plural}/${NAME}`)));

    const wanted = (namespace) => TIERS[tierOf[namespace]][kind];
    const stale = Object.keys(tierOf).filter(
        (namespace) => !specs[namespace] || canonical(specs[namespace]) !== canonical(wanted(namespace)));
    await Promise.all(stale.map((namespace) => apply(kind, plural, namespace, wanted(namespace))));
}

async function loop() {
    // At the same time: nginx ends a round that lasts longer than the interval.
    const found = await Promise.all([
        list('/api/v1/namespaces?labelSelector=tier'),
        list(`/api/v1/limitranges?fieldSelector=metadata.name%3D${NAME}`),
        list(`/api/v1/resourcequotas?fieldSelector=metadata.name%3D${NAME}`),
    ]);
    const tierOf = tiers(found[0]);
    await settle('LimitRange', 'limitranges', found[1], tierOf);
    await settle('ResourceQuota', 'resourcequotas', found[2], tierOf);
    api.wentThrough();
}

export default {loop};
