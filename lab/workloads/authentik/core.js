// Django, which the outpost asks about what it does not know itself: it takes its time, few questions at once, and can hang
// while the outpost lives.
import failures from 'failures.js';

const THREADS = 4;
const PAGE = `<!doctype html>
<html lang="en">
<head><title>Not Found</title></head>
<body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body>
</html>
`;

// Wait for Django, between so many milliseconds and longer where others wait. False where it hangs: then the request was
// handed over, and there is nothing to answer.
async function answers(r, least, most) {
    if (failures.modeOf(r) === 'core_hung') {
        r.internalRedirect('@hang');
        return false;
    }
    const now = Date.now();
    const takes = least + Math.random() * (most - least);
    const begins = Math.max(now, ngx.shared.core.get('free_at') || 0);
    ngx.shared.core.set('free_at', begins + takes / THREADS);
    await new Promise((resolve) => setTimeout(resolve, begins + takes - now));
    return true;
}

async function notFound(r) {
    if (await answers(r, 70, 280)) {
        r.headersOut['Content-Type'] = 'text/html; charset=utf-8';
        r.headersOut['X-Powered-By'] = 'authentik';
        r.return(404, PAGE);
    }
}

// A wrong question is an event, and Django is told of it before the client is.
async function misconfigured(r) {
    if (await answers(r, 260, 470)) {
        r.headersOut['Content-Type'] = 'text/plain; charset=utf-8';
        r.return(500, 'configuration error\n');
    }
}

// Whose credentials these are, or an empty string; `undefined` where Django hangs.
async function userOf(r, authorization) {
    if (!await answers(r, 70, 550)) {
        return undefined;
    }
    const basic = /^Basic ([A-Za-z0-9+\/]+=*)$/.exec(authorization);
    const text = basic ? Buffer.from(basic[1], 'base64').toString() : '';
    const found = /^([a-z0-9-]{1,12}):app-password$/.exec(text) || /^Bearer app-password-([a-z0-9-]{1,12})$/.exec(authorization);
    return found ? found[1] : '';
}

export default {answers, misconfigured, notFound, userOf};
