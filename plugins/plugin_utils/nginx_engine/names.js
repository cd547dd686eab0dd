// Names of emergency logins, in the process that checks passwords. nginx refuses a name that it does not know without checking
// anything: a hash's time sooner, by which names could be found out.
import crypto from 'crypto';
import fs from 'fs';

const LINE_ENDS = [10, 13], COLON = 58, HASH = 35;

// The names in an htpasswd file, in hex: they are compared as bytes, as nginx does.
function namesIn(bytes) {
    const names = [];
    for (let start = 0, i = 0; i <= bytes.length; i++) {
        if (i === bytes.length || LINE_ENDS.includes(bytes[i])) {
            const colon = bytes.subarray(start, i).indexOf(COLON);
            if (colon > 0 && bytes[start] !== HASH) {
                names.push(bytes.subarray(start, start + colon).toString('hex'));
            }
            start = i + 1;
        }
    }
    return names;
}

// The same one for the same name, and nobody outside can tell which: hashes may differ in their cost.
function anyOf(names, name, secret) {
    const digest = crypto.createHmac('sha256', secret).update(name).digest();
    return names[(digest[0] * 256 + digest[1]) % names.length];
}

// $checked_login: the client's login; where nobody is called so, a password that is nobody's under a name that somebody has.
function checked(r) {
    const given = r.headersIn.Authorization || '';
    const found = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(given);
    const login = found ? Buffer.from(found[1], 'base64') : Buffer.from('');
    const colon = login.indexOf(COLON);
    const file = fs.readFileSync(r.variables.users_file);
    const names = namesIn(file);
    const name = login.subarray(0, Math.max(colon, 0)).toString('hex');
    if (colon < 0 || !names.length || names.includes(name)) {
        return given;
    }
    const nobodys = crypto.createHmac('sha256', file).update(login).digest('hex');
    const other = Buffer.from(anyOf(names, name, file), 'hex');
    return 'Basic ' + Buffer.concat([other, Buffer.from(':' + nobodys)]).toString('base64');
}

export default {checked};
