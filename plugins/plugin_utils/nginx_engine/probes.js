// Questions that are sent to see whether they come through: told from those of visitors by a word in their URL that nobody
// else knows. Counted apart, and not in the metrics, where whoever makes up words would make up series.
function note(r) {
    const uri = r.headersIn['X-Forwarded-Uri'];
    if (!uri || uri.indexOf('resilient-traefik-probe=') < 0) {
        return;
    }
    const found = /[?&]resilient-traefik-probe=([0-9a-f]{32})(&|$)/.exec(uri);
    if (found) {
        ngx.shared.probes.incr(found[1], 1, 0);
    }
}

// How often the word at the end of the path was met in the last minute.
function tell(r) {
    r.return(200, `${ngx.shared.probes.get(r.uri.slice('/probes/'.length)) || 0}\n`);
}

export default {note, tell};
