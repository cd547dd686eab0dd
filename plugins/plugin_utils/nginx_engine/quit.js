// Ends the container's first process, nginx, the way that lets requests in progress finish, and not before the nodes
// have learnt that nothing new may be sent to this pod. njs begins the first round of js_periodic at once.
const SECONDS = Number(process.env.SERVE_ON_SECONDS);

function quit(s) {
    return new Promise((resolve) => {
        setTimeout(() => {
            process.kill(1, 'SIGQUIT');
            resolve();
        }, SECONDS * 1000);
    });
}

export default {quit};
