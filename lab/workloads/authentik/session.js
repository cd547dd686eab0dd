// Sessions of the outpost. A cookie names a row in PostgreSQL; here it carries its signed content, so that each replica knows
// it. What PostgreSQL refuses when it is in trouble is refused here too, and rows are counted where they would be made.
import applications from 'applications.js';
import crypto from 'crypto';
import failures from 'failures.js';

// No secret: it guards nothing but a test site, and keeps forged cookies out of the tests.
const SIGNING_KEY = 'stand-in';
const SECONDS = 3600;
const USER_BYTES = 12;
const NONCE_BYTES = 6;
const SIGNATURE_BYTES = 14;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const UNREADABLE = ['db_stopped', 'db_no_table'];
const UNWRITABLE = UNREADABLE.concat('db_readonly');

function mac(text) {
    return crypto.createHmac('sha256', SIGNING_KEY).update(text);
}

// Groups of so many bits out of numbers that have another count of them; what is left over is filled with zeros.
function regrouped(numbers, from, to, fill) {
    const found = [];
    let value = 0;
    let bits = 0;
    numbers.forEach((number) => {
        value = (value << from | number) & 0xfff;
        bits += from;
        while (bits >= to) {
            bits -= to;
            found.push(value >> bits & (1 << to) - 1);
        }
    });
    return fill && bits ? found.concat(value << to - bits & (1 << to) - 1) : found;
}

function base32(bytes) {
    return regrouped(Array.from(bytes), 8, 5, true).map((five) => ALPHABET[five]).join('');
}

function bytesOf(text) {
    return Buffer.from(regrouped(text.split('').map((letter) => ALPHABET.indexOf(letter)), 5, 8, false));
}

// A session's name, 52 letters: its user, what makes each login another one, and a signature.
function idOf(application, user, nonce) {
    const name = Buffer.alloc(USER_BYTES);
    name.write(user);
    const signature = mac(`${application.client} ${user} ${nonce.toString('hex')}`).digest().subarray(0, SIGNATURE_BYTES);
    return base32(Buffer.concat([name, nonce, signature]));
}

// The session's name that the client sent, known or not, or an empty string.
function sent(r, application) {
    const name = applications.cookieName(application) + '=';
    const found = (r.headersIn.Cookie || '').split(/;\s*/).find((cookie) => cookie.startsWith(name));
    return found ? found.slice(name.length) : '';
}

function canBeRead(r) {
    return !UNREADABLE.includes(failures.state(r).mode);
}

function canBeWritten(r) {
    return !UNWRITABLE.includes(failures.state(r).mode);
}

// The user of a session that is known and not ended, or an empty string.
function userOf(r, application) {
    const id = sent(r, application);
    if (!/^[A-Z2-7]{52}$/.test(id) || !canBeRead(r) || ngx.shared.ended.has(id)) {
        return '';
    }
    const bytes = bytesOf(id);
    const user = bytes.subarray(0, USER_BYTES).toString().replace(/\0+$/, '');
    const nonce = bytes.subarray(USER_BYTES, USER_BYTES + NONCE_BYTES);
    return idOf(application, user, nonce) === id ? user : '';
}

function setCookie(r, application, id, seconds) {
    const attributes = [
        `${applications.cookieName(application)}=${id}`,
        'Path=/',
        application.domain ? `Domain=${application.domain}` : '',
        `Expires=${new Date(Date.now() + seconds * 1000).toUTCString()}`,
        `Max-Age=${seconds}`,
        'HttpOnly',
        'Secure',
        'SameSite=Lax',
    ];
    r.headersOut['Set-Cookie'] = [attributes.filter((text) => text).join('; ')];
}

// A session that is nobody's yet: its name.
function begin(r, application) {
    const id = base32(mac(r.variables.request_id).digest());
    ngx.shared.counter.incr('sessions', 1, 0);
    setCookie(r, application, id, SECONDS + 1);
    return id;
}

function logIn(r, application, user) {
    const nonce = mac(r.variables.request_id).digest().subarray(0, NONCE_BYTES);
    setCookie(r, application, idOf(application, user, nonce), SECONDS);
}

// Only this replica knows that it is over.
function end(id) {
    ngx.shared.ended.set(id, '1');
}

function jwt(claims) {
    const body = [{alg: 'HS256', typ: 'JWT'}, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
    return `${body}.${mac(body).digest('base64url')}`;
}

// What a token of ours says, or undefined.
function claimsOf(token) {
    const found = /^([\w-]+\.([\w-]+))\.([\w-]+)$/.exec(token || '');
    if (!found || mac(found[1]).digest('base64url') !== found[3]) {
        return undefined;
    }
    return JSON.parse(Buffer.from(found[2], 'base64url').toString());
}

export default {begin, canBeRead, canBeWritten, claimsOf, end, jwt, logIn, sent, userOf};
