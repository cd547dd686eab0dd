// authentik's outpost controller, as far as its Middleware goes: what differs of address, headers or pattern is put back.
import fs from 'fs';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const PATH = '/apis/traefik.io/v1alpha1/namespaces/authentik/middlewares/ak-outpost-authentik-embedded-outpost';
const KEPT = JSON.parse(fs.readFileSync('/etc/nginx/kept.json'));

function apiServer() {
    return `${process.env.KUBERNETES_SERVICE_HOST}:${process.env.KUBERNETES_SERVICE_PORT}`;
}

async function call(method, body) {
    const answer = await ngx.fetch(`http://127.0.0.1:8001${PATH}`, {
        method: method,
        headers: {
            'Authorization': `Bearer ${fs.readFileSync(TOKEN)}`,
            'Content-Type': 'application/merge-patch+json',
        },
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status >= 300) {
        throw new Error(`${method} ${PATH}: ${answer.status} ${text}`);
    }
    return JSON.parse(text);
}

async function loop() {
    const there = (await call('GET')).spec.forwardAuth || {};
    const differing = Object.keys(KEPT).filter((key) => JSON.stringify(there[key]) !== JSON.stringify(KEPT[key]));
    if (differing.length) {
        const fields = {};
        differing.forEach((key) => { fields[key] = KEPT[key]; });
        await call('PATCH', {spec: {forwardAuth: fields}});
    }
    ngx.shared.done.set('last', Date.now());
}

// Well while a round went through within the last minute.
function health(r) {
    const age = Date.now() - (ngx.shared.done.get('last') || 0);
    r.return(age < 60000 ? 200 : 503);
}

export default {apiServer, health, loop};
