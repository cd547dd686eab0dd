// What Go's url.Parse refuses: such a URL is a "configuration error" to the outpost, and a stranger can ask for one.

const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const CONTROL = /[\x00-\x1f\x7f]/;
// In a host only what is not ASCII may be escaped, which begins with the digits 8 to f.
const BAD_ESCAPE_OF_HOST = /%(?![89A-Fa-f][0-9A-Fa-f])/;
const NOT_OF_A_HOST = /[ "#\/<>?@\\^`{|}]/;

function parts(url) {
    const fragmentAt = url.indexOf('#');
    const fragment = fragmentAt < 0 ? '' : url.slice(fragmentAt + 1);
    const whole = fragmentAt < 0 ? url : url.slice(0, fragmentAt);
    const queryAt = whole.indexOf('?');
    const query = queryAt < 0 ? '' : whole.slice(queryAt + 1);
    const found = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^\/]*)(.*)$/.exec(queryAt < 0 ? whole : whole.slice(0, queryAt));
    return found && {host: found[2], path: found[3], query: query, fragment: fragment};
}

function isHost(text) {
    const host = text.slice(text.lastIndexOf('@') + 1);
    const port = /:([^:\]]*)$/.exec(host);
    return !BAD_ESCAPE_OF_HOST.test(host) && !NOT_OF_A_HOST.test(host) && (!port || /^\d*$/.test(port[1]));
}

// The URL's parts, or undefined where Go refuses it.
function parse(url) {
    const found = CONTROL.test(url) ? null : parts(url);
    if (!found || !isHost(found.host) || BAD_ESCAPE.test(found.path) || BAD_ESCAPE.test(found.fragment)) {
        return undefined;
    }
    return found;
}

function decoded(text) {
    try {
        return decodeURIComponent(text.replace(/\+/g, ' '));
    } catch (e) {
        return '';
    }
}

// The first value of each name; what cannot be decoded is left out, as Go does.
function query(text) {
    const values = {};
    text.split('&').forEach((pair) => {
        const equals = pair.indexOf('=');
        const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
        if (name && !(name in values)) {
            values[name] = equals < 0 ? '' : decoded(pair.slice(equals + 1));
        }
    });
    return values;
}

export default {parse, query};
