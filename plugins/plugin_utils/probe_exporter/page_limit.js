// Of a page only its beginning is looked at, whatever its length.
const MOST_BYTES = 65536;

function lengthUnknown(r) {
    delete r.headersOut['Content-Length'];
}

function beginning(r, data, flags) {
    const left = MOST_BYTES - (r.passed || 0);
    r.passed = (r.passed || 0) + data.length;
    if (left > 0 || flags.last) {
        r.sendBuffer(data.slice(0, Math.max(left, 0)), flags);
    }
}

export default {beginning, lengthUnknown};
