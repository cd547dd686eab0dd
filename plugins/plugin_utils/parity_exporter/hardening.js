// Rounds of comparing what hardening brought to objects with what the API server has now.
import fs from 'fs';
import asking from 'asking.js';
import intact from 'intact.js';
import memory from 'memory.js';
import settings from 'settings.js';

const AT_ONCE = 4;
const RECORD = settings.hardening.objects;
const remember = memory.remember, remembered = memory.remembered;

// {fields}, or {unknown}: why nothing can be told. What is not there has lost everything.
async function look(recorded, token) {
    // Any version of it will do: then the API server answers from its memory.
    const reply = await asking.askCluster(`${recorded.path}?resourceVersion=0`, token);
    if (!reply) {
        return {unknown: 'unanswered'};
    }
    if (reply.status === 404) {
        return {fields: {object: {intact: false}}};
    }
    if (reply.status !== 200) {
        return {unknown: reply.status === 401 || reply.status === 403 ? 'forbidden' : 'failed'};
    }
    try {
        return {fields: intact.fields(await reply.json(), recorded)};
    } catch (e) {
        ngx.log(ngx.ERR, `${recorded.path} cannot be read: ${e.message}`);
        return {unknown: 'failed'};
    }
}

// Those that are no routes come first in the record and are looked at in every round, the others in their turn.
function chosen() {
    const most = settings.hardening.objects_a_round;
    const always = RECORD.filter((recorded) => !recorded.in_turn), others = RECORD.filter((recorded) => recorded.in_turn);
    const room = Math.max(1, most - always.length), from = remembered('hardening_next', 0) % (others.length || 1);
    const turn = others.slice(from).concat(others.slice(0, from)).slice(0, room);
    return {always, turn, from, all: others.length};
}

function undone(fields) {
    return Object.keys(fields || {}).filter((name) => !fields[name].intact).sort();
}

function told(recorded, names, fields) {
    const by = names.map((name) => (fields[name].by ? `${name} (last written by ${fields[name].by.manager})` : name));
    return `${recorded.kind} ${recorded.namespace}/${recorded.name}: ${by.join(', ')}`;
}

function tell(recorded, before, now) {
    const were = undone(before.fields), are = undone(now.fields);
    if (are.join() !== were.join()) {
        ngx.log(ngx.WARN, are.length
            ? `not as it was hardened: ${told(recorded, are, now.fields)}`
            : `as it was hardened again: ${recorded.kind} ${recorded.namespace}/${recorded.name}`);
    }
    if (now.unknown && now.unknown !== before.unknown) {
        ngx.log(ngx.ERR, `cannot be compared, ${now.unknown}: ${recorded.path}`);
    }
}

// What was found before stays where nothing can be told now; what was well is not told as such meanwhile, see the page.
function added(known, recorded, seen) {
    const before = known[recorded.path] || {};
    const now = seen.unknown
        ? {fields: before.fields, unknown: seen.unknown, at: before.at}
        : {fields: seen.fields, at: Date.now()};
    tell(recorded, before, now);
    known[recorded.path] = now;
}

async function compare(until) {
    const token = fs.readFileSync(`${settings.account}/token`, 'utf8').trim();
    const round = chosen(), objects = round.always.concat(round.turn), known = remembered('hardening', {});
    let asked = 0, answers = 0;
    while (asked < objects.length && Date.now() < until) {
        const some = objects.slice(asked, asked + AT_ONCE);
        const seen = await Promise.all(some.map((recorded) => look(recorded, token)));
        seen.forEach((one, at) => added(known, some[at], one));
        answers += seen.filter((one) => one.unknown !== 'unanswered').length;
        asked += some.length;
    }
    remember('hardening', known);
    remember('hardening_next', round.all ? (round.from + Math.max(0, asked - round.always.length)) % round.all : 0);
    if (objects.length && !answers) {
        throw new Error('the API server does not answer');
    }
    remember('hardening_checked', Date.now() / 1000);
    const all = Object.keys(known).map((path) => known[path]);
    return all.some((one) => undone(one.fields).length) ? 'undone' : all.some((one) => one.unknown) ? 'unknown' : 'intact';
}

async function round() {
    let result = 'failed';
    try {
        result = await compare(Date.now() + settings.longest_ms);
    } catch (e) {
        ngx.log(ngx.ERR, `hardening was not compared: ${e.message}`);
    }
    ngx.shared.counts.incr(`hardening_${result}`, 1, 0);
}

// {known, checked}: by the path of each object what was found, and when a round was last answered, in seconds since 1970.
function report() {
    return {known: remembered('hardening', {}), checked: remembered('hardening_checked', 0)};
}

export default {report, round};
