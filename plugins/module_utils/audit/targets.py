# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ForwardAuth targets: whom Traefik asks before it lets a request through, and what depends on the answer. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import Address
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import ServedRoute

if TYPE_CHECKING:
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik


@dataclass
class Target:
    """What one or more middlewares ask. ``service`` is the Service of the cluster that the address means, if any.

    ``stands_before`` names whom our proxy stands before (namespace, service, port), empty where Traefik asks the
    target itself. ``routes`` are those whose chains hold one of the middlewares, with their Traefik.
    """

    address: Address
    service: Object | None
    stands_before: Mapping[str, Any]
    middlewares: list[Object] = field(default_factory=list)
    workloads: list[Object] = field(default_factory=list)
    routes: list[tuple[Traefik, ServedRoute]] = field(default_factory=list)
    _seen: set[tuple[int, int]] = field(default_factory=set, repr=False)

    def used_by(self, middleware: Object, routes: Iterable[tuple[Traefik, ServedRoute]]) -> None:
        """Note a middleware that asks it, and the routes that use this; each once."""
        self.middlewares.append(middleware)
        for traefik, route in routes:
            if (id(traefik), id(route)) not in self._seen:
                self._seen.add((id(traefik), id(route)))
                self.routes.append((traefik, route))

    @property
    def name(self) -> str:
        """The Service as NAMESPACE/NAME, or the host where it is none of the cluster."""
        if self.service is None:
            return f"{self.address.host}:{self.address.port}" if self.address.host else "an address that is none"
        return f"{self.service['metadata']['namespace']}/{self.service['metadata']['name']}"

    @property
    def is_protected(self) -> bool:
        """Whether a fallback proxy of this collection is asked in its place."""
        return bool(self.stands_before)

    @property
    def hosts(self) -> list[str]:
        """The hosts behind it."""
        return sorted({host for _traefik, route in self.routes for host in route.hosts})

    @property
    def namespaces(self) -> list[str]:
        """The namespaces of the routes behind it."""
        return sorted({route.ref.namespace for _traefik, route in self.routes})


def targets_of(cluster: Cluster) -> list[Target]:
    """The targets of middlewares that served routes use; those of most hosts first."""
    found: dict[tuple[str, ...], Target] = {}
    for name, middleware in cluster.middlewares.items():
        if not forward_auth.is_forward_auth(middleware) or name not in cluster.users:
            continue
        target = _target(cluster, middleware)
        known = found.setdefault(_identity(target), target)
        known.used_by(middleware, cluster.users[name])
    return sorted(found.values(), key=lambda each: (-len(each.hosts), each.name))


def _identity(target: Target) -> tuple[str, ...]:
    place = target.name if target.service is not None else target.address.host
    return place, str(target.address.port), "service" if target.service is not None else "host"


def _target(cluster: Cluster, middleware: Object) -> Target:
    address = forward_auth.asked_by(middleware)
    service = _service(cluster, address)
    proxied = forward_auth.remembered_target(service) if is_ours(service) and service is not None else {}
    workloads = cluster.behind(service) if service is not None else []
    return Target(address, service, proxied, workloads=workloads)


def _service(cluster: Cluster, address: Address) -> Object | None:
    """The Service that the address means for any of the Traefiks: by its cluster address or its name in the cluster."""
    by_address = cluster.service_by_address.get(address.host)
    if by_address is not None:
        return by_address
    askers = [each.workload.ref.namespace for each in cluster.traefiks if each.workload] or [""]
    places = (address.place(cluster.cluster_domain, each) for each in askers)
    return next((cluster.services[place] for place in places if place in cluster.services), None)
