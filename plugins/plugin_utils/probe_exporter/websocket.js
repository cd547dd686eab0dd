// Opens a WebSocket (RFC 6455) and closes it again, over plain bytes.
import cryptography from 'crypto';
import exchange from 'exchange.js';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE = 0x8, NORMAL = 1000;
// Who does not answer the close frame within so many milliseconds has opened the connection all the same.
const CLOSED_WITHIN = 500;

function random(bytes) {
    return Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(bytes)));
}

// What the server has to answer to the key (RFC 6455, 4.2.2).
function accept(key) {
    return cryptography.createHash('sha1').update(key + MAGIC).digest('base64');
}

function upgrade(asked, key) {
    const more = JSON.parse(asked['x-headers'] || '{}');
    const lines = [
        `GET ${asked['x-path']} HTTP/1.1`, `Host: ${asked['x-host']}`, `User-Agent: ${asked['x-agent']}`,
        'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`,
    ];
    if (asked['x-subprotocol']) {
        lines.push(`Sec-WebSocket-Protocol: ${asked['x-subprotocol']}`);
    }
    return lines.concat(Object.keys(more).map((name) => `${name}: ${more[name]}`)).join('\r\n') + exchange.END;
}

// A client's frames are masked (RFC 6455, 5.3).
function closeFrame(mask) {
    return Buffer.from([0x80 | CLOSE, 0x82, mask[0], mask[1], mask[2], mask[3],
        (NORMAL >> 8) ^ mask[0], (NORMAL & 0xff) ^ mask[1]]);
}

// Whether a close frame is among the frames; what a server says before it is passed over.
function hasClosed(frames) {
    for (let at = 0; at + 1 < frames.length;) {
        if ((frames[at] & 0xf) === CLOSE) {
            return true;
        }
        const short = frames[at + 1] & 0x7f, wide = {126: 2, 127: 8}[short] || 0;
        if (at + 2 + wide > frames.length) {
            return false;
        }
        const length = wide === 8 ? frames.readUInt32BE(at + 6) : wide ? frames.readUInt16BE(at + 2) : short;
        at += 2 + wide + length;
    }
    return false;
}

// What an upgrade's answer says: {status, accepted, subprotocol}.
function judged(head, key) {
    const came = exchange.fields(head), status = Number(head.split(' ')[1]) || 0;
    const upgraded = status === 101 && (came.upgrade || '').toLowerCase() === 'websocket';
    return {
        status,
        accepted: upgraded && came['sec-websocket-accept'] === accept(key),
        subprotocol: came['sec-websocket-protocol'] || '',
    };
}

function open(s) {
    const key = random(16).toString('base64');
    let answer, timer;
    const tell = exchange.converse(s, (asked) => upgrade(asked, key), (came, isLast) => {
        const end = came.indexOf(exchange.END);
        if (end < 0) {
            return isLast ? {status: 0, accepted: false} : undefined;
        }
        if (!answer) {
            answer = judged(came.slice(0, end).toString(), key);
            if (answer.accepted) {
                s.sendUpstream(closeFrame(random(4)), {flush: true});
                timer = setTimeout(() => tell(Object.assign(answer, {closed: false})), CLOSED_WITHIN);
            }
        }
        const closed = answer.accepted && (isLast || hasClosed(came.slice(end + exchange.END.length)));
        if (closed) {
            clearTimeout(timer);
        }
        return closed || !answer.accepted ? Object.assign(answer, {closed: Boolean(closed)}) : undefined;
    });
}

export default {open};
