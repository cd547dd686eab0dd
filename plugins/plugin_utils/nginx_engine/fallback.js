// What the policy answers instead of the target.
import authorization from 'authorization.js';
import counters from 'counters.js';
import login from 'login.js';
import sessions from 'sessions.js';
import settings from 'settings.js';

const LOGIN_IS_BUSY = 'The emergency login is busy, or was tried too often. Please try again in a few seconds.\n';

function challenge(r) {
    r.headersOut['WWW-Authenticate'] = `Basic realm="${settings.realm}", charset="UTF-8"`;
    r.return(401, 'The login service does not answer. Please use the emergency login.\n');
}

async function basic(r) {
    const found = await login.login(r);
    counters.count('logins_total', {result: found.result});
    if (found.user !== undefined) {
        // Nobody else is named: Traefik takes every header that names a user out of the client's request.
        r.headersOut[settings.user_header] = found.user;
        r.return(200);
    } else if (found.result === 'refused') {
        challenge(r);
    } else {
        r.headersOut['Retry-After'] = '10';
        r.return(429, LOGIN_IS_BUSY);
    }
}

// The very headers that the target gave when it was asked last.
function giveAgain(r, headers) {
    Object.keys(headers).forEach((name) => {
        r.headersOut[name] = headers[name] || ' ';
    });
    if (!headers.Authorization) {
        authorization.giveBack(r);
    }
    r.return(200);
}

// Whoever is signed in stays in. Returns whether this is somebody who is.
async function goOn(r, reason) {
    // Nobody is there to hear it but this proxy.
    if (sessions.isSigningOut(r)) {
        sessions.signOut(r);
        return false;
    }
    const session = await sessions.known(r);
    if (session) {
        counters.count('fallbacks_total', {reason: reason, policy: 'grace'});
        r.headersOut['X-Auth-Fallback'] = 'grace';
        r.headersOut['Cache-Control'] = 'no-store';
        giveAgain(r, session);
    }
    return Boolean(session);
}

async function fall(r, reason) {
    if (await goOn(r, reason)) {
        return;
    }
    const answer = r.variables.fallback_answer;
    counters.count('fallbacks_total', {reason: reason, policy: answer});
    r.headersOut['X-Auth-Fallback'] = 'true';
    r.headersOut['Cache-Control'] = 'no-store';
    if (answer === 'allow') {
        authorization.giveBack(r);
        r.return(200);
    } else if (answer === 'basic') {
        await basic(r);
    } else {
        r.headersOut['Retry-After'] = settings.retry_after;
        r.return(503, 'The login service does not answer. Please try again later.\n');
    }
}

export default {fall, giveAgain, goOn};
