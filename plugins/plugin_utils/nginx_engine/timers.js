// Time limits. A timer must not be cleared while it fires: njs (0.9.9) then removes it twice, and its worker crashes.
// One that is left running keeps the client's connection from its next request.

function pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// What the promise becomes, or `otherwise` when that takes longer.
function within(milliseconds, promise, otherwise) {
    return new Promise((resolve, reject) => {
        let timer = setTimeout(() => {
            timer = undefined;
            resolve(otherwise);
        }, Math.max(0, milliseconds));
        const stop = (settle) => (found) => {
            if (timer !== undefined) {
                clearTimeout(timer);
                timer = undefined;
            }
            settle(found);
        };
        promise.then(stop(resolve), stop(reject));
    });
}

export default {pause, within};
