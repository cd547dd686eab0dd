// Gives each namespace the LimitRange and the ResourceQuota `tier-defaults` of its tier, and takes them back with the label.
import fs from 'fs';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const TIERS = JSON.parse(fs.readFileSync('/etc/nginx/tiers.json'));
const NAME = 'tier-defaults';

function apiServer() {
    return `${process.env.KUBERNETES_SERVICE_HOST}:${process.env.KUBERNETES_SERVICE_PORT}`;
}

async function call(method, path, body) {
    const answer = await ngx.fetch(`http://127.0.0.1:8001${path}`, {
        method: method,
        headers: {
            'Authorization': `Bearer ${fs.readFileSync(TOKEN)}`,
            'Content-Type': method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json',
        },
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status >= 300) {
        throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    return JSON.parse(text);
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

async function settle(kind, plural, tierOf) {
    const there = await call('GET', `/api/v1/${plural}?fieldSelector=metadata.name%3D${NAME}`);
    const specs = {};
    there.items.forEach((object) => { specs[object.metadata.namespace] = object.spec; });

    const surplus = Object.keys(specs).filter((namespace) => !tierOf[namespace]);
    await Promise.all(surplus.map((namespace) => call('DELETE', `/api/v1/namespaces/${namespace}/${plural}/${NAME}`)));

    const wanted = (namespace) => TIERS[tierOf[namespace]][kind];
    const stale = Object.keys(tierOf).filter(
        (namespace) => !specs[namespace] || canonical(specs[namespace]) !== canonical(wanted(namespace)));
    await Promise.all(stale.map((namespace) => apply(kind, plural, namespace, wanted(namespace))));
}

async function loop() {
    const tierOf = {};
    (await call('GET', '/api/v1/namespaces?labelSelector=tier')).items.forEach((namespace) => {
        const tier = namespace.metadata.labels.tier;
        if (TIERS[tier] && namespace.status.phase === 'Active') {
            tierOf[namespace.metadata.name] = tier;
        }
    });
    await settle('LimitRange', 'limitranges', tierOf);
    await settle('ResourceQuota', 'resourcequotas', tierOf);
    ngx.shared.done.set('last', Date.now());
}

// Well while the last round that went through is no older than five seconds.
function health(r) {
    const age = Date.now() - (ngx.shared.done.get('last') || 0);
    r.return(age < 5000 ? 200 : 503);
}

export default {apiServer, health, loop};
