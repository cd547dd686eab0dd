// How neighbours know each other: a question is signed by the key that they share, an answer is sealed by it, for that question alone.
import crypto from 'crypto';
import salt from 'salt.js';

// Clocks of nodes differ. A question is older than that only where somebody sends it again (milliseconds).
const CLOCKS_DIFFER_MS = 60000;
const DIGITS = /^\d{13}$/;
const NONCE = /^[0-9a-f]{32}$/;

function digest(text) {
    return crypto.createHash('sha256').update(text).digest('base64url');
}

function mac(time, nonce, body) {
    return crypto.createHmac('sha256', salt.keyFor('questions')).update(`${time}\n${nonce}\n${body}`).digest('base64url');
}

// The headers of a question with that body.
function sign(body) {
    const time = String(Date.now()), nonce = salt.random(16), hash = digest(body);
    return {'X-Neighbour-Time': time, 'X-Neighbour-Nonce': nonce, 'X-Neighbour-Digest': hash, 'X-Neighbour-Mac': mac(time, nonce, hash)};
}

// In a time that does not depend on where they differ.
function equal(one, other) {
    let different = one.length ^ other.length;
    for (let i = 0; i < one.length; i++) {
        different |= one.charCodeAt(i) ^ other.charCodeAt(i);
    }
    return !different;
}

// Whether the headers are those of a neighbour's question of this moment. Its body is not looked at here.
function isSigned(headers) {
    const time = headers['X-Neighbour-Time'] || '', nonce = headers['X-Neighbour-Nonce'] || '';
    const known = DIGITS.test(time) && NONCE.test(nonce) && Math.abs(Date.now() - Number(time)) < CLOCKS_DIFFER_MS;
    return known && equal(mac(time, nonce, headers['X-Neighbour-Digest'] || ''), headers['X-Neighbour-Mac'] || '');
}

// Whether it is the body that was signed.
function isBody(headers, body) {
    return equal(digest(body), headers['X-Neighbour-Digest'] || '');
}

function key() {
    const raw = Buffer.from(salt.keyFor('answers'), 'hex');
    return globalThis.crypto.subtle.importKey('raw', raw, {name: 'AES-GCM'}, false, ['encrypt', 'decrypt']);
}

// What nobody else can read, write or give as an answer to another question.
async function seal(text, nonce) {
    const start = new Uint8Array(12);
    globalThis.crypto.getRandomValues(start);
    const how = {name: 'AES-GCM', iv: start, additionalData: Buffer.from(nonce)};
    const sealed = await globalThis.crypto.subtle.encrypt(how, await key(), Buffer.from(text));
    return `${Buffer.from(start).toString('base64')}.${Buffer.from(sealed).toString('base64')}`;
}

// The text, or undefined where it was not sealed by a neighbour for that question.
async function open(sealed, nonce) {
    const parts = sealed.split('.').map((part) => Buffer.from(part, 'base64'));
    if (parts.length !== 2 || parts[0].length !== 12) {
        return undefined;
    }
    try {
        const how = {name: 'AES-GCM', iv: parts[0], additionalData: Buffer.from(nonce)};
        const text = await globalThis.crypto.subtle.decrypt(how, await key(), parts[1]);
        return Buffer.from(text).toString();
    } catch (e) {
        return undefined;
    }
}

export default {isBody, isSigned, open, seal, sign};
