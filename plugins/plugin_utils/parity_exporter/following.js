// What replicas lack from round to round: a loss is told when two rounds in a row have found it.

const ROUNDS = 2;
// More than these of one replica are not told apart; it has lost everything.
const MOST = 1000;

// Routers that another replica whose API was read has and this one has not; by replica, only where two could be read.
function lackedRouters(names) {
    const readable = Object.keys(names);
    const all = {};
    readable.forEach((replica) => names[replica].forEach((name) => {
        all[name] = true;
    }));
    const lacked = {};
    readable.forEach((replica) => {
        const own = {};
        names[replica].forEach((name) => {
            own[name] = true;
        });
        lacked[replica] = readable.length > 1 ? Object.keys(all).filter((name) => !own[name]).slice(0, MOST) : [];
    });
    return lacked;
}

// `before` and the result: by replica, by item, in how many rounds it was lacked. An item that this round says nothing about
// stays as it is. `said` has, by replica: lacks and has (lists of items), and whether all routers are known.
function follow(before, said) {
    const now = {};
    Object.keys(said).forEach((replica) => {
        const one = said[replica], runs = {};
        const earlier = before[replica] || {};
        const has = {};
        one.has.forEach((item) => {
            has[item] = true;
        });
        Object.keys(earlier).forEach((item) => {
            const decided = has[item] || (one.routersKnown && item.includes(' router '));
            if (!decided) {
                runs[item] = earlier[item];
            }
        });
        one.lacks.forEach((item) => {
            runs[item] = Math.min(ROUNDS, (earlier[item] || 0) + 1);
        });
        now[replica] = runs;
    });
    return now;
}

// By replica the items to tell.
function told(runs) {
    const items = {};
    Object.keys(runs).forEach((replica) => {
        items[replica] = Object.keys(runs[replica]).filter((item) => runs[replica][item] >= ROUNDS).sort();
    });
    return items;
}

export default {follow, lackedRouters, told};
