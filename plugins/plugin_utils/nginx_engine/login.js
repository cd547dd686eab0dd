// Emergency logins. nginx checks a password in processes of its own; a right one is remembered by a keyed hash, because
// bcrypt costs a core some 60 ms at cost 10 and the hash a few microseconds.
import crypto from 'crypto';
import authorization from 'authorization.js';
import salt from 'salt.js';
import settings from 'settings.js';
import timers from 'timers.js';

const LONGEST_LOGIN = 1024;
const LONGEST_PAUSE_MS = 30;

// How long this request's answer may still take.
function millisecondsLeft(r) {
    return settings.longest_ms - Number(r.variables.request_time) * 1000;
}

async function statusOf(r, place) {
    const reply = await timers.within(millisecondsLeft(r), r.subrequest(place), {status: 504});
    return reply.status;
}

function resultOf(status) {
    switch (status) {
    case 204:
        return 'accepted';
    case 401:
    case 403:
        return 'refused';
    case 429:
        return 'limited';
    case 503:
    case 504:
        return 'busy';
    default:
        return 'failed';
    }
}

// A client that tried lately, and was not right, has fewer of the places: a flood leaves some to everybody else.
async function checked(r, mark, user) {
    const client = r.variables.client_network;
    const place = ngx.shared.tried.add(client, 1) ? '/.login' : '/.login-again';
    const result = resultOf(await statusOf(r, place));
    if (result === 'accepted') {
        ngx.shared.logins.set(mark, user);
        ngx.shared.tried.delete(client);
    }
    if (result === 'refused') {
        ngx.shared.trials.set(mark, 'refused');
    } else {
        ngx.shared.trials.delete(mark);
    }
    return result;
}

// What is known of a login, or undefined. That it was wrong is known for a few seconds, and is an attempt all the same.
async function remembered(r, mark) {
    if (ngx.shared.logins.get(mark) !== undefined) {
        return 'remembered';
    }
    if (ngx.shared.trials.get(mark) === 'refused') {
        return await statusOf(r, '/.attempt') === 204 ? 'refused' : 'limited';
    }
    return undefined;
}

// Resolves to {result, user}: the user only where the login is right. Of requests with the same login at the same time
// one is checked, and the others wait for what becomes of it.
async function login(r) {
    const basic = authorization.basicOf(r);
    if (!basic || !basic.whole || basic.login.length > LONGEST_LOGIN) {
        return {result: 'refused'};
    }
    const mark = crypto.createHmac('sha256', salt.key()).update(basic.login).digest('hex');
    let result;
    while (!result && millisecondsLeft(r) > LONGEST_PAUSE_MS) {
        result = await remembered(r, mark);
        if (!result && ngx.shared.trials.add(mark, 'waiting')) {
            result = await checked(r, mark, basic.user);
        } else if (!result) {
            await timers.pause(Math.random() * LONGEST_PAUSE_MS);
        }
    }
    const right = result === 'accepted' || result === 'remembered';
    return {result: result || 'busy', user: right ? basic.user : undefined};
}

export default {login};
