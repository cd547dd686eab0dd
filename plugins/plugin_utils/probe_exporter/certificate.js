// When the certificate ends that a server shows to visitors of a name. In TLS 1.2 it comes in the clear, so that nothing has
// to be encrypted to read it; a server that speaks TLS 1.3 alone tells nothing.
import exchange from 'exchange.js';

const HANDSHAKE = 22, ALERT = 21, CERTIFICATE = 11;

function number(value, bytes) {
    const found = Buffer.alloc(bytes);
    for (let at = bytes - 1; at >= 0; at--) {
        found[at] = value & 0xff;
        value >>= 8;
    }
    return found;
}

// Bytes with their length before them.
function counted(content, bytes) {
    return Buffer.concat([number(content.length, bytes), content]);
}

function extension(type, content) {
    return Buffer.concat([number(type, 2), counted(content, 2)]);
}

function pairs(values) {
    return counted(Buffer.concat(values.map((value) => number(value, 2))), 2);
}

// A ClientHello (RFC 5246, 7.4.1.2) that offers what servers of TLS 1.2 take.
function hello(name) {
    const server = counted(Buffer.concat([Buffer.from([0]), counted(Buffer.from(name), 2)]), 2);
    const extensions = Buffer.concat([
        extension(0, server),
        extension(10, pairs([0x001d, 0x0017, 0x0018])),
        extension(11, Buffer.from([1, 0])),
        extension(13, pairs([0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0807])),
        extension(0xff01, Buffer.from([0])),
    ]);
    const body = Buffer.concat([
        number(0x0303, 2), Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(32))), Buffer.from([0]),
        pairs([0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0xc009, 0xc00a, 0x009c, 0x002f]),
        Buffer.from([1, 0]), counted(extensions, 2),
    ]);
    const message = Buffer.concat([Buffer.from([1]), counted(body, 3)]);
    return Buffer.concat([Buffer.from([HANDSHAKE, 3, 1]), counted(message, 2)]);
}

function numberAt(bytes, at, count) {
    let value = 0;
    for (let one = 0; one < count; one++) {
        value = value * 256 + bytes[at + one];
    }
    return value;
}

// The handshake's messages so far, and whether the server has refused.
function messages(came) {
    const found = [];
    let refused = false;
    for (let at = 0; at + 5 <= came.length;) {
        const end = at + 5 + numberAt(came, at + 3, 2);
        if (end > came.length) {
            break;
        }
        refused = refused || came[at] === ALERT;
        if (came[at] === HANDSHAKE) {
            found.push(came.slice(at + 5, end));
        }
        at = end;
    }
    return {bytes: Buffer.concat(found), refused};
}

// The server's own certificate (DER), nothing while it has not come.
function leaf(handshake) {
    for (let at = 0; at + 4 <= handshake.length;) {
        const end = at + 4 + numberAt(handshake, at + 1, 3);
        if (end > handshake.length) {
            return undefined;
        }
        if (handshake[at] === CERTIFICATE) {
            return handshake.slice(at + 10, at + 10 + numberAt(handshake, at + 7, 3));
        }
        at = end;
    }
    return undefined;
}

// One element of DER: its tag, and where its content begins and ends.
function element(der, at) {
    const first = der[at + 1], wide = first & 0x80 ? first & 0x7f : 0;
    const start = at + 2 + wide;
    return {tag: der[at], start, end: start + (wide ? numberAt(der, at + 2, wide) : first)};
}

// Seconds since 1970, by a UTCTime or a GeneralizedTime (RFC 5280, 4.1.2.5).
function time(text) {
    const digits = text.length === 13 ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
    const part = (from, to) => digits.slice(from, to);
    return Date.parse(`${part(0, 4)}-${part(4, 6)}-${part(6, 8)}T${part(8, 10)}:${part(10, 12)}:${part(12, 14)}Z`) / 1000;
}

// The end of its validity.
function notAfter(der) {
    const signed = element(der, element(der, 0).start);
    let at = signed.start;
    // An optional version comes first; then serial number, algorithm and issuer.
    const before = element(der, at).tag === 0xa0 ? 4 : 3;
    for (let passed = 0; passed < before; passed++) {
        at = element(der, at).end;
    }
    const begins = element(der, element(der, at).start);
    const ends = element(der, begins.end);
    return time(der.slice(ends.start, ends.end).toString());
}

function read(s) {
    exchange.converse(s, (asked) => hello(asked['x-server']), (came, isLast) => {
        const told = messages(came), der = leaf(told.bytes);
        if (der) {
            return {not_after: notAfter(der)};
        }
        return told.refused || isLast ? {} : undefined;
    });
}

export default {read};
