// The target's pods as the check last found them: [{peer, key, run, open}, ...]. nginx hashes a key to its pod.
import settings from 'settings.js';

const PEER = /^[\d.]+:\d+$/;

function known() {
    return JSON.parse(ngx.shared.state.get('pods') || '[]');
}

// Those that are well as [key, address]. Before the first check any pod may be.
function well() {
    const open = ngx.shared.state.get('open');
    if (open === undefined) {
        return [[settings.keys[0], '']];
    }
    return open ? open.split(',').map((pod) => pod.split('=')) : [];
}

function anyOf(pods) {
    return pods[Math.floor(Math.random() * pods.length)];
}

// A pod that failed a request is looked at sooner; for other requests nothing changes.
function suspect(peer) {
    ngx.shared.suspects.set(peer, 1);
}

function isSuspect(peer) {
    return ngx.shared.suspects.get(peer) !== undefined;
}

// nginx joins the tries of one request with commas and colons.
function each(list) {
    return String(list || '').split(/\s*[,:]\s+|\s:\s/);
}

function lastOf(list) {
    return each(list).pop();
}

function isAddress(peer) {
    return PEER.test(peer);
}

// What a pod answers to the check, after how long, and which one it was. Without an address nobody was asked: there are no
// pods.
async function ask(key) {
    const began = Date.now();
    try {
        const reply = await ngx.fetch(`http://127.0.0.1:${settings.check_port}/check?key=${key}`);
        const peer = lastOf(reply.headers.get('X-Checked-Pod'));
        const well = !settings.not_well.includes(reply.status);
        return {peer: isAddress(peer) ? peer : '', well: well, ms: Date.now() - began};
    } catch (e) {
        return {peer: undefined, well: false, ms: Date.now() - began};
    }
}

export default {anyOf, ask, each, isAddress, isSuspect, known, lastOf, suspect, well};
