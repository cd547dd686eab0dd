// Metrics in Prometheus' text format.

// `samples` are pairs of the labels in braces, or nothing, and the value.
function family(name, kind, help, samples) {
    const head = [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`];
    return head.concat(samples.map((sample) => `${name}${sample[0]} ${sample[1]}`));
}

// The value of a label.
function escaped(value) {
    return String(value).replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

export default {escaped, family};
