// Requests that Traefik sends with the client's body. Nobody here needs it, and it can be of any length.

// What belongs to one connection, and is made anew on the other.
const OF_THE_CONNECTION = ['connection', 'content-length', 'date', 'keep-alive', 'server', 'transfer-encoding'];

// Answers what the same question gets without the body.
async function askWithout(r) {
    const reply = await r.subrequest('/.without-body', {method: r.method, args: r.variables.args || ''});
    let location = '';
    Object.keys(reply.headersOut).forEach((name) => {
        if (name.toLowerCase() === 'location') {
            location = reply.headersOut[name];
        } else if (!OF_THE_CONNECTION.includes(name.toLowerCase())) {
            r.headersOut[name] = reply.headersOut[name] || ' ';
        }
    });
    // Of a redirect r.return() takes the target; of all others the text.
    r.return(reply.status, location || reply.responseBuffer);
}

export default {askWithout};
