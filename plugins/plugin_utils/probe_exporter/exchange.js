// A question that comes as an HTTP request and is asked as plain bytes; the answer goes back as JSON.
const END = '\r\n\r\n';

// The header fields of a head, by their names in lower case.
function fields(head) {
    const found = {};
    head.split('\r\n').slice(1).forEach((line) => {
        const at = line.indexOf(':');
        if (at > 0) {
            found[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
        }
    });
    return found;
}

// Whom to connect to, and the name of the server in a TLS session.
function target(s) {
    s.on('upload', (data) => {
        if (data.indexOf(END) >= 0) {
            const asked = fields(data);
            s.variables.to = asked['x-to'];
            s.variables.server_asked = asked['x-server'];
            s.off('upload');
            s.done();
        }
    });
}

// `begin` is called once with the fields of the question and gives the bytes to send; `read` with all bytes that came and
// whether these are the last, and gives the answer or nothing.
function converse(s, begin, read) {
    let began = false, told = false, question = '', came = Buffer.alloc(0);
    function tell(answer) {
        if (!told) {
            told = true;
            const text = JSON.stringify(answer);
            s.sendDownstream(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close${END}${text}`, {flush: true});
        }
    }
    s.on('upstream', (data) => {
        // It may come in pieces, of which the first is empty.
        question += data.toString();
        if (!began && question.includes(END)) {
            began = true;
            s.send(begin(fields(question)));
        }
    });
    s.on('downstream', (data, flags) => {
        came = Buffer.concat([came, data]);
        const answer = told ? undefined : read(came, flags.last);
        if (answer) {
            tell(answer);
        }
    });
    return tell;
}

export default {END, converse, fields, target};
