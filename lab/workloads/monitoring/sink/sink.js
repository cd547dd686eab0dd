// Keeps each notification that Alertmanager sent, with the time of its arrival, until it is asked to forget them.

const MOST = 10000;

function take(r) {
    let notification;
    try {
        notification = JSON.parse(r.requestText);
    } catch (error) {
        r.return(400, `no JSON: ${error.message}\n`);
        return;
    }
    // The keys' order is the order of arrival.
    const number = ngx.shared.counter.incr('received', 1, 0);
    const entry = {at: new Date().toISOString(), notification: notification};
    ngx.shared.received.set(String(number).padStart(9, '0'), JSON.stringify(entry));
    r.return(200);
}

function received(r) {
    const kept = ngx.shared.received;
    if (r.method === 'DELETE') {
        kept.clear();
        r.return(204);
        return;
    }
    const entries = kept.keys(MOST).sort().map((key) => kept.get(key));
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, `[${entries.join()}]\n`);
}

export default {take, received};
