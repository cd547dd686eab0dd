// Whether an object still has what was recorded of it, and who wrote last what it has not.

// The comparison of nothing: a field that is not there is not there.
function absent(value) {
    return value === undefined || value === null;
}

function equal(one, other) {
    if (absent(one) || absent(other)) {
        return absent(one) && absent(other);
    }
    if (typeof one !== 'object' || typeof other !== 'object') {
        return one === other;
    }
    if (Array.isArray(one) !== Array.isArray(other)) {
        return false;
    }
    const keys = Object.keys(one);
    return keys.length === Object.keys(other).length && keys.every((key) => equal(one[key], other[key]));
}

// What was recorded of a mapping is there. What the API server adds to it does not count.
function contains(now, recorded) {
    if (absent(now) || typeof now !== 'object' || typeof recorded !== 'object') {
        return equal(now, recorded);
    }
    return Object.keys(recorded).every((key) => equal(now[key], recorded[key]));
}

function holds(now, recorded) {
    if (!Array.isArray(recorded)) {
        return contains(now, recorded);
    }
    return recorded.every((item) => (now || []).some((one) => contains(one, item)));
}

function lower(names) {
    return (names || []).map((name) => name.toLowerCase());
}

function headers(now, recorded) {
    const there = lower(now);
    return lower(recorded).every((name) => there.includes(name));
}

// An empty list sends every header.
function sent(now, recorded) {
    return !(now || []).length || (recorded.length > 0 && headers(now, recorded));
}

// The first name as Traefik reads the list.
function first(now, recorded) {
    return String(now || '').split(',').map((name) => name.trim()).find((name) => name) === recorded;
}

function means(reference, middleware, namespace) {
    return reference.name === middleware.qualified
        || (reference.name === middleware.name && (reference.namespace || namespace) === middleware.namespace);
}

// A route that is not there any more has lost nothing.
function routes(now, recorded, namespace) {
    return (now || []).filter((route) => recorded.matches.includes(route.match || '')).every((route) => {
        const chain = route.middlewares || [];
        return chain.length > 0 && means(chain[0], recorded.middleware, namespace);
    });
}

const COMPARED = {equal, holds, headers, sent, first, routes};

function at(object, path) {
    return path.reduce((value, step) => {
        if (absent(value)) {
            return undefined;
        }
        return typeof step === 'string' ? value[step] : value.find((item) => item.name === step.name);
    }, object);
}

function isIntact(object, field) {
    return COMPARED[field.how](at(object, field.path), field.value, object.metadata.namespace);
}

function owns(entry, path) {
    return path.reduce((fields, step) => (
        fields && fields[typeof step === 'string' ? `f:${step}` : `k:${JSON.stringify(step)}`]), entry.fieldsV1);
}

// {manager, time} of the last one who wrote the field, as metadata.managedFields has it; time is in seconds since 1970. Nothing
// where nobody owns it: who removes a field leaves no trace there.
function lastWriter(object, path) {
    const owners = (object.metadata.managedFields || []).filter((entry) => entry.subresource !== 'status' && owns(entry, path));
    const times = owners.map((entry) => Date.parse(entry.time) / 1000 || 0);
    const last = times.indexOf(Math.max.apply(null, times));
    return last < 0 ? undefined : {manager: owners[last].manager, time: times[last]};
}

// By the name of each recorded field: {intact, by}.
function fields(object, recorded) {
    const found = {object: {intact: true}};
    recorded.fields.forEach((field) => {
        const intact = isIntact(object, field);
        found[field.name] = intact ? {intact} : {intact, by: lastWriter(object, field.path)};
    });
    return found;
}

export default {fields};
