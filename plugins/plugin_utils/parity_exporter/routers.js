// The routers that a replica says it has, where its API is open.
import asking from 'asking.js';
import settings from 'settings.js';

const PROTOCOLS = ['http', 'tcp', 'udp'];
const PAGE = 500;

// Those by which this collection opens the API or probes a replica live for seconds.
function isOurs(router) {
    return (router.rule || '').includes(settings.guard_header) || router.name.includes(settings.probe_name);
}

async function page(replica, protocol, number) {
    const path = `${settings.api.path}/${protocol}/routers?per_page=${PAGE}&page=${number}`;
    const reply = await asking.askReplica(replica, settings.api, 'localhost', path);
    if (!reply) {
        return {answered: false};
    }
    const isJson = (reply.headers.get('Content-Type') || '').startsWith('application/json');
    // With 400 Traefik answers to a page that is not there any more.
    if (reply.status === 400 && isJson && number > 1) {
        return {answered: true, routers: [], next: 1};
    }
    if (reply.status !== 200 || !isJson) {
        return {answered: true};
    }
    try {
        return {answered: true, routers: await reply.json(), next: Number(reply.headers.get('X-Next-Page') || 1)};
    } catch (e) {
        return {answered: false};
    }
}

async function ofProtocol(replica, protocol, until) {
    const routers = [];
    for (let number = 1; number;) {
        const found = Date.now() < until ? await page(replica, protocol, number) : {answered: false};
        if (!found.routers) {
            return found;
        }
        found.routers.forEach((router) => routers.push(router));
        // Traefik names page 1 after the last one.
        number = found.next > number ? found.next : 0;
    }
    return {answered: true, routers: routers};
}

// {answered, names}: without names the API is closed, or was not read to its end.
async function read(replica, until) {
    const names = {};
    for (let i = 0; i < PROTOCOLS.length; i++) {
        const found = await ofProtocol(replica, PROTOCOLS[i], until);
        if (!found.routers) {
            return {answered: found.answered};
        }
        // A reload between two pages may show one twice.
        found.routers.filter((router) => router.status !== 'disabled' && !isOurs(router)).forEach((router) => {
            names[`${PROTOCOLS[i]} router ${router.name}`] = true;
        });
    }
    return {answered: true, names: Object.keys(names)};
}

export default {read};
