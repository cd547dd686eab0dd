// Sessions of the outpost. A cookie names a row in PostgreSQL; here it carries its signed content, so that each replica knows
// it. What PostgreSQL refuses when it is in trouble is refused here too, and rows are counted where they would be made.
import crypto from 'crypto';
import failures from 'failures.js';

// No secret: it guards nothing but a test site, and keeps forged cookies out of the tests.
const SIGNING_KEY = 'stand-in';
const SECONDS = 3600;
// A session's name has 52 letters and digits, of those that base32 has: hexadecimal digits of its user, of what makes each
// login another one, and of a signature. Letters stand for the digits that base32 lacks.
const USER_DIGITS = 24;
const NONCE_DIGITS = 12;
const NAME_LENGTH = 52;
const LETTERS = {0: 'G', 1: 'H', 8: 'I', 9: 'J'};
const DIGITS = {G: '0', H: '1', I: '8', J: '9'};
const UNREADABLE = ['db_stopped', 'db_no_table'];
const UNWRITABLE = UNREADABLE.concat('db_readonly');

function mac(text) {
    return crypto.createHmac('sha256', SIGNING_KEY).update(text);
}

function nameOf(hex) {
    return hex.slice(0, NAME_LENGTH).toUpperCase().replace(/[0189]/g, (digit) => LETTERS[digit]);
}

function hexOf(name) {
    return name.replace(/[G-J]/g, (letter) => DIGITS[letter]).toLowerCase();
}

function idOf(application, user, nonce) {
    const signature = mac(`${application.client} ${user} ${nonce}`).digest('hex');
    return nameOf(Buffer.from(user).toString('hex').padEnd(USER_DIGITS, '0') + nonce + signature);
}

// The session's name that the client sent, known or not, or an empty string.
function sent(r, application) {
    // By one search: njs splits a long text by an expression in quadratic time.
    const found = application.sent.exec(r.headersIn.Cookie || '');
    return found ? found[1] : '';
}

function canBeRead(r) {
    return !UNREADABLE.includes(failures.modeOf(r));
}

function canBeWritten(r) {
    return !UNWRITABLE.includes(failures.modeOf(r));
}

// The user of a session that is known and not ended, or an empty string.
function userOf(r, application) {
    const id = sent(r, application);
    if (!/^[A-J2-7]{52}$/.test(id) || !canBeRead(r) || ngx.shared.ended.has(id)) {
        return '';
    }
    const hex = hexOf(id);
    const user = Buffer.from(hex.slice(0, USER_DIGITS), 'hex').toString().replace(/\0+$/, '');
    return idOf(application, user, hex.slice(USER_DIGITS, USER_DIGITS + NONCE_DIGITS)) === id ? user : '';
}

function setCookie(r, application, id, seconds) {
    const attributes = [
        `${application.cookie}=${id}`,
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
    const id = nameOf(mac(r.variables.request_id).digest('hex'));
    ngx.shared.counter.incr('sessions', 1, 0);
    setCookie(r, application, id, SECONDS + 1);
    return id;
}

function logIn(r, application, user) {
    setCookie(r, application, idOf(application, user, r.variables.request_id.slice(0, NONCE_DIGITS)), SECONDS);
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
