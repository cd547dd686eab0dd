// The client's Authorization header: that of an emergency login is for this proxy alone, any other is for the application.
import settings from 'settings.js';

// {user, login} of a Basic header, or undefined. `login` is the header as the client sent it.
function basicOf(r) {
    const given = r.headersIn.Authorization || '';
    const found = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(given);
    if (!found) {
        return undefined;
    }
    return {user: Buffer.from(found[1], 'base64').toString().split(':')[0], login: given};
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
