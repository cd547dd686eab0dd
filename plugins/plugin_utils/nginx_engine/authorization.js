// The client's Authorization header: that of an emergency login is for this proxy alone, any other is for the application.
import settings from 'settings.js';

// {user, login, whole} of a Basic header, or undefined. `login` is the header as the client sent it; it is not `whole` with
// a NUL in it, at which crypt ends a password.
function basicOf(r) {
    const given = r.headersIn.Authorization || '';
    const found = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(given);
    if (!found) {
        return undefined;
    }
    const text = Buffer.from(found[1], 'base64').toString();
    return {user: text.split(':')[0], login: given, whole: !text.includes('\0')};
}

// $own_authorization: what the target and the application may see.
function own(r) {
    const basic = basicOf(r);
    return basic && settings.emergency_users.includes(basic.user) ? '' : r.headersIn.Authorization || '';
}

// Traefik takes the header out of the client's request where the answer has none.
function giveBack(r) {
    if (settings.emergency_users.length && own(r)) {
        r.headersOut.Authorization = own(r);
    }
}

export default {basicOf, giveBack, own};
