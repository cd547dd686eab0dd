// Sessions and identities of the stand-in. A session is a signed cookie, so that each replica knows it without a store.
import crypto from 'crypto';

const COOKIE = 'authentik_proxy_lab';
// No secret: it guards nothing but a test site, and keeps forged cookies out of the tests.
const SIGNING_KEY = 'stand-in';

function signature(text) {
    return crypto.createHmac('sha256', SIGNING_KEY).update(text).digest('base64url');
}

function cookieFor(user) {
    return `${COOKIE}=${user}.${signature(user)}; Path=/; HttpOnly; SameSite=Lax`;
}

// The cookies that go with a redirect to the login: a session that is nobody's yet, and its state.
function cookiesBeforeLogin(requestId) {
    return [
        `${COOKIE}=${requestId}; Path=/; HttpOnly; SameSite=Lax`,
        `authentik_proxy_state=${requestId}; Path=/outpost.goauthentik.io/; HttpOnly; SameSite=Lax`,
    ];
}

// The user of a valid session cookie, or an empty string.
function userOf(cookies) {
    const found = (cookies || '').match(/(?:^|;\s*)authentik_proxy_lab=([a-z0-9-]+)\.([\w-]+)/);
    return found && signature(found[1]) === found[2] ? found[1] : '';
}

function token(user, leastBytes) {
    const claims = {iss: 'stand-in', sub: user, preferred_username: user, filler: ''};
    claims.filler = 'x'.repeat(Math.ceil(leastBytes * 3 / 4));
    const body = [{alg: 'HS256', typ: 'JWT'}, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
    return `${body}.${signature(body)}`;
}

function identityHeaders(user, jwtBytes) {
    return {
        'X-authentik-username': user,
        'X-authentik-groups': 'authentik Admins|lab',
        'X-authentik-email': `${user}@lab.test`,
        'X-authentik-name': `Test user ${user}`,
        'X-authentik-uid': crypto.createHash('sha256').update(user).digest('hex'),
        'X-authentik-jwt': token(user, jwtBytes),
        'X-authentik-meta-jwks': 'http://authentik.lab.test/application/o/lab/jwks/',
        'X-authentik-meta-outpost': 'authentik Embedded Outpost',
        'X-authentik-meta-provider': 'lab',
        'X-authentik-meta-app': 'lab',
        'X-authentik-meta-version': 'goauthentik.io/outpost/2026.8.0',
    };
}

export default {cookieFor, cookiesBeforeLogin, identityHeaders, userOf};
