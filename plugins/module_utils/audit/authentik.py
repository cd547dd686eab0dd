# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""authentik as the audit finds it: its server, its worker, and the databases that it names. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.resilient.traefik.plugins.module_utils.audit.targets import Target
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import AUTHENTIK_NAMES, address_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import version_of

if TYPE_CHECKING:
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster

_NAME, _COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
_HOSTS = ("AUTHENTIK_POSTGRESQL__HOST", "AUTHENTIK_REDIS__HOST")


@dataclass
class Database:
    """A database that authentik names. ``targets`` are those that need it, ``users`` the workloads that name it."""

    name: str
    workloads: list[Object] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    users: list[Object] = field(default_factory=list)


def components(cluster: Cluster, component: str) -> list[Object]:
    """authentik's workloads of the component (``server``, ``worker``), by its chart's labels or its image."""
    return [item for item in cluster.authentik_workloads if _component(item) == component]


def is_authentik(item: Object) -> bool:
    """Whether a workload runs authentik's server image, or says so by its chart's labels."""
    labels = item["metadata"]["labels"]
    images = [each["image"] for each in item["spec"]["template"]["spec"]["containers"]]
    named = labels.get(_NAME) == AUTHENTIK_NAMES[0] and labels.get(_COMPONENT) in ("server", "worker")
    return named or any("goauthentik/server" in image for image in images)


def _component(item: Object) -> str:
    labels = item["metadata"]["labels"]
    if labels.get(_COMPONENT):
        return str(labels[_COMPONENT])
    words = [
        word for each in item["spec"]["template"]["spec"]["containers"] for word in [*each["command"], *each["args"]]
    ]
    return "worker" if "worker" in words else "server"


def version(item: Object) -> tuple[int, ...]:
    """Year, month and patch of authentik, empty where the image's tag does not say it."""
    for each in item["spec"]["template"]["spec"]["containers"]:
        if "goauthentik/" in each["image"]:
            parts = version_of(each["image"]).split(".")
            if len(parts) >= 2 and all(part.isdigit() for part in parts[:3]):
                return tuple(int(part) for part in parts[:3])
    return ()


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
        inside = address_of(f"tcp://{host}").host.removesuffix(f".{cluster.cluster_domain}").removesuffix(".svc")
        name, _dot, place = inside.partition(".")
        service = cluster.services.get((place or namespace, name))
        if service is not None:
            yield f"{place or namespace}/{name}", cluster.behind(service)
        else:
            yield host, []
    if not named:
        for item in cluster.workloads.get(namespace, []):
            if item["metadata"]["labels"].get(_NAME) in ("postgresql", "redis", "valkey"):
                yield f"{namespace}/{item['metadata']['name']}", [item]
