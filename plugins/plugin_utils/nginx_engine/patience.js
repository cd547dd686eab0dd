// How long a request waits for the target before somebody looks whether that answers at all. One that has answered every check
// of the last rounds promptly is soon found silent; one that let anybody wait is given the whole time of the policy.
import settings from 'settings.js';

const PROMPT_MS = 100;
const PROMPT_ROUNDS = 20;

// What a round of checks found out about the pods that may be asked. A failed check says nothing yet: it is judged elsewhere.
function learn(open) {
    const answered = open.filter((pod) => pod.run > 0);
    if (!open.length || answered.some((pod) => pod.run === 1 || pod.ms > PROMPT_MS)) {
        lengthen();
    } else if (answered.length === open.length) {
        ngx.shared.counts.incr('prompt_rounds', 1, 0);
    }
}

// Somebody met a target that answers, and not promptly.
function lengthen() {
    ngx.shared.counts.set('prompt_rounds', 0);
}

function isShort() {
    return settings.answer_within > 2 * settings.look_after && ngx.shared.counts.get('prompt_rounds') >= PROMPT_ROUNDS;
}

export default {isShort, learn, lengthen};
