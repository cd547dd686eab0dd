# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module explain: follow one request through Traefik, send it, and say why it is answered as it is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain import entrance, report
from ansible_collections.resilient.traefik.plugins.module_utils.explain.exploration import Exploration
from ansible_collections.resilient.traefik.plugins.module_utils.explain.place import placed
from ansible_collections.resilient.traefik.plugins.module_utils.explain.reading import read_cluster
from ansible_collections.resilient.traefik.plugins.module_utils.explain.request import (
    METHODS,
    redacted,
    request_of,
    secrets_in,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.verdict import verdicts
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

REQUEST_OPTIONS: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "path": {"type": "str"},
    "method": {"type": "str", "choices": list(METHODS), "default": "GET"},
    # Hidden here and not by no_log, which would hide every "https" in the result.
    "headers": {"type": "dict", "default": {}, "no_log": False},
    "scheme": {"type": "str", "choices": ["http", "https"]},
    "client_ip": {"type": "str"},
    "body_bytes": {"type": "int", "default": 0},
    "websocket": {"type": "bool", "default": False},
}
OPTIONS: dict[str, dict[str, Any]] = {
    # A mapping of its own: the connection has an option host, too.
    "request": {"type": "dict", "required": True, "options": REQUEST_OPTIONS},
    "entry_point": {"type": "str"},
    "namespace": {"type": "str"},
    "workload": {"type": "str"},
    "open_api": {"type": "bool", "default": False},
    "send": {"type": "str", "choices": ["reading", "always", "never"], "default": "reading"},
    "seconds": {"type": "float", "default": 60.0},
    "resolve": {"type": "bool", "default": True},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
}
_DNS_SECONDS = 1.0
_THREADS = 24


def run(task: Task) -> dict[str, Any]:
    """Explain one request. Raise BadArgument, Forbidden for routes and Traefik itself."""
    params, begin = task.params, time.monotonic()
    request = request_of(params["request"])
    # Not a context manager: nobody waits for a resolver that gives no answer.
    pool = ThreadPoolExecutor(_THREADS)
    try:
        dns = pool.submit(entrance.resolve, request.hostname, _DNS_SECONDS) if params["resolve"] else None
        cluster = read_cluster(task.client, params["namespace"], params["workload"], pool)
        place = placed(cluster, request, params["entry_point"])
        facts, timing = Exploration(task, pool, cluster, place, begin).facts(dns)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return dict(_without(report.result(facts, verdicts(facts), timing, cluster.unread), secrets_in(request)))


def _without(value: Any, secrets: list[str]) -> Any:
    """Return the value with every secret in its texts hidden."""
    if isinstance(value, str):
        return redacted(value, secrets)
    if isinstance(value, dict):
        return {key: _without(each, secrets) for key, each in value.items()}
    return [_without(each, secrets) for each in value] if isinstance(value, list) else value
