# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What depends on what: for each ForwardAuth target, Traefik, node and auth database the sites that go with it. No I/O.

What visitors get is worked out from the settings that were found, with times that were measured (docs/disease.md,
docs/failure-table.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.authentik import databases_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import (
    Cluster,
    is_spread,
    place_of,
    pod_spec,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.numbers import allowed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import counted, listed, pods
from ansible_collections.resilient.traefik.plugins.module_utils.audit.targets import Target
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of

FORWARD_AUTH, TRAEFIK, NODE, DATABASE = "forward_auth", "traefik", "node", "database"
# Traefik's ForwardAuth client waits so long, whatever is set.
_PATIENCE = "500 after 30 s"
_FALLBACK_HUNG = "the fallback policy's answer: within 2.2 s at first, at once from the third second on"
_FALLBACK_GONE = "the fallback policy's answer, within 0.8 s"
_KEPT = "nothing, as long as another pod serves"


@dataclass(frozen=True)
class Radius:
    """One thing that others depend on.

    ``hang``, ``gone`` and ``drained`` are what visitors of the hosts get then. ``protection`` is what is there against
    it, ``asked_by`` the middlewares that ask it. ``objects`` are the workloads behind it.
    """

    kind: str
    name: str
    routes: int
    hosts: tuple[str, ...]
    namespaces: tuple[str, ...]
    hang: str
    gone: str
    drained: str
    protection: tuple[str, ...]
    asked_by: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def radii(cluster: Cluster) -> list[Radius]:
    """Everything that sites depend on, of each kind those of most hosts first."""
    found = [
        *(_of_target(cluster, each) for each in cluster.targets),
        *(_of_traefik(cluster, each) for each in cluster.real_traefiks),
        *_databases(cluster),
        *_nodes(cluster),
    ]
    order = (FORWARD_AUTH, TRAEFIK, DATABASE, NODE)
    return sorted(found, key=lambda each: (order.index(each.kind), -len(each.hosts), each.name))


def _of_target(cluster: Cluster, target: Target) -> Radius:
    protection = list(_protection(cluster, target.workloads))
    if target.is_protected:
        there = target.stands_before
        protection.insert(0, f"fallback proxy before {there['namespace']}/{there['service']}")
        behind = cluster.proxied(target)
        drained = _KEPT
        hang, gone = _FALLBACK_HUNG, _FALLBACK_GONE
    else:
        behind, hang, gone = [], _PATIENCE, "500 at once"
        drained = _drained(cluster, target.workloads)
        if target.service is None:
            hang, gone = _PATIENCE, "500: at once where it refuses or its name is gone, after 30 s where it is silent"
    return Radius(
        FORWARD_AUTH,
        target.name,
        len(target.routes),
        tuple(target.hosts),
        tuple(target.namespaces),
        hang,
        gone,
        drained,
        tuple(protection),
        asked_by=tuple(sorted(str(ref_of(each)) for each in target.middlewares)),
        objects=tuple(str(ref_of(each)) for each in [*target.workloads, *behind]),
    )


def _drained(cluster: Cluster, workloads: list[Object]) -> str:
    if not workloads:
        return "not known: no workload of this cluster is behind it"
    replicas = sum(cluster.replicas_of(each) for each in workloads)
    nodes = {node for each in workloads for node in cluster.nodes_of(each)}
    ready = max((_ready_after(each) for each in workloads), default=0)
    wait = f": its start, and {ready} s until the first check at least" if ready else ""
    until = f"500 until a new pod is Ready elsewhere{wait}"
    if replicas == 1 or (replicas > 1 and len(nodes) == 1 and cluster.is_live):
        return until
    if not any(cluster.budgets_of(each) for each in workloads):
        return f"{_KEPT}; when several nodes are drained at once {until}"
    return _KEPT


def _ready_after(workload: Object) -> int:
    """The seconds before a pod can be Ready, by its readiness probes."""
    probes = [each.get("readinessProbe") or {} for each in pod_spec(workload)["containers"]]
    return max((int(each.get("initialDelaySeconds", 0)) for each in probes), default=0)


def _protection(cluster: Cluster, workloads: list[Object]) -> Iterator[str]:
    for workload in workloads:
        replicas, nodes = cluster.replicas_of(workload), cluster.nodes_of(workload)
        on = f" on {counted(len(nodes), 'node')}" if nodes else ""
        yield f"{pods(replicas)}{on}"
        spread = is_spread(workload)
        if spread:
            yield f"spread over nodes ({spread})"
        for budget in cluster.budgets_of(workload):
            room = allowed(budget, replicas)
            if room is not None and 0 < room < replicas:
                yield f"PodDisruptionBudget {budget['metadata']['name']}"


def _of_traefik(cluster: Cluster, traefik: Traefik) -> Radius:
    item, replicas = traefik.item, cluster.replicas_of(traefik.item)
    probe = _liveness(item)
    restarted = f"the kubelet restarts it after {probe} s" if probe else "nothing restarts it: it has no livenessProbe"
    share = f"1 of {replicas} requests" if replicas > 1 else "every request"
    leaves = any((each.get("lifecycle") or {}).get("preStop") for each in pod_spec(item)["containers"])
    way = listed(sorted({way for ways in traefik.exposed.values() for way in ways}), 2)
    refused = (
        "connection refused on every site until it is back"
        if replicas == 1
        else f"refused or timed out: {share} until the way in leaves it out"
    )
    moved = "connection refused on every site until a new pod is Ready elsewhere"
    if replicas > 1:
        moved = "nothing, it serves on while it leaves" if leaves else f"refused for some seconds: {share}"
    return Radius(
        TRAEFIK,
        f"{item['metadata']['namespace']}/{item['metadata']['name']}",
        len(traefik.routes),
        tuple(traefik.hosts),
        tuple(sorted({route.ref.namespace for route in traefik.routes})),
        f"time-outs on {share}; {restarted}",
        refused,
        moved,
        (*_protection(cluster, [item]), *([f"way in: {way}"] if way else [])),
        objects=(str(ref_of(item)),),
    )


def _liveness(item: Object) -> int:
    for each in pod_spec(item)["containers"]:
        probe = each.get("livenessProbe")
        if probe:
            return int(probe.get("periodSeconds", 10)) * int(probe.get("failureThreshold", 3))
    return 0


def _databases(cluster: Cluster) -> Iterator[Radius]:
    for database in databases_of(cluster):
        hosts = {host for target in database.targets for host in target.hosts}
        places = {place for target in database.targets for place in target.namespaces}
        covered = all(target.is_protected for target in database.targets)
        answer = _FALLBACK_HUNG if covered else "500 after 30 s, or authentik's own 400 and 404"
        yield Radius(
            DATABASE,
            database.name,
            sum(len(target.routes) for target in database.targets),
            tuple(sorted(hosts)),
            tuple(sorted(places)),
            answer,
            _FALLBACK_GONE if covered else "400 or 404 of authentik for whoever is not signed in, then 500",
            _FALLBACK_GONE if covered else "the same until it is Ready elsewhere",
            tuple(_protection(cluster, database.workloads)) or ("not known: it is outside of what was read",),
            asked_by=tuple(sorted(str(ref_of(each)) for each in database.users)),
            objects=tuple(str(ref_of(each)) for each in database.workloads),
        )


def _nodes(cluster: Cluster) -> Iterator[Radius]:
    """Each node, with the hosts that have nothing elsewhere: all of a backend, or all of what is asked for them."""
    if not cluster.is_live or not cluster.nodes:
        return
    alone: dict[str, dict[str, list[str]]] = {}
    routes = {route for traefik in cluster.traefiks for route in traefik.routes}
    for place, hosts in cluster.hosts_by_service.items():
        nodes = cluster.nodes_of_service(place)
        if len(nodes) == 1:
            for host in hosts:
                alone.setdefault(min(nodes), {}).setdefault(host, []).append(f"Service {place[0]}/{place[1]}")
    for target in cluster.targets:
        nodes = cluster.nodes_of_service(place_of(target.service)) if target.service is not None else set()
        if len(nodes) == 1:
            for host in target.hosts:
                alone.setdefault(min(nodes), {}).setdefault(host, []).append(f"ForwardAuth {target.name}")
    for node in cluster.nodes:
        name = node["metadata"]["name"]
        lost = alone.get(name, {})
        traefiks = [each for each in cluster.real_traefiks if name in cluster.nodes_of(each.item)]
        served = sum(len(cluster.nodes_of(each.item)) for each in traefiks)
        one = any(cluster.nodes_of(each.item) == [name] for each in traefiks)
        everything = sorted({host for each in traefiks for host in each.hosts}) if one else sorted(lost)
        reasons = sorted({reason for each in lost.values() for reason in each})
        hit = set(everything)
        touched = [route for route in routes if not hit.isdisjoint(route.hosts)]
        yield Radius(
            NODE,
            name,
            len(touched),
            tuple(everything),
            tuple(sorted({route.ref.namespace for route in touched})),
            "as gone, once Kubernetes has noticed (40 s) and replaced its pods (5 minutes later by default)",
            _node_gone(everything, reasons, one, bool(traefiks), served),
            _node_drained(everything),
            tuple(
                f"{each.item['metadata']['name']} on {counted(len(cluster.nodes_of(each.item)) - 1, 'other node')}"
                for each in traefiks
                if not one
            ),
            objects=tuple(reasons),
        )


def _node_drained(hosts: list[str]) -> str:
    if hosts:
        return "the same, until the pods are Ready elsewhere"
    return "nothing more than each workload's own drain"


def _node_gone(hosts: list[str], reasons: list[str], alone: bool, traefik: bool, served: int) -> str:
    if alone:
        return "connection refused or time-outs on every site: the only replica of Traefik is there"
    parts = [f"500, 502 or 503 on these hosts: only there runs {listed(reasons, 2)}"] if hosts else []
    if traefik:
        parts.append(f"1 of {served} ways in is silent until DNS or the balancer leaves it out")
    return "; ".join(parts) or "nothing that a route needs runs only there"
