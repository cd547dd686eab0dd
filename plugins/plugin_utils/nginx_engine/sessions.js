// Who was signed in a moment ago. What the target answered about a session is kept in memory, by a keyed hash of its cookies and the
// host, and given again while no pod is well. Nobody gets more by it than the target gave him, and no header of somebody else.
import crypto from 'crypto';
import rounds from 'rounds.js';
import salt from 'salt.js';
import settings from 'settings.js';

// Of the answer these are about the connection or the body, not about the user. Authorization may be the client's own.
const NOT_KEPT = ['authorization', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'server', 'set-cookie', 'transfer-encoding'];
const MOST_BYTES = 16000;
// authentik without its database sends everybody to the login. Who was sent there so shortly before the target was found down is
// not taken for signed out (milliseconds).
const BY_THE_OUTAGE_MS = 5000;
const SIGNS_OUT = /[?&]x-authentik-logout=true/i;

function isOurs(pair) {
    return settings.session_cookies.some((prefix) => pair.startsWith(prefix));
}

// The cookies by which the target knows a session; '' where the client sent none.
function cookiesOf(r) {
    const pairs = String(r.headersIn.Cookie || '').split(';').map((pair) => pair.trim());
    return pairs.filter(isOurs).sort().join('; ');
}

function hashed(kind, text) {
    return crypto.createHmac('sha256', salt.key()).update(`${kind}\n${text}`).digest('base64');
}

// Whoever signs out does so for all hosts that have the cookie.
function isSignedOut(cookies) {
    return ngx.shared.sessions.get(hashed('out', cookies)) !== undefined;
}

function signOut(r) {
    const cookies = cookiesOf(r);
    if (cookies) {
        ngx.shared.sessions.set(hashed('out', cookies), '1');
    }
}

function keyOf(r, cookies) {
    return hashed('in', `${r.variables.asked_host}\n${cookies}`);
}

function doubtOf(key) {
    return `${key} in doubt`;
}

// The target does not know this session any more, or is ill: the next round asks every pod as a stranger comes.
function doubt(key) {
    if (ngx.shared.sessions.get(key) !== undefined && ngx.shared.sessions.add(doubtOf(key), String(Date.now()))) {
        ngx.shared.state.set('refused', '1');
    }
}

function isForgotten(key) {
    const since = ngx.shared.sessions.get(doubtOf(key));
    const down = rounds.downSince();
    return since !== undefined && !(down && Number(since) > down - BY_THE_OUTAGE_MS);
}

// Note what the target answered about this request, as it goes out. Only an answer that names a user is about a session: a path
// that needs no login is answered by 200 too.
function note(r) {
    const cookies = cookiesOf(r);
    if (!cookies) {
        return;
    }
    if (SIGNS_OUT.test(r.headersIn['X-Forwarded-Uri'] || '')) {
        signOut(r);
        return;
    }
    const key = keyOf(r, cookies);
    if ([302, 401, 403].includes(r.status)) {
        doubt(key);
        return;
    }
    if (r.status !== 200 || !String(r.headersOut[settings.user_header] || '').trim() || isSignedOut(cookies)) {
        return;
    }
    const kept = {};
    Object.keys(r.headersOut).forEach((name) => {
        if (!NOT_KEPT.includes(name.toLowerCase())) {
            kept[name] = r.headersOut[name];
        }
    });
    if (r.variables.upstream_http_authorization) {
        kept.Authorization = r.variables.upstream_http_authorization;
    }
    const text = JSON.stringify(kept);
    if (text.length <= MOST_BYTES) {
        ngx.shared.sessions.set(key, text);
        ngx.shared.sessions.delete(doubtOf(key));
    }
}

// The headers of the last answer about this session, or undefined.
function known(r) {
    const cookies = settings.session_grace ? cookiesOf(r) : '';
    if (!cookies || isSignedOut(cookies)) {
        return undefined;
    }
    const key = keyOf(r, cookies);
    const text = isForgotten(key) ? undefined : ngx.shared.sessions.get(key);
    return text === undefined ? undefined : JSON.parse(text);
}

export default {known, note, signOut};
