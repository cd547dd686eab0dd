# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traefiks beside the one that is hardened, which ask the same ForwardAuth services for routes of their own.

A proxy's NetworkPolicy keeps out whoever it does not name. Nobody is let in by what he looks like: a pod that may ask
the proxy may try emergency logins under any client's address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import Targets, only_served
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_routes import (
    Route,
    hosts_behind,
    routes,
    unread_providers,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.static_files import Finder
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import (
    Workload,
    is_traefik,
    workload_of,
)

# What may run Traefik.
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
# What the option other_traefiks says of one.
ALLOW, DENY = "allow", "deny"
# Hosts that a sentence names.
_NAMED = 3


@dataclass(frozen=True)
class OtherTraefik:
    """One of them. ``routes`` are those that it serves, by its own static settings.

    ``unread`` says why it may serve others too, of which nothing is known here: it is taken to ask for them.
    """

    workload: Workload
    routes: Sequence[Route] = ()
    unread: str = ""

    @property
    def name(self) -> str:
        """Return namespace/name, as the option other_traefiks has it."""
        return f"{self.workload.ref.namespace}/{self.workload.ref.name}"

    def asks(self, middlewares: Iterable[str]) -> bool:
        """Whether it serves a route with one of the middlewares, which are qualified names, or may do so."""
        wanted = set(middlewares)
        return bool(self.unread) or any(wanted & set(route.middlewares) for route in self.routes)

    def told(self, middlewares: Collection[str]) -> str:
        """Return how many routes with one of the middlewares it serves, and some of their hosts, for a sentence."""
        wanted = set(middlewares)
        number = sum(1 for route in self.routes if wanted & set(route.middlewares))
        hosts, _others = hosts_behind(self.routes, *middlewares)
        more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
        named = f" ({', '.join(hosts[:_NAMED])}{more})" if hosts else ""
        unread = f"routes of which nothing is known here, since {self.unread}" if self.unread else ""
        known = f"{number} route{'' if number == 1 else 's'}{named}" if number or not unread else ""
        return " and ".join(each for each in (known, unread) if each)


def others_beside(
    finder: Finder, own: Workload, workloads: Iterable[Object], targets: Targets, middlewares: Sequence[Object]
) -> list[OtherTraefik]:
    """Return the Traefiks among ``workloads`` but ``own``, with the routes of ``targets`` they serve.

    Raises Forbidden where the ConfigMap with the settings of one may not be read.
    """
    found = []
    for item in workloads:
        place = item["metadata"]["namespace"], item["metadata"]["name"]
        if is_traefik(item) and (item["kind"], *place) != (own.ref.kind, own.ref.namespace, own.ref.name):
            other = workload_of(finder, item, ())
            served = only_served(targets, other.arguments).items
            found.append(OtherTraefik(other, routes(served, middlewares, other.arguments), _unread(other)))
    return sorted(found, key=lambda other: other.name)


def _unread(other: Workload) -> str:
    """Why not all of its routes are known, empty where they are. One without pods asks nobody."""
    if other.item["spec"].get("replicas", 1) == 0:
        return ""
    if not other.arguments:
        return "its settings cannot be read"
    providers = unread_providers(other.arguments)
    return f"it has {', '.join(providers)}" if providers else ""


def asker(workload: Workload) -> dict[str, Any]:
    """Return how to let a Traefik in by a NetworkPolicy: ``namespace``, label selector ``pods``, ``host_network``."""
    spec = workload.item["spec"]
    return {
        "namespace": workload.ref.namespace,
        "pods": spec.get("selector") or {},
        "host_network": bool(spec["template"]["spec"].get("hostNetwork")),
    }


def shape_faults(given: Any) -> list[str]:
    """Return what is wrong with the option other_traefiks by itself."""
    if not isinstance(given, Mapping):
        return [f"expected a mapping of namespace/name to {ALLOW} or {DENY}"]
    faults = []
    for name, answer in given.items():
        parts = str(name).split("/")
        if len(parts) != 2 or not all(parts):
            faults.append(f"{name!r} is no namespace/name of a Traefik")
        if answer not in (ALLOW, DENY):
            faults.append(f"{answer!r} for {name} is neither {ALLOW} nor {DENY}")
    return faults
