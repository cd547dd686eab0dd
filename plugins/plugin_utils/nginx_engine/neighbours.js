// The other pods of this proxy. One that has not seen a session asks them, and all are told which ones have ended. They say nothing but
// keyed hashes, to nobody else. All of it has bounds: in time, in number, in memory.
import counters from 'counters.js';
import salt from 'salt.js';
import sealing from 'sealing.js';
import settings from 'settings.js';
import timers from 'timers.js';

const ASK_WITHIN_MS = 50;
// So long one that does not answer is still taken for a neighbour.
const LOST_AFTER_MS = 5000;
const MOST_NEIGHBOURS = 15;
// Of what has ended, told at once.
const MOST_TOLD = 400;
// Where each kind waits to be told: doubts, of which any stranger makes as many as he likes, drive out nobody's signing out.
const BOXES = {out: 'outbox', doubt: 'doubts'};
const MOST_ITEMS = 4000;
// Questions of one pod in a second: for one client's requests, and for all.
const MOST_OF_A_CLIENT = 100;
const MOST_QUESTIONS = 2000;
const HASH = /^[A-Za-z0-9_-]+$/;
const HASH_LENGTH = 43;

// {address: when it answered last}.
function seen() {
    return JSON.parse(ngx.shared.state.get('neighbours') || '{}');
}

function all() {
    const known = seen(), now = Date.now();
    return Object.keys(known).filter((address) => now - known[address] < LOST_AFTER_MS);
}

// What one answers: {me, ...} or undefined. `where` is an address, or a key by which nginx finds one.
async function say(where, text) {
    const headers = sealing.sign(text);
    try {
        const reply = await ngx.fetch(`http://127.0.0.1:${settings.check_port}/${where}`,
            {method: 'POST', headers: headers, body: text});
        const answer = reply.status === 200 ? await sealing.open(await reply.text(), headers['X-Neighbour-Nonce']) : undefined;
        if (answer === undefined) {
            return undefined;
        }
        const found = JSON.parse(answer);
        found.address = reply.headers.get('X-Neighbour') || '';
        return found;
    } catch (e) {
        return undefined;
    }
}

// Find them: as with the target's pods, key i leads to pod i modulo their number. One of them is this pod itself.
async function find() {
    if (!salt.hasNeighbours()) {
        return;
    }
    const known = seen(), now = Date.now();
    const number = Math.min(Object.keys(known).length + 3, MOST_NEIGHBOURS + 1);
    const replies = await Promise.all(settings.keys.slice(0, number).map((key) => say(`neighbour-by?key=${key}`, '{}')));
    replies.filter((reply) => reply && reply.me !== salt.me()).forEach((reply) => {
        known[reply.address] = now;
    });
    Object.keys(known).filter((address) => now - known[address] >= LOST_AFTER_MS).forEach((address) => {
        delete known[address];
    });
    ngx.shared.state.set('neighbours', JSON.stringify(known));
}

// Whether this client's request may ask now. A flood of made-up sessions asks no more than that.
function mayAsk(client) {
    const second = Math.floor(Date.now() / 1000);
    return ngx.shared.questions.incr(`${second} ${client}`, 1, 0) <= MOST_OF_A_CLIENT
        && ngx.shared.questions.incr(`${second}`, 1, 0) <= MOST_QUESTIONS;
}

// What the neighbours know about a session: a list of {age, text, doubt, out}, none of it by default. `isWhole` says that all answered.
async function ask(client, session, cookies) {
    const addresses = all();
    if (!addresses.length) {
        return [];
    }
    if (!mayAsk(client)) {
        counters.count('neighbour_questions_total', {result: 'limited'});
        return [];
    }
    const text = JSON.stringify({session: session, cookies: cookies});
    const found = [];
    await timers.within(ASK_WITHIN_MS, Promise.all(addresses.map((address) => say(`neighbour-at?at=${address}`, text).then((reply) => {
        if (reply) {
            found.push(reply);
        }
    }))), undefined);
    found.isWhole = found.length === addresses.length;
    const isKnown = found.some((reply) => reply.text);
    counters.count('neighbour_questions_total', {result: isKnown ? 'known' : 'unknown'});
    return found;
}

function boxOf(item) {
    return ngx.shared[BOXES[item.split(' ')[0]]];
}

// Tell all of them soon: `what` is out or doubt.
function tell(what, hash) {
    if (salt.hasNeighbours()) {
        boxOf(what).add(`${what} ${hash}`, '');
    }
}

// Tell what has to be told to those that have not heard it. What nobody could be told for five seconds is dropped.
async function tellAll() {
    const addresses = all();
    // Who is not found yet is told as soon as he is.
    if (!addresses.length) {
        return;
    }
    // Signings out before doubts.
    const items = ngx.shared.outbox.items(MOST_ITEMS).concat(ngx.shared.doubts.items(MOST_ITEMS));
    await Promise.all(addresses.map((address) => {
        const news = items.filter((item) => !item[1].split(',').includes(address)).map((item) => item[0]).slice(0, MOST_TOLD);
        return news.length ? say(`neighbour-at?at=${address}`, JSON.stringify({ended: news})).then((reply) => {
            if (reply) {
                news.forEach((item) => {
                    boxOf(item).set(item, `${boxOf(item).get(item) || ''},${address}`);
                });
            }
        }) : undefined;
    }));
    items.map((item) => item[0]).filter((item) => {
        const told = (boxOf(item).get(item) || '').split(',');
        return addresses.every((address) => told.includes(address));
    }).forEach((item) => boxOf(item).delete(item));
}

// Every 150 ms, in one worker.
async function round() {
    if (ngx.shared.outbox.size() || ngx.shared.doubts.size()) {
        await tellAll();
    }
}

// $neighbour_may_ask: decides before a byte of the body is read.
function mayBeHeard(r) {
    return salt.hasNeighbours() && sealing.isSigned(r.headersIn) ? '1' : '';
}

// {session, cookies, ended}, each a hash or a list of what has ended; undefined where it is something else.
function questionOf(r) {
    const body = r.requestText || '';
    if (!sealing.isBody(r.headersIn, body)) {
        return undefined;
    }
    const asked = JSON.parse(body);
    const ended = (asked.ended || []).map((item) => item.split(' '));
    const cookies = [].concat(asked.cookies || []);
    const hashes = [asked.session].filter((hash) => hash !== undefined).concat(cookies, ended.map((item) => item[1]));
    return hashes.every((hash) => typeof hash === 'string' && HASH.test(hash) && hash.length === HASH_LENGTH) ? {session: asked.session, cookies: cookies, ended: ended} : undefined;
}

// Answer a neighbour. `sessions` knows what this pod knows. What changes something is heard once.
async function answer(r, sessions) {
    const asked = questionOf(r), nonce = r.headersIn['X-Neighbour-Nonce'];
    if (!asked || asked.ended.length && !ngx.shared.nonces.add(nonce, 1)) {
        r.return(444);
        return;
    }
    asked.ended.forEach((item) => sessions.hear(item[0], item[1]));
    const found = asked.session ? sessions.tellOf(asked.session, asked.cookies) : {};
    found.me = salt.me();
    r.return(200, await sealing.seal(JSON.stringify(found), nonce));
}

export default {all, answer, ask, find, mayBeHeard, round, tell};
