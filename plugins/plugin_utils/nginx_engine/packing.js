// Headers made small. What the target says about its users differs in little: the first answer about a host is the dictionary of all that
// follow, and a session then takes a fifth of its length.
import crypto from 'crypto';
import zlib from 'zlib';

// So many hosts have a dictionary of their own, and the others use the first one.
const MOST_FORMS = 60;
const FORM_BYTES = 4000;
const MARK = 6;
// A window of 8 KB and little memory: three times as quick as what zlib takes by default.
const HOW = {level: 6, memLevel: 5, windowBits: -13};
// By its name a form is found, whatever else may have the same: who unpacks uses the one that was packed with.
const NAME = 3;
// A digest in hexadecimal digits, as a user's uid is one, takes two thirds as base64. JSON has no such character of its own.
const HEXADECIMAL = /"([0-9a-f]{64})"/g;
const DIGEST = /"\u0001([^"]*)"/g;

function nameOf(host, text) {
    const own = ngx.shared.forms.get(`of ${host}`);
    if (own !== undefined) {
        return own;
    }
    if (ngx.shared.forms.size() > 2 * MOST_FORMS) {
        return ngx.shared.forms.get('of all');
    }
    const form = text.slice(0, FORM_BYTES);
    const name = crypto.createHash('sha256').update(form).digest('base64url').slice(0, NAME);
    ngx.shared.forms.add(name, form);
    ngx.shared.forms.add(`of ${host}`, name);
    ngx.shared.forms.add('of all', name);
    return ngx.shared.forms.get(`of ${host}`);
}

function pack(host, text) {
    const name = nameOf(host, text);
    const how = Object.assign({dictionary: Buffer.from(ngx.shared.forms.get(name))}, HOW);
    const short = text.replace(HEXADECIMAL, (all, digits) => `"\u0001${Buffer.from(digits, 'hex').toString('base64')}"`);
    return name + zlib.deflateRawSync(short, how).toString('base64');
}

function unpack(packed) {
    const how = {windowBits: HOW.windowBits, dictionary: Buffer.from(ngx.shared.forms.get(packed.slice(0, NAME)))};
    const short = zlib.inflateRawSync(Buffer.from(packed.slice(NAME), 'base64'), how).toString();
    return short.replace(DIGEST, (all, digest) => `"${Buffer.from(digest, 'base64').toString('hex')}"`);
}

// Tells two texts of one session apart.
function markOf(text) {
    return crypto.createHash('sha256').update(text).digest('base64url').slice(0, MARK);
}

export default {MARK, markOf, pack, unpack};
