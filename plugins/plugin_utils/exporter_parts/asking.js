// Questions to one address each. nginx asks; what comes is nothing when nobody answered.
import settings from 'settings.js';

// At a port of this nginx itself, which passes it on.
async function askAt(port, place, headers, method) {
    try {
        return await ngx.fetch(`http://127.0.0.1:${port}/${place}`, {method: method || 'GET', headers});
    } catch (e) {
        return undefined;
    }
}

function ask(place, headers, method) {
    return askAt(settings.asking_port, place, headers, method);
}

function address(replica, port) {
    return `${replica.ip.includes(':') ? `[${replica.ip}]` : replica.ip}:${port}`;
}

// `point` is an entry point: {port, tls}.
function askReplica(replica, point, host, path, method) {
    const headers = {'X-To': address(replica, point.port), 'X-Host': host, 'X-Path': path};
    return ask(point.tls ? 'https' : 'http', headers, method);
}

function askCluster(path, token) {
    return ask('cluster', {'X-Path': path, 'Authorization': `Bearer ${token}`});
}

export default {address, ask, askAt, askCluster, askReplica};
