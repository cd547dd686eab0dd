# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each Traefik of a snapshot: its settings, its entry points and who reaches them, its routes. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ansible_collections.resilient.traefik.plugins.module_utils.audit.broken_references import broken
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import backends, retry, scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    EntryPoint,
    believed,
    default_names,
    entry_points_of,
    public_ports,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import seconds_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import Reference
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import (
    ServedRoute,
    inner_chains,
    served_routes,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import (
    Workload,
    is_traefik,
    workload_of,
)

if TYPE_CHECKING:
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster

# A Traefik that is in no file: nothing is held against it, so it is taken to allow whatever it could.
_UNKNOWN_SETTINGS = {
    "providers.kubernetescrd": "true",
    "providers.kubernetescrd.allowcrossnamespace": "true",
    "providers.kubernetescrd.allowexternalnameservices": "true",
    "providers.kubernetesingress": "true",
    "entrypoints.web.address": ":80",
    "entrypoints.websecure.address": ":443",
    "entrypoints.websecure.http.tls": "true",
}


@dataclass(eq=False)
class Traefik:
    """One Traefik. ``workload`` is None for one that is in no file. ``served`` are Ingresses and IngressRoutes."""

    workload: Workload | None
    settings: Mapping[str, str]
    cluster: Cluster = field(repr=False)
    services: Sequence[Object] = ()
    served: Sequence[Object] = ()
    overlooked: Mapping[ObjectRef, str] = field(default_factory=dict)
    _chain_of: dict[int, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def known(self) -> Workload:
        """The workload of one that has one. Raises ValueError for one that is only told of by files."""
        if self.workload is None:
            raise ValueError(f"{self} has no workload")
        return self.workload

    @property
    def item(self) -> Object:
        """The Deployment or DaemonSet. Raises ValueError as ``known`` does."""
        return self.known.item

    @property
    def version(self) -> tuple[int, ...]:
        """Major and minor version, empty when it is not known."""
        return retry.parsed(self.workload.version) if self.workload else ()

    @cached_property
    def points(self) -> dict[str, EntryPoint]:
        """The entry points by name in lower case."""
        public = public_ports(self.workload.item, self.services) if self.workload else {}
        return entry_points_of(self.settings, public)

    @cached_property
    def routes(self) -> list[ServedRoute]:
        """The HTTP routes that it serves."""
        defaults = default_names(self.settings)
        return served_routes(self.served, list(self.cluster.middlewares.values()), defaults)

    @cached_property
    def _by_object(self) -> dict[ObjectRef, list[ServedRoute]]:
        found: dict[ObjectRef, list[ServedRoute]] = {}
        for route in self.routes:
            found.setdefault(route.ref, []).append(route)
        return found

    def routes_of(self, ref: ObjectRef) -> list[ServedRoute]:
        """The routes that an object has."""
        return self._by_object.get(ref, [])

    @cached_property
    def broken(self) -> list[tuple[Reference, str]]:
        """References that this Traefik cannot follow, with the reason."""
        return list(broken(self.cluster, self))

    @cached_property
    def chains(self) -> dict[str, Object]:
        """The middlewares that hold others."""
        return inner_chains(self.cluster.middlewares.values())

    def chain_of(self, route: ServedRoute) -> tuple[str, ...]:
        """All middlewares that a request of the route meets on any of its entry points."""
        if id(route) not in self._chain_of:
            self._chain_of[id(route)] = self._whole_chain(route)
        return self._chain_of[id(route)]

    def _whole_chain(self, route: ServedRoute) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for name in route.entry_points:
            if name in self.points:
                found |= dict.fromkeys(route.chain_at(name, self.points, self.chains))
        return tuple(found) or route.middlewares

    def named_by(self, route: ServedRoute) -> frozenset[str]:
        """The middlewares of the route's chain, and the chains that hold them and that its object names."""
        return self._named.get(route.ref, frozenset()) | frozenset(self.chain_of(route))

    @cached_property
    def _named(self) -> dict[ObjectRef, frozenset[str]]:
        """The chains that an object's routes name, those within them too."""
        if not self.chains:
            return {}
        found: dict[ObjectRef, set[str]] = {}
        for item in self.served:
            for name in self._middlewares_in(item):
                found.setdefault(ref_of(item), set()).update(self._within(name, frozenset()))
        return {ref: frozenset(names) for ref, names in found.items()}

    def _middlewares_in(self, item: Object) -> Iterator[str]:
        for each in self.cluster.named_in(item):
            if each.kind == "Middleware":
                yield each.name if each.provider else crd_id(each.namespace, each.name)

    def _within(self, name: str, seen: frozenset[str]) -> Iterator[str]:
        if name in self.chains and name not in seen:
            yield name
            for inner in self._middlewares_in(self.chains[name]):
                yield from self._within(inner, seen | {name})

    @cached_property
    def _backends(self) -> dict[ObjectRef, list[tuple[str, str]]]:
        """Services by the object whose routes lead to them."""
        names = {str(route.ref): route.ref for route in self.routes}
        services = [each for each in self.cluster.snapshot.of("TraefikService") if each["apiVersion"] == API_VERSION]
        found: dict[ObjectRef, list[tuple[str, str]]] = {}
        for backend, sources in backends.backends_of(self.served, services, self.cluster.named_in).items():
            for source in sources:
                if source in names:
                    found.setdefault(names[source], []).append((backend.namespace, backend.service))
        return found

    def backends_of(self, route: ServedRoute) -> list[tuple[str, str]]:
        """Namespace and name of the Services that the route's object leads to."""
        return self._backends.get(route.ref, [])

    def is_on(self, name: str) -> bool:
        """Whether a switch of the static settings is on."""
        return static.is_on(dict(self.settings), name)

    def trusted_by(self, entry_point: str) -> list[str]:
        """The networks whose word about the client the entry point takes."""
        by_protocol = static.listed(dict(self.settings), f"entrypoints.{entry_point}.proxyprotocol.trustedips")
        return [*believed(self.settings, entry_point)[1], *by_protocol]

    def says(self, name: str) -> bool:
        """Whether a setting says true."""
        return self.settings.get(name.lower(), "").lower() in ("true", "1", "t")

    def seconds(self, name: str, default: float) -> float:
        """A setting that is a time, in seconds."""
        text = self.settings.get(name.lower(), "")
        found = seconds_of(text) if text else None
        return default if found is None else found

    @cached_property
    def exposed(self) -> dict[str, list[str]]:
        """By entry point how somebody outside of the cluster reaches it; those alone that somebody does."""
        found: dict[str, list[str]] = {}
        for name, point in self.points.items():
            ways = list(dict.fromkeys(self._ways_to(point)))
            if ways:
                found[name] = ways
        return found

    def _ways_to(self, point: EntryPoint) -> Iterator[str]:
        if self.workload is None:
            return
        pod = self.workload.item["spec"]["template"]["spec"]
        ports = [port for container in pod["containers"] for port in container.get("ports") or []]
        if pod.get("hostNetwork"):
            yield f"port {point.port} of each node (hostNetwork)"
        for port in ports:
            if port.get("hostPort") and port["containerPort"] == point.port:
                yield f"port {port['hostPort']} of each node (hostPort)"
        named = {port.get("name"): port["containerPort"] for port in ports}
        for service in self.services:
            if service["spec"].get("type") not in ("LoadBalancer", "NodePort") and not service["spec"].get(
                "externalIPs"
            ):
                continue
            for port in service["spec"].get("ports") or []:
                target = port.get("targetPort", port["port"])
                if target == point.port or named.get(target) == point.port:
                    name = service["metadata"]["name"]
                    yield f"port {port['port']} of Service {name} ({service['spec'].get('type', 'externalIPs')})"

    @cached_property
    def hosts(self) -> list[str]:
        """Every host that its routes name."""
        return sorted({host for route in self.routes for host in route.hosts})


def traefiks_of(cluster: Cluster) -> list[Traefik]:
    """Every Traefik of the snapshot with what it serves."""
    candidates = [each for each in cluster.snapshot.of("Deployment", "DaemonSet") if _runs_traefik(each)]
    workloads = [workload_of(cluster, each, cluster.pods_of(each)) for each in candidates]
    if not workloads:
        return [] if cluster.is_live else [_with_routes(Traefik(None, _UNKNOWN_SETTINGS, cluster))]
    return [
        _with_routes(Traefik(each, each.arguments, cluster, services=_services_of(cluster, each.item)))
        for each in workloads
    ]


def _runs_traefik(item: Object) -> bool:
    return bool(item["spec"]["template"]["spec"]["containers"]) and is_traefik(item)


def _services_of(cluster: Cluster, item: Object) -> list[Object]:
    namespace = item["metadata"]["namespace"]
    return [each for place, each in cluster.services.items() if place[0] == namespace and serves(item, each)]


def _with_routes(traefik: Traefik) -> Traefik:
    snapshot = traefik.cluster.snapshot
    named = [each["metadata"]["name"] for each in snapshot.of("IngressClass") if _is_ours(each)]
    classes = {*named, "traefik"} if not snapshot.knows("IngressClass") or traefik.workload is None else {*named}
    served: list[Object] = []
    overlooked: dict[ObjectRef, str] = {}
    for item in snapshot.of("Ingress", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP"):
        if item["kind"] == "Ingress":
            reason = scope.overlooked_ingress(item, traefik.settings, classes)
        elif item["apiVersion"] != API_VERSION:
            reason = f"its API group {item['apiVersion']} is that of Traefik 2"
        else:
            reason = scope.overlooked(item, traefik.settings)
        if reason:
            overlooked[ref_of(item)] = reason
        elif item["kind"] in ("Ingress", "IngressRoute"):
            served.append(item)
    traefik.served, traefik.overlooked = served, overlooked
    return traefik


def _is_ours(ingress_class: Object) -> bool:
    return bool(ingress_class["spec"].get("controller") == scope.CONTROLLER)
