// Emergency logins. nginx checks a password in processes of its own; a right one is remembered by a keyed hash, because
// bcrypt costs a core some 60 ms at cost 10 and the hash a few microseconds.
import crypto from 'crypto';
import authorization from 'authorization.js';
import settings from 'settings.js';

const LONGEST_LOGIN = 1024;
const PAUSE_MS = 20;

function salt() {
    const found = ngx.shared.salt.get('salt');
    if (found) {
        return found;
    }
    const bytes = new Uint8Array(32);
    globalThis.crypto.getRandomValues(bytes);
    ngx.shared.salt.add('salt', Buffer.from(bytes).toString('hex'));
    return ngx.shared.salt.get('salt');
}

function pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// How long this request's answer may still take.
function millisecondsLeft(r) {
    return settings.longest_ms - Number(r.variables.request_time) * 1000;
}

// A client that was wrong lately has fewer of the places, so that a flood leaves some to everybody else.
async function checked(r, basic) {
    const client = r.variables.client_network;
    const place = ngx.shared.failures.get(client) === undefined ? '/.login' : '/.login-again';
    const reply = await Promise.race([r.subrequest(place), pause(millisecondsLeft(r)).then(() => ({status: 504}))]);
    switch (reply.status) {
    case 204:
        return {result: 'accepted', user: basic.user};
    case 401:
    case 403:
        ngx.shared.failures.set(client, 1);
        return {result: 'refused'};
    case 429:
        return {result: 'limited'};
    case 503:
    case 504:
        return {result: 'busy'};
    default:
        return {result: 'failed'};
    }
}

// Resolves to {result, user}: the user only where the login is right. Of requests with the same login at the same time
// one is checked, and the others wait for what becomes of it.
async function login(r) {
    const basic = authorization.basicOf(r);
    if (!basic || basic.login.length > LONGEST_LOGIN) {
        return {result: 'refused'};
    }
    const mark = crypto.createHmac('sha256', salt()).update(basic.login).digest('hex');
    while (millisecondsLeft(r) > PAUSE_MS) {
        const user = ngx.shared.logins.get(mark);
        if (user !== undefined) {
            return {result: 'remembered', user: user};
        }
        if (ngx.shared.trials.add(mark, 1)) {
            const found = await checked(r, basic);
            if (found.user !== undefined) {
                ngx.shared.logins.set(mark, found.user);
            }
            ngx.shared.trials.delete(mark);
            return found;
        }
        await pause(PAUSE_MS);
    }
    return {result: 'busy'};
}

export default {login};
