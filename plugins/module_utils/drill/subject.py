# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a drill breaks: a ForwardAuth middleware, whom it asks, and the proxy between them where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import read_pods, serves
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_cluster as cluster
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name

# What the drills of sign-on and of the bot blocker look for where no middleware is named: the path that is asked, or
# the middleware's name. As the roles auth_proxy and bot_block_proxy have them.
SIGN_ON_PATH = "/outpost.goauthentik.io/auth/traefik"
BOT_BLOCK_NAME = "ai-bot-block"


class NotRun(ResilientError):
    """The drill cannot or may not begin; nothing was changed. The message says why and what to do."""


@dataclass(frozen=True)
class Subject:
    """A middleware and what is behind it. ``peers`` is the Service by which the proxy finds the target's pods.

    ``proxy`` and ``peers`` are None where the middleware asks the target itself. ``workload`` is the target's
    Deployment or StatefulSet, None where nothing in the cluster runs it. ``hosts`` are the sites behind it, ``bare``
    those that ask the same target without the proxy that the others have.
    """

    middleware: Object
    target: Object
    pod_port: int
    workload: Object | None
    proxy: Object | None = None
    peers: Object | None = None
    hosts: Sequence[str] = field(default_factory=tuple)
    bare: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        metadata = self.middleware["metadata"]
        way = f" through {ref_of(self.proxy)}" if self.proxy else ""
        return f"Middleware {metadata['namespace']}/{metadata['name']}, which asks {ref_of(self.target)}{way}"


def find_subject(client: Client, given: Mapping[str, Any], path: str, name: str, cluster_domain: str) -> Subject:
    """The one middleware that is named, or that asks the path, or that has the name.

    Raises NotRun with the remedy, Forbidden.
    """
    found = cluster.read(client, "", "")
    if found.unread:
        raise NotRun(f"the cluster may not be read: {found.unread[0]}")
    asking = _asking(found, given, path, name, cluster_domain)
    proxied = [(each, service) for each, service in asking if is_ours(service)]
    # Where there is a proxy, it is to be judged, and those that ask without one are named.
    middleware, service = (proxied or asking)[0]
    felt_by = _hosts(found, [each for each, other in asking if other is service])
    bare = _hosts(found, [each for each, other in asking if not is_ours(other)]) if proxied else []
    asked = forward_auth.asked_by(middleware)
    if service is None:
        raise NotRun(f"middleware: {ref_of(middleware)} asks {asked.shown}, which is no Service of this cluster")
    proxy = peers = None
    port = asked.port
    if is_ours(service):
        place = forward_auth.remembered_target(service)
        metadata = service["metadata"]
        proxy = _existing(client, ObjectRef("apps/v1", "Deployment", metadata["name"], metadata["namespace"]))
        peers = found.services.get((place.get("namespace", ""), f"{metadata['name']}-peers"))
        service = found.services.get((place.get("namespace", ""), place.get("service", "")))
        port = place.get("port", 0)
        if service is None or peers is None:
            raise NotRun(f"middleware: {ref_of(middleware)} asks a proxy whose target is not there. Run harden again.")
    return Subject(
        # Whole, with who owns which of its fields.
        middleware=client.get(ref_of(middleware)),
        target=service,
        pod_port=_pod_port(service, port, found),
        workload=_workload(client, service),
        proxy=proxy,
        peers=peers and client.get(ref_of(peers)),
        hosts=felt_by,
        bare=bare,
    )


def _asking(
    found: cluster.Found, given: Mapping[str, Any], path: str, name: str, cluster_domain: str
) -> list[tuple[Object, Object | None]]:
    """The middlewares that are meant, copies for routes of several namespaces, each with the Service that it asks.

    In the end all of them ask the same target.
    """
    wanted = str(given.get("name") or "") or name
    matching = forward_auth.chosen(found.middlewares, str(given.get("namespace") or ""), wanted, path)
    matching = [each for each in matching if forward_auth.is_forward_auth(each)]
    matching = forward_auth.preferred(matching, found.traefik_namespace, found.used)
    if len({found.asked(each, cluster_domain) for each in matching}) == 1:
        return [(each, found.service_behind(each, cluster_domain)) for each in matching]
    what = f"named {wanted}" if wanted else f"that asks {path}"
    known = ", ".join(sorted(str(ref_of(each)) for each in found.middlewares if forward_auth.is_forward_auth(each)))
    how_many = "more than one ForwardAuth middleware" if matching else "no ForwardAuth middleware"
    raise NotRun(f"middleware: there is {how_many} {what}; there are: {known or 'none'}. Name one.")


def _hosts(found: cluster.Found, middlewares: Sequence[Object]) -> list[str]:
    return routing.hosts_behind(found.routes, *map(qualified_name, middlewares))[0]


def _pod_port(service: Object, number: int, found: cluster.Found) -> int:
    metadata = service["metadata"]
    port = forward_auth.service_port(service, number)
    slices = found.slices.get((metadata["namespace"], metadata["name"]), ())
    return forward_auth.pod_port(service, port, slices, found.workloads.values()) if port else 0


def _existing(client: Client, ref: ObjectRef) -> Object:
    item = client.find(ref)
    if item is None:
        raise NotRun(f"{ref}: is not there, though a Service of the same name is. Run harden again.")
    return item


def _workload(client: Client, service: Object) -> Object | None:
    """The Deployment or StatefulSet whose pods the Service selects."""
    namespace = service["metadata"]["namespace"]
    queries = [Query("apps/v1", kind, namespace=namespace) for kind in ("Deployment", "StatefulSet")]
    for answer in read_found(client, queries):
        for item in answer.items:
            if serves(item, service):
                return client.get(ref_of(item))
    return None


def pods_of(client: Client, workload: Object) -> list[Object]:
    """The pods of a workload that are not on their way out, by name. Raises Forbidden."""
    alive = [pod for pod in read_pods(client, workload) if not pod["metadata"].get("deletionTimestamp")]
    return sorted(alive, key=lambda pod: str(pod["metadata"]["name"]))
