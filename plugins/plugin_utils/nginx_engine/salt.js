// The keys of all that is remembered about clients. One is made at the start, shared by the workers, and never leaves the memory.
// Where there are neighbours, what they tell each other has keys of its own, all made of the one that they share.
import crypto from 'crypto';
import fs from 'fs';
import settings from 'settings.js';

const LEAST_LENGTH = 32;
const NONE = 'none';

// What is kept under a name, made when it is asked for first.
function once(name, make) {
    const found = ngx.shared.salt.get(name);
    if (found) {
        return found;
    }
    ngx.shared.salt.add(name, make());
    return ngx.shared.salt.get(name);
}

function random(bytes) {
    const made = new Uint8Array(bytes);
    globalThis.crypto.getRandomValues(made);
    return Buffer.from(made).toString('hex');
}

function key() {
    return once('salt', () => random(32));
}

function read() {
    try {
        const found = fs.readFileSync(settings.neighbours_key).toString().trim();
        if (found.length >= LEAST_LENGTH) {
            return found;
        }
        ngx.log(ngx.ERR, `${settings.neighbours_key} has ${found.length} characters, which is too short for a key: neighbours are not asked`);
    } catch (e) {
        ngx.log(ngx.ERR, `${settings.neighbours_key} cannot be read: neighbours are not asked: ${e.message}`);
    }
    return NONE;
}

// The key that all pods of the proxy share, as it lies in their Secret.
function shared() {
    return once('shared', read);
}

function hasNeighbours() {
    return settings.has_neighbours && shared() !== NONE;
}

// A key for one purpose, the same in all pods: 64 hexadecimal digits.
function keyFor(purpose) {
    return once(purpose, () => crypto.createHmac('sha256', shared()).update(`resilient.traefik ${purpose}`).digest('hex'));
}

// By which key sessions are named.
function sessions() {
    return hasNeighbours() ? keyFor('sessions') : key();
}

// Tells this pod from its neighbours: another one after each start.
function me() {
    return once('me', () => random(16));
}

export default {hasNeighbours, key, keyFor, me, random, sessions};
