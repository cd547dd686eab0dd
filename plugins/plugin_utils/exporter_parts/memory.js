// What is known from round to round, as JSON.
function remembered(name, otherwise) {
    return JSON.parse(ngx.shared.state.get(name) || 'null') || otherwise;
}

function remember(name, value) {
    ngx.shared.state.set(name, JSON.stringify(value));
}

export default {remember, remembered};
