// One question by one way, as a browser would ask it.
import asking from 'asking.js';
import expectation from 'expectation.js';
import noRouter from 'no_router.js';
import settings from 'settings.js';

// Nobody waits longer, also for a page that never ends.
function within(milliseconds, promise) {
    let timer;
    const over = new Promise((resolve) => {
        timer = setTimeout(() => resolve({status: 0, problem: `no whole answer within ${milliseconds / 1000} s`}), milliseconds);
    });
    return Promise.race([promise, over]).then((found) => {
        clearTimeout(timer);
        return found;
    });
}

function addressed(leg) {
    return {'X-To': leg.to, 'X-Host': leg.host, 'X-Server': leg.host.replace(/:\d+$/, ''), 'X-Path': leg.path};
}

async function page(leg) {
    const headers = Object.assign({}, leg.probe.headers, addressed(leg));
    const reply = await asking.ask(leg.tls ? 'https' : 'http', headers, leg.probe.method);
    if (!reply) {
        return {status: 0, problem: 'no answer'};
    }
    // It can be read once.
    let text;
    const read = async () => {
        text = text === undefined ? await reply.text() : text;
        return text;
    };
    if (leg.leg !== 'backend' && await noRouter.says(reply, read)) {
        return {status: 404, problem: 'Traefik has no router for it'};
    }
    return {status: reply.status, problem: expectation.problem(leg.expect, reply, await read())};
}

async function openWebsocket(leg) {
    const headers = Object.assign(addressed(leg), {
        'X-Agent': settings.user_agent,
        'X-Subprotocol': leg.probe.subprotocol,
        'X-Headers': JSON.stringify(leg.probe.headers),
    });
    const reply = await asking.askAt(leg.tls ? settings.secure_websocket_port : settings.websocket_port, '', headers);
    if (!reply) {
        return {status: 0, problem: 'no answer'};
    }
    const found = await reply.json();
    if (found.status !== 101) {
        return {status: found.status, problem: found.status ? `status ${found.status} in place of 101` : 'no answer'};
    }
    if (!found.accepted) {
        return {status: 101, problem: 'the accept key is wrong'};
    }
    const other = leg.probe.subprotocol && !leg.probe.subprotocol.split(/, */).includes(found.subprotocol);
    return {status: 101, problem: other ? 'the subprotocol is another' : ''};
}

// {status, problem, seconds}: no status is 0, no problem is empty.
async function ask(leg) {
    const began = Date.now();
    let found;
    try {
        found = await within(settings.answer_ms, leg.probe.websocket ? openWebsocket(leg) : page(leg));
    } catch (e) {
        found = {status: 0, problem: e.message};
    }
    return Object.assign({seconds: (Date.now() - began) / 1000}, found);
}

// When the certificate ends that visitors of the probe's host are shown, in seconds since 1970; nothing when nobody tells.
async function certificateEnd(leg) {
    try {
        const reply = await asking.askAt(settings.certificate_port, '', addressed(leg));
        return reply && (await reply.json()).not_after || undefined;
    } catch (e) {
        return undefined;
    }
}

export default {ask, certificateEnd};
