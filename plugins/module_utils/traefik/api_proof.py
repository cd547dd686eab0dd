# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the replicas' API says about objects: known, and without error.

The API knows a middleware or service as soon as it is read, and finds its errors only when a router uses it: a fault
in an unused one does not show here, and does show by behaviour (traefik/probing.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import Progress, tries
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import PROVIDER, crd_id, router_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probing import NotLoaded, not_loaded_text
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import Routing, read_routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

# A replica that reports an error may still be between two states; one that reports it this long is not.
_SETTLE = 6.0
REPORTED = ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "Middleware", "MiddlewareTCP", "TraefikService")


def prove_by_api(
    client: Client,
    workload: Workload,
    headers: Mapping[str, str],
    items: Sequence[Object],
    seconds: float,
    progress: Progress,
) -> list[str]:
    """The names of the ready replicas, each of which reports every item without error.

    Raises NotLoaded, ApiClosed, NoReplica, NoAnswer, Forbidden.
    """
    started = reported = time.monotonic()
    found: list[dict[str, str]] = []
    for _left in tries(seconds):
        routings = read_routing(client, workload, headers)
        found = [
            {"object": str(ref_of(item)), "replica": routing.replica, "error": fault}
            for routing in routings
            for item in items
            if (fault := fault_in(routing, item))
        ]
        if not found:
            return [routing.replica for routing in routings]
        definite = any(not fault["error"].startswith(_UNKNOWN) for fault in found)
        if definite and time.monotonic() - started > _SETTLE:
            break
        if time.monotonic() - reported > 3:
            reported = time.monotonic()
            progress(f"waiting for {found[0]['replica']} to load {found[0]['object']}")
    raise NotLoaded(not_loaded_text(workload, found), not_loaded=found)


_UNKNOWN = "it knows no"


def fault_in(routing: Routing, item: Object) -> str:
    """What the replica reports against the object, empty when it has loaded it."""
    kind, protocol, names = _expected(item)
    listed = {
        entry["name"]: entry
        for entry in {"router": routing.routers, "service": routing.services, "middleware": routing.middlewares}[kind]
        if entry.get("protocol", "http") == protocol
    }
    for name in names:
        entry = listed.get(name)
        if entry is None:
            return f"{_UNKNOWN} {kind} {name}"
        errors = entry.get("error") or []
        if errors or entry.get("status") == "disabled":
            told = errors if isinstance(errors, list) else [errors]
            return "; ".join(map(str, told)) or f"{kind} {name} is disabled"
    return ""


def _expected(item: Object) -> tuple[str, str, list[str]]:
    """What Traefik makes of the object: router, service or middleware, its protocol, and the names."""
    namespace, name, kind = item["metadata"]["namespace"], item["metadata"]["name"], item["kind"]
    routes = (item.get("spec") or {}).get("routes") or []
    if kind == "IngressRouteUDP":
        return "router", "udp", [f"{namespace}-{name}-{number}@{PROVIDER}" for number in range(len(routes))]
    if kind.startswith("IngressRoute"):
        protocol = "tcp" if kind.endswith("TCP") else "http"
        return "router", protocol, [router_id(namespace, name, route["match"], kind) for route in routes]
    return (
        "service" if kind == "TraefikService" else "middleware",
        "tcp" if kind.endswith("TCP") else "http",
        [crd_id(namespace, name)],
    )
