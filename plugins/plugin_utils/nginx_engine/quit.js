// Ends the container's first process, nginx, the way that lets requests in progress finish.
function quit(s) {
    process.kill(1, 'SIGQUIT');
}

export default {quit};
