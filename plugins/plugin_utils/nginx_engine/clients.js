// Who a client is when its attempts are counted.

function groups(part) {
    return part ? part.split(':') : [];
}

// Some load balancers name the client with its port, and that is another one for each connection.
function withoutPort(client) {
    const found = /^\[([\da-f:.]+)\](:\d+)?$/.exec(client) || /^([\d.]+):\d+$/.exec(client);
    return found ? found[1] : client;
}

// $client_network: an IPv4 address as it is, and the first 64 bits of an IPv6 one: somebody who has one has them all.
function network(r) {
    const address = withoutPort(r.variables.client.toLowerCase());
    const mapped = /^::ffff:([\d.]+)$/.exec(address);
    if (mapped || !address.includes(':')) {
        return mapped ? mapped[1] : address;
    }
    const halves = address.split('::');
    const left = groups(halves[0]), right = groups(halves[1]);
    const gap = halves.length > 1 ? Math.max(0, 8 - left.length - right.length) : 0;
    const all = left.concat(new Array(gap).fill('0'), right);
    return all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}

export default {network};
