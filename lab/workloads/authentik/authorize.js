// authentik's own page, to which the outpost sends whoever has no session. Anybody may be who they say they are.
import applications from 'applications.js';
import failures from 'failures.js';
import html from 'html.js';
import urlParse from 'url-parse.js';

// The page of an application that a login may lead back to, or undefined.
function formAction(uri) {
    const found = urlParse.parse(uri || '');
    return found && applications.of(found.host) && /^https?:/.test(uri) ? uri.slice(0, uri.indexOf('?')) : undefined;
}

function page(r) {
    const action = formAction(r.args.redirect_uri);
    if (failures.modeOf(r) === 'core_hung') {
        r.internalRedirect('@hang');
        return;
    }
    if (!action) {
        r.return(400, 'The redirect URI is not one of an application.\n');
        return;
    }
    r.headersOut['Content-Type'] = 'text/html; charset=utf-8';
    r.return(200, `<!doctype html>
<title>Sign in</title>
<form action="${html.escape(action)}">
<label>User name <input name="code" required pattern="[a-z0-9\\-]{1,12}" autofocus></label>
<input type="hidden" name="X-authentik-auth-callback" value="true">
<input type="hidden" name="state" value="${html.escape(r.args.state || '')}">
<button>Sign in</button>
</form>
`);
}

export default {page};
