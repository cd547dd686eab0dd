// Stops and continues the workers of the nginx beside it. While they are stopped, the kernel takes as many connections as
// fit into the listener's queue, and drops every further SYN.
import fs from 'fs';

function workers() {
    const master = fs.readFileSync('/frozen/nginx.pid', 'utf8').trim();
    return fs.readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').map(Number);
}

function send(r, signal) {
    const found = workers();
    found.forEach((pid) => process.kill(pid, signal));
    r.return(200, `${signal} to ${found.join(' ')}\n`);
}

export default {freeze: (r) => send(r, 'SIGSTOP'), thaw: (r) => send(r, 'SIGCONT')};
