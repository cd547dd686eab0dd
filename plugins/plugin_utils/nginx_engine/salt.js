// The key of all that is remembered about clients. It is made at the start, shared by the workers, and never leaves the memory.

function key() {
    const found = ngx.shared.salt.get('salt');
    if (found) {
        return found;
    }
    const bytes = new Uint8Array(32);
    globalThis.crypto.getRandomValues(bytes);
    ngx.shared.salt.add('salt', Buffer.from(bytes).toString('hex'));
    return ngx.shared.salt.get('salt');
}

export default {key};
