// The failures of a stand-in, switchable while it runs. A location that can fail is `js_content failures.gate`;
// it names the location that answers when all is well in $when_well, and includes the ones of fail.conf.

const MODES = ['ok', '400', '404', '500', '503', 'hang', 'every-second-hangs', 'slow', 'reset', 'close', 'trickle', 'crash'];
const LONGEST_MS = 120000;

// Failures that only this stand-in has: it names them in $own_modes, and its own locations answer then.
function ownModes(r) {
    return (r.variables.own_modes || '').split(' ').filter((name) => name);
}

function modeOf(r) {
    return ngx.shared.failure.get('mode') || r.variables.mode_at_start || 'ok';
}

// `since` is when the mode was switched on, in milliseconds since 1970.
function state(r) {
    const failure = ngx.shared.failure;
    return {
        mode: modeOf(r),
        ms: Number(failure.get('ms') || 0),
        since: Number(failure.get('since') || 0),
        jwt_bytes: Number(failure.get('jwt_bytes') || 0),
        requests: ngx.shared.counter.get('requests') || 0,
        sessions: ngx.shared.counter.get('sessions') || 0,
    };
}

function wholeNumber(text, most) {
    return /^\d{1,6}$/.test(text) && Number(text) <= most;
}

function complaint(args, modes) {
    if (!modes.includes(args.mode)) {
        return `mode must be one of ${modes.join(', ')}`;
    }
    if (args.ms !== undefined && !wholeNumber(args.ms, LONGEST_MS)) {
        return `ms must be a whole number up to ${LONGEST_MS}`;
    }
    if (args.jwt_bytes !== undefined && !wholeNumber(args.jwt_bytes, 65536)) {
        return 'jwt_bytes must be a whole number up to 65536';
    }
    return '';
}

function control(r) {
    if (r.method === 'POST') {
        const wrong = complaint(r.args, MODES.concat(ownModes(r)));
        if (wrong) {
            r.return(400, wrong + '\n');
            return;
        }
        // A crash is an event, not a state: the next process starts well.
        if (r.args.mode === 'crash') {
            r.return(202, 'going down\n');
            process.kill(process.ppid, 'SIGTERM');
            return;
        }
        ['mode', 'ms', 'jwt_bytes'].forEach((name) => ngx.shared.failure.set(name, r.args[name] || ''));
        ngx.shared.failure.set('since', String(Date.now()));
    }
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify(state(r)) + '\n');
}

async function gate(r) {
    const count = ngx.shared.counter.incr('requests', 1, 0);
    const now = state(r);
    if (now.mode === 'ok' || ownModes(r).includes(now.mode)) {
        r.internalRedirect(r.variables.when_well);
        return;
    }
    switch (now.mode) {
    case 'slow':
        await new Promise((resolve) => setTimeout(resolve, now.ms));
        r.internalRedirect(r.variables.when_well);
        break;
    case 'every-second-hangs':
        r.internalRedirect(count % 2 ? r.variables.when_well : '@hang');
        break;
    case 'hang':
    case 'reset':
    case 'close':
    case 'trickle':
        r.internalRedirect('@' + now.mode);
        break;
    default:
        r.return(Number(now.mode), `stand-in: answers ${now.mode} because it was told to\n`);
    }
}

export default {control, gate, modeOf, state};
