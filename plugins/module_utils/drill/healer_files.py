# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the healer and the stand-ins are made of: configurations of nginx with njs, the proxies' own image.

Texts in Python because a module that runs on another host brings Python files only.
"""

from __future__ import annotations

from collections.abc import Sequence

# What a visitor of the drill says of itself to whom it asks: its number.
MARK_HEADER = "X-Resilient-Traefik-Drill"
STAND_IN_METRIC = "drill_stand_in_requests_total"
_COMMON = """\
daemon off;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
"""
_TEMPORARY = """\
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
"""

HEALER_CONF = """\
{modules}env KUBERNETES_SERVICE_HOST;
env KUBERNETES_SERVICE_PORT;
{common}
http {{
{temporary}
    access_log off;
    js_path /etc/drill;
    js_import healer from healer.js;
    js_shared_dict_zone zone=state:32k type=number;
    js_set $api_server healer.apiServer;

    server {{
        listen 8080;
        location = /readyz {{ js_content healer.ready; }}
        location @rounds {{ js_periodic healer.round interval=2s; }}
    }}

    # njs cannot check a certificate by address; proxy_pass can.
    server {{
        listen 127.0.0.1:8001;
        location / {{
            proxy_pass https://$api_server;
            proxy_ssl_name kubernetes.default.svc;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate /var/run/secrets/kubernetes.io/serviceaccount/ca.crt;
        }}
    }}
}}
"""

HEALER_JS = """\
// Takes a drill back once its time is over, whatever became of the one who started it.
import fs from 'fs';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const PLAN = JSON.parse(fs.readFileSync('/etc/drill/plan.json'));
// Rounds, of two seconds.
const PATIENCE = 15;

function apiServer() {
    const host = process.env.KUBERNETES_SERVICE_HOST;
    return `${host.includes(':') ? '[' + host + ']' : host}:${process.env.KUBERNETES_SERVICE_PORT}`;
}

// Why a step did not go through. 404 and 422 say that there is nothing to take back (any more).
async function send(step, rehearsal) {
    const query = (step.path.includes('?') ? '&' : '?') + 'dryRun=All';
    const answer = await ngx.fetch(`http://127.0.0.1:8001${step.path}${rehearsal ? query : ''}`, {
        method: step.method,
        headers: {
            'Authorization': `Bearer ${fs.readFileSync(`${ACCOUNT}/token`)}`,
            'Content-Type': step.type,
        },
        body: step.body && JSON.stringify(step.body),
    });
    const text = await answer.text();
    const well = answer.status < 300 || answer.status === 404 || answer.status === 422;
    return well ? '' : `${step.method} ${step.path}: ${answer.status} ${text}`;
}

function isWithoutRight(problem) {
    return / 403 .* cannot (patch|delete) resource /.test(problem);
}

// An owner that somebody else took away, such as a controller that died on the way, took the rights there along: then
// nothing can be done there any more, and the others are still to go. An API server that has just started may refuse
// what is allowed: not for so many rounds, and then it refuses the last step, which is the healer's own end, as well.
async function isPatient() {
    const state = ngx.shared.state;
    return (state.get('refused') || 0) < PATIENCE || await send(PLAN.steps[PLAN.steps.length - 1], true) !== '';
}

// Ready once every step was let through as a dry run: then it can be relied on.
async function round() {
    const state = ngx.shared.state;
    const over = Date.now() >= PLAN.until;
    if (!over && state.get('ready')) {
        return;
    }
    const patient = !over || await isPatient();
    let problem = '';
    for (let i = 0; i < PLAN.steps.length; i++) {
        const step = PLAN.steps[i];
        // Each owner that goes takes the rights in its namespace away: what is done is not done again.
        if (over && state.get(`done ${i}`)) {
            continue;
        }
        // As long as anything is left to do the owners stay.
        if (problem && step.method === 'DELETE') {
            break;
        }
        const found = await send(step, !over);
        if (found && (patient || !isWithoutRight(found))) {
            problem = problem || found;
        } else if (over) {
            state.set(`done ${i}`, 1);
        }
    }
    if (problem) {
        if (over) {
            state.incr('refused', 1, 0);
        }
        throw new Error(problem);
    }
    state.set('ready', 1);
}

function ready(r) {
    r.return(ngx.shared.state.get('ready') ? 200 : 503);
}

export default {apiServer, ready, round};
"""

STAND_IN_CONF = """\
{modules}{common}
http {{
{temporary}
    access_log off;
    js_path /etc/drill;
    js_import standin from standin.js;
    js_shared_dict_zone zone=asked:64k type=number;
    server {{
        listen {port};
        location / {{ js_content standin.{mode}; }}
    }}
    server {{
        listen {ready_port};
        location / {{ return 200; }}
        location = /metrics {{ js_content standin.metrics; }}
    }}
}}
"""

STAND_IN_JS = (
    f"const HEADER = '{MARK_HEADER}';\nconst METRIC = '{STAND_IN_METRIC}';\n"
    + """\
// Counts every request by the visitor of the drill that sent it, before it is answered or not.
// Whatever is no visitor of the drill counts together: a proxy's checks, other people.
function count(r) {
    const mark = r.headersIn[HEADER] || '';
    ngx.shared.asked.incr(/^[0-9]{1,4}$/.test(mark) ? mark : 'other', 1, 0);
}

// Takes every request and answers none of them, for an hour.
function hang(r) {
    count(r);
    setTimeout(() => r.return(504), 3600000);
}

function well(r) {
    count(r);
    r.headersOut['Content-Type'] = 'text/plain';
    r.return(200, 'well\\n');
}

function metrics(r) {
    const lines = ngx.shared.asked.keys(10000).map((key) => `${METRIC}{visitor="${key}"} ${ngx.shared.asked.get(key)}`);
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4; charset=utf-8';
    r.return(200, [`# TYPE ${METRIC} counter`].concat(lines).join('\\n') + '\\n');
}

export default {hang, metrics, well};
"""
)


def healer_files(modules: Sequence[str], plan: str) -> dict[str, str]:
    """The files in /etc/drill of a healer that carries out the plan (JSON: until in epoch ms, and steps)."""
    conf = HEALER_CONF.format(modules=_load(modules), common=_COMMON, temporary=_TEMPORARY)
    return {"nginx.conf": conf, "healer.js": HEALER_JS, "plan.json": plan}


def stand_in_files(modules: Sequence[str], mode: str, port: int) -> dict[str, str]:
    """The files of a stand-in whose mode is ``hang`` or ``well``, on that port. ``ready_port`` has its metrics too."""
    conf = STAND_IN_CONF.format(
        modules=_load(modules),
        common=_COMMON,
        temporary=_TEMPORARY,
        port=port,
        ready_port=ready_port(port),
        mode=mode,
    )
    return {"nginx.conf": conf, "standin.js": STAND_IN_JS}


def ready_port(port: int) -> int:
    """Where a stand-in on that port says that it is ready, and how often it was asked."""
    return 8081 if port != 8081 else 8082


def _load(modules: Sequence[str]) -> str:
    return "".join(f"load_module {module};\n" for module in modules)
