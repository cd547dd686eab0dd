// What the small controllers share: their way to the API server, and when the last round went through.
import fs from 'fs';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

function server() {
    return `${process.env.KUBERNETES_SERVICE_HOST}:${process.env.KUBERNETES_SERVICE_PORT}`;
}

async function call(method, path, type, body) {
    const answer = await ngx.fetch(`http://127.0.0.1:8001${path}`, {
        method: method,
        headers: {
            'Authorization': `Bearer ${fs.readFileSync(TOKEN)}`,
            'Content-Type': type,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status >= 300) {
        throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    return JSON.parse(text);
}

function wentThrough() {
    ngx.shared.done.set('last', Date.now());
}

// Well while a round went through within the last minute.
function health(r) {
    const age = Date.now() - (ngx.shared.done.get('last') || 0);
    r.return(age < 60000 ? 200 : 503);
}

export default {call, health, server, wentThrough};
