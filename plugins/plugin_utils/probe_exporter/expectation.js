// Whether an answer is as it is expected. Nothing is wrong where the result is empty.

function isAmong(status, ranges) {
    return ranges.some((range) => range[0] <= status && status <= range[1]);
}

function headerProblem(wanted, headers) {
    const value = headers.get(wanted.name);
    const there = value !== null && value !== undefined;
    if (wanted.absent) {
        return there ? `header ${wanted.name} is there` : '';
    }
    if (!there) {
        return `header ${wanted.name} is missing`;
    }
    // Values may be secrets, and are not told.
    const differs = wanted.equals !== undefined && wanted.equals !== null && value !== wanted.equals;
    const mismatch = wanted.matches && !new RegExp(wanted.matches).test(value);
    return differs || mismatch ? `header ${wanted.name} is another` : '';
}

// `text` is the beginning of the page.
function problem(expected, reply, text) {
    const problems = isAmong(reply.status, expected.status) ? [] : [`status ${reply.status}`];
    expected.headers.forEach((wanted) => problems.push(headerProblem(wanted, reply.headers)));
    if (expected.body && !new RegExp(expected.body).test(text)) {
        problems.push('the page is another');
    }
    return problems.filter((each) => each).join(', ');
}

export default {problem};
