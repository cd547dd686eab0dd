# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""authentik as the audit finds it: its server, its worker, and the databases that it names. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.resilient.traefik.plugins.module_utils.audit.targets import Target
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import HOST, service_behind
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import component as component_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

if TYPE_CHECKING:
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster

_NAME = "app.kubernetes.io/name"
_HOSTS = (HOST, "AUTHENTIK_REDIS__HOST")


@dataclass
class Database:
    """A database that authentik names. ``targets`` are those that need it, ``users`` the workloads that name it."""

    name: str
    workloads: list[Object] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    users: list[Object] = field(default_factory=list)


def components(cluster: Cluster, component: str) -> list[Object]:
    """authentik's workloads of the component (``server``, ``worker``), by its chart's labels or its image."""
    return [item for item in cluster.authentik_workloads if component_of(item) == component]


def hosts(cluster: Cluster, item: Object) -> list[str]:
    """The hosts whose login needs the workload, through a fallback proxy or not."""
    targets = [each for each in cluster.targets if item in each.workloads or item in cluster.proxied(each)]
    return sorted({host for target in targets for host in target.hosts})


def environment(item: Object) -> dict[str, str]:
    """The variables of a workload's containers that stand in plain text."""
    found: dict[str, str] = {}
    for each in item["spec"]["template"]["spec"]["containers"]:
        for entry in each.get("env") or []:
            if "value" in entry:
                found[entry["name"]] = entry["value"]
    return found


def databases_of(cluster: Cluster) -> list[Database]:
    """The databases that authentik's servers name, or that lie beside them by their labels."""
    found: dict[str, Database] = {}
    for server in components(cluster, "server"):
        targets = [each for each in cluster.targets if server in each.workloads or server in cluster.proxied(each)]
        for name, workloads in _named(cluster, server):
            database = found.setdefault(name, Database(name, workloads))
            database.targets += [each for each in targets if each not in database.targets]
            database.users.append(server)
    return list(found.values())


def _named(cluster: Cluster, server: Object) -> Iterator[tuple[str, list[Object]]]:
    namespace = server["metadata"]["namespace"]
    given = environment(server)
    named = [given[name] for name in _HOSTS if given.get(name)]
    for host in named:
        service = service_behind(host, namespace, cluster.services, cluster.cluster_domain)
        if service is not None:
            yield f"{service['metadata']['namespace']}/{service['metadata']['name']}", cluster.behind(service)
        else:
            yield host, []
    if not named:
        for item in cluster.workloads.get(namespace, []):
            if item["metadata"]["labels"].get(_NAME) in ("postgresql", "redis", "valkey"):
                yield f"{namespace}/{item['metadata']['name']}", [item]
