// The answers of authentik's embedded outpost, to Traefik and on the way of the login.
import applications from 'applications.js';
import core from 'core.js';
import failures from 'failures.js';
import html from 'html.js';
import identity from 'identity.js';
import session from 'session.js';
import urlParse from 'url-parse.js';

const LOGIN = 'https://auth.lab.test/application/o';
const START = '/outpost.goauthentik.io/start';
const RETRY_AFTER = 5;
// Of a pod that starts: it refuses, then it is Ready and knows no application yet.
const REFUSES_MS = 32000;
const KNOWS_NOTHING_MS = 3000;

// refuses, knows-nothing, or an empty string for a pod that is up.
function phase(r) {
    if (failures.modeOf(r) !== 'starting') {
        return '';
    }
    const now = failures.state(r);
    const age = Date.now() - now.since - (now.ms || REFUSES_MS);
    if (age > KNOWS_NOTHING_MS) {
        return '';
    }
    return age < 0 ? 'refuses' : 'knows-nothing';
}

function notStarted(r) {
    r.headersOut['Retry-After'] = String(RETRY_AFTER);
    r.return(503, 'authentik starting');
}

function ready(r) {
    const mode = failures.modeOf(r);
    if (mode === 'db_hung') {
        r.internalRedirect('@hang');
    } else if (phase(r) === 'refuses') {
        notStarted(r);
    } else {
        r.return(mode === 'db_stopped' ? 500 : 200);
    }
}

// The application that is asked about. Otherwise the request was answered, or never is, and this is undefined.
async function applicationOf(r, host) {
    const now = phase(r);
    const found = applications.of(host);
    if (failures.modeOf(r) === 'db_hung') {
        r.internalRedirect('@hang');
    } else if (now === 'refuses') {
        notStarted(r);
    } else if (now || !found) {
        await core.notFound(r);
    } else {
        return found;
    }
    return undefined;
}

function redirect(r, url) {
    r.status = 302;
    r.headersOut['Content-Type'] = 'text/html; charset=utf-8';
    r.headersOut.Location = url;
    r.headersOut.Vary = 'Accept-Encoding';
    // The real one compresses it where the question accepts that; nginx compresses no redirect.
    const body = `<a href="${html.escape(url)}">Found</a>.\n\n`;
    r.headersOut['Content-Length'] = body.length;
    r.sendHeader();
    if (r.method !== 'HEAD') {
        r.send(body);
    }
    r.finish();
}

function authorizeUrl(application, origin, state) {
    const back = `${origin}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`;
    const values = {client_id: application.client, redirect_uri: back, response_type: 'code', scope: 'openid', state: state};
    return `${LOGIN}/authorize/?` + Object.keys(values).map((name) => `${name}=${encodeURIComponent(values[name])}`).join('&');
}

// To the login, and back to `wanted` afterwards. Who has no session gets one that is nobody's, which has to be written.
function toLogin(r, application, origin, wanted) {
    const sent = session.sent(r, application);
    if (!sent && !session.canBeWritten(r)) {
        r.return(400, '');
        return;
    }
    const state = session.jwt({
        iss: `goauthentik.io/outpost/${application.client}`,
        sid: sent || session.begin(r, application),
        state: r.variables.request_id,
        redirect: wanted,
    });
    redirect(r, authorizeUrl(application, origin, state));
}

function pass(r, application, user) {
    if (user) {
        Object.assign(r.headersOut, identity.headersFor(user, application, failures.state(r).jwt_bytes));
    }
    r.headersOut['User-Agent'] = r.headersIn['User-Agent'];
    r.headersOut['X-Powered-By'] = 'authentik_proxy2';
    r.headersOut.Vary = 'Accept-Encoding';
    r.return(200);
}

function isTrue(text) {
    return (text || '').toLowerCase() === 'true';
}

// What Traefik's ForwardAuth asks.
async function auth(r) {
    const asked = r.headersIn['X-Forwarded-Host'] || '';
    const application = await applicationOf(r, asked || r.headersIn.Host);
    if (!application) {
        return;
    }
    const origin = `${r.headersIn['X-Forwarded-Proto'] || ''}://${asked}`;
    const uri = r.headersIn['X-Forwarded-Uri'] || '';
    const url = urlParse.parse(origin + uri);
    if (!url) {
        await core.misconfigured(r);
        return;
    }
    const query = urlParse.query(url.query);
    if (isTrue(query['X-authentik-auth-callback'])) {
        await exchange(r, application, query);
    } else if (isTrue(query['X-authentik-logout'])) {
        endSession(r, application, origin);
    } else {
        await judge(r, application, origin, url, uri);
    }
}

async function judge(r, application, origin, url, uri) {
    let user = session.userOf(r, application);
    const authorization = r.headersIn.Authorization || '';
    if (!user && /^(Basic|Bearer) /.test(authorization)) {
        user = await core.userOf(r, authorization);
        if (user === undefined) {
            return;
        }
        if (user && session.canBeWritten(r)) {
            session.logIn(r, application, user);
        }
    }
    if (user || applications.isSkipped(url.path)) {
        pass(r, application, user);
    } else {
        toLogin(r, application, origin, origin + uri);
    }
}

// The pages of the login lie on the application's own host.
function originOf(r) {
    return `${r.headersIn['X-Forwarded-Proto'] || 'http'}://${r.headersIn.Host}`;
}

async function start(r) {
    const application = await applicationOf(r, r.headersIn.Host);
    if (application) {
        toLogin(r, application, originOf(r), safeReturn(originOf(r), r.args.rd));
    }
}

// Where a login may lead back to: a page of this host, and nowhere else.
function safeReturn(origin, url) {
    const found = urlParse.parse(url || '');
    const host = /:\/\/(.*)$/.exec(origin)[1];
    return found && found.host === host && /^https?:/.test(url) ? url : origin;
}

async function callback(r) {
    const application = await applicationOf(r, r.headersIn.Host);
    if (application) {
        await exchange(r, application, r.args);
    }
}

// The end of a login: the code is exchanged with Django, once. Here a code is the name of whoever wants to be that user.
async function exchange(r, application, query) {
    const claims = session.claimsOf(query.state);
    const isOurs = claims && claims.sid && claims.sid === session.sent(r, application);
    if (!isOurs || !session.canBeRead(r) || !/^[a-z0-9-]{1,12}$/.test(query.code || '')) {
        r.return(400, '');
        return;
    }
    const isFirst = ngx.shared.exchanged.add(claims.state, '1');
    if (!await core.answers(r, 70, 550)) {
        return;
    }
    if (!isFirst || !session.canBeWritten(r)) {
        r.return(400, '');
        return;
    }
    session.logIn(r, application, query.code);
    redirect(r, claims.redirect);
}

async function signOut(r) {
    const application = await applicationOf(r, r.headersIn.Host);
    if (application) {
        endSession(r, application, originOf(r));
    }
}

function endSession(r, application, origin) {
    const user = session.userOf(r, application);
    if (!user) {
        redirect(r, `${origin}${START}?rd=${encodeURIComponent(origin + '/')}`);
        return;
    }
    session.end(session.sent(r, application));
    redirect(r, `${LOGIN}/${application.client}/end-session/?id_token_hint=${session.jwt({sub: user})}`);
}

async function notFound(r) {
    if (phase(r) === 'refuses') {
        notStarted(r);
    } else {
        await core.notFound(r);
    }
}

function metrics(r) {
    const lines = ['requests', 'sessions'].map((name) => {
        const metric = `authentik_standin_${name}_total`;
        return `# TYPE ${metric} counter\n${metric} ${ngx.shared.counter.get(name) || 0}\n`;
    });
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4';
    r.return(200, lines.join(''));
}

export default {auth, callback, metrics, notFound, ready, signOut, start};
