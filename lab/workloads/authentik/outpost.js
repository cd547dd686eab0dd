// The answers of authentik's outpost to Traefik, and a login that a browser can go through.
import session from 'session.js';

const KNOWN_HOST = /^[a-z0-9-]+\.lab\.test(:\d+)?$/;

function isKnown(host) {
    return KNOWN_HOST.test(host);
}

// What Traefik's ForwardAuth asks.
function auth(r) {
    const proto = r.headersIn['X-Forwarded-Proto'];
    const host = r.headersIn['X-Forwarded-Host'];
    const uri = r.headersIn['X-Forwarded-Uri'];
    if (!proto || !host || !uri) {
        r.return(500, 'X-Forwarded-Proto, -Host and -Uri are needed\n');
        return;
    }
    if (!isKnown(host)) {
        r.return(404, 'no application has this host\n');
        return;
    }
    const user = session.userOf(r.headersIn.Cookie);
    if (user) {
        const jwtBytes = Number(ngx.shared.failure.get('jwt_bytes') || 0);
        Object.assign(r.headersOut, session.identityHeaders(user, jwtBytes));
        r.return(200);
        return;
    }
    const wanted = encodeURIComponent(`${proto}://${host}${uri}`);
    r.headersOut['Set-Cookie'] = session.cookiesBeforeLogin(r.variables.request_id);
    r.return(302, `${proto}://${host}/outpost.goauthentik.io/start?rd=${wanted}`);
}

function escapeHtml(text) {
    return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

// authentik would lead through its login flow. Here anybody may be who they say they are.
function start(r) {
    r.headersOut['Content-Type'] = 'text/html; charset=utf-8';
    r.return(200, `<!doctype html>
<title>Sign in</title>
<form action="/outpost.goauthentik.io/callback">
<label>User name <input name="code" required pattern="[a-z0-9\\-]+" autofocus></label>
<input type="hidden" name="state" value="${escapeHtml(r.args.rd || '/')}">
<button>Sign in</button>
</form>
`);
}

// Where a login may lead back to: a page of a known host, and nowhere else.
function safeReturn(url) {
    const parts = (url || '').match(/^https?:\/\/([^\/?#\s]+)(?:[\/?#]\S*)?$/);
    return parts && isKnown(parts[1]) ? url : '/';
}

function callback(r) {
    if (!/^[a-z0-9-]{1,64}$/.test(r.args.code || '')) {
        r.return(400, 'no such user\n');
        return;
    }
    r.headersOut['Set-Cookie'] = [session.cookieFor(r.args.code)];
    r.return(302, safeReturn(r.args.state));
}

function metrics(r) {
    const requests = ngx.shared.counter.get('requests') || 0;
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4';
    r.return(200, `# TYPE authentik_standin_requests_total counter\nauthentik_standin_requests_total ${requests}\n`);
}

export default {auth, callback, metrics, start};
