// Which replicas have no route for a site, by what they answer. Load or a backend makes any other answer than Traefik's own
// 404, which is what it says where no router fits.
import asking from 'asking.js';
import noRouter from 'no_router.js';
import settings from 'settings.js';

// Answers that come before Traefik looks for a router.
const BEFORE_ROUTING = [400, 408, 421, 431];
const CONFIRMATIONS = 3;
const AT_ONCE = 4;

// What an answer says: 'none' (no router fits), 'some' (one does) or nothing.
async function meaning(reply) {
    if (!reply || BEFORE_ROUTING.includes(reply.status)) {
        return undefined;
    }
    try {
        return await noRouter.says(reply) ? 'none' : 'some';
    } catch (e) {
        return undefined;
    }
}

// Pages are not read: HEAD asks for none, and a page of 404 is short.
async function ask(question, replica, method) {
    const point = settings.entry_points[question.entry_point];
    return meaning(await asking.askReplica(replica, point, question.host, question.path, method));
}

// An application may answer as Traefik does, one of its pods now and then. Whoever says one thing now and another then has a
// router. What the time was not enough for is not known.
async function confirmed(question, replicas, first, until) {
    const said = first.slice();
    for (let i = 0; i < CONFIRMATIONS; i++) {
        if (Date.now() > until) {
            return said.map(() => undefined);
        }
        const again = await Promise.all(replicas.map((replica, at) => (
            said[at] && ask(question, replica, said[at] === 'none' ? 'GET' : 'HEAD'))));
        again.forEach((now, at) => {
            if (now !== said[at]) {
                said[at] = now && said[at] ? 'both' : undefined;
            }
        });
    }
    return said;
}

// By replica: 'lacks', 'has', or nothing when that cannot be told. Without a router anywhere there is nothing to lack.
function verdicts(said) {
    const some = said.includes('some');
    const nobodyIsSilent = !said.includes(undefined);
    return said.map((one) => {
        if (one === 'none' && some) {
            return 'lacks';
        }
        return one === 'none' && !nobodyIsSilent ? undefined : one && 'has';
    });
}

async function judge(question, replicas, until) {
    const first = await Promise.all(replicas.map((replica) => ask(question, replica, 'HEAD')));
    const differ = first.includes('none') && first.includes('some');
    const said = differ ? await confirmed(question, replicas, first, until) : first;
    return {item: question.item, verdicts: verdicts(said), answered: first.map((one) => one !== undefined)};
}

// Until the time is over (milliseconds since 1970); what was not asked by then is left to the next rounds.
async function judgeAll(questions, replicas, until) {
    let judged = [];
    while (judged.length < questions.length && Date.now() < until) {
        const some = questions.slice(judged.length, judged.length + AT_ONCE);
        judged = judged.concat(await Promise.all(some.map((question) => judge(question, replicas, until))));
    }
    return judged;
}

export default {judgeAll, verdicts};
