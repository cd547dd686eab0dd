// What a member's application is told, in the headers of the answer. Their names are in Go's canonical case.
import crypto from 'crypto';
import session from 'session.js';

function token(user, leastBytes) {
    const filler = 'x'.repeat(Math.ceil(leastBytes * 3 / 4));
    return session.jwt({iss: 'stand-in', sub: user, preferred_username: user, filler: filler});
}

function headersFor(user, application, jwtBytes) {
    return {
        'X-Authentik-Username': user,
        'X-Authentik-Groups': 'authentik Admins|lab',
        'X-Authentik-Entitlements': 'lab',
        'X-Authentik-Email': `${user}@lab.test`,
        'X-Authentik-Name': `Test user ${user}`,
        'X-Authentik-Uid': crypto.createHash('sha256').update(user).digest('hex'),
        'X-Authentik-Jwt': token(user, jwtBytes),
        'X-Authentik-Meta-Jwks': `https://auth.lab.test/application/o/${application.client}/jwks/`,
        'X-Authentik-Meta-Outpost': 'authentik Embedded Outpost',
        'X-Authentik-Meta-Provider': application.client,
        'X-Authentik-Meta-App': application.client,
        'X-Authentik-Meta-Version': 'goauthentik.io/outpost/2026.8.0',
        // One of the user's additionalHeaders.
        'X-Lab-Of': user,
    };
}

export default {headersFor};
