// authentik's outpost controller, as far as its Middleware goes: what differs of address, headers or pattern is put back.
import fs from 'fs';
import api from 'api.js';

const PATH = '/apis/traefik.io/v1alpha1/namespaces/authentik/middlewares/ak-outpost-authentik-embedded-outpost';
const KEPT = JSON.parse(fs.readFileSync('/etc/nginx/kept.json'));

function call(method, body) {
    return api.call(method, PATH, 'application/merge-patch+json', body);
}

async function loop() {
    const there = (await call('GET')).spec.forwardAuth || {};
    const differing = Object.keys(KEPT).filter((key) => JSON.stringify(there[key]) !== JSON.stringify(KEPT[key]));
    if (differing.length) {
        const fields = {};
        differing.forEach((key) => { fields[key] = KEPT[key]; });
        await call('PATCH', {spec: {forwardAuth: fields}});
    }
    api.wentThrough();
}

export default {loop};
