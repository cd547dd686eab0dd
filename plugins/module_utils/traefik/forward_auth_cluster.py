# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What fallback proxies depend on, as it is in the cluster: first what all share, then what each one's place has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, Forbidden
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import (
    Targets,
    only_served,
    traefik_classes,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_routes import (
    Route,
    logins_of_nginx,
    routes,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import (
    ALLOW,
    WORKLOADS,
    OtherTraefik,
    others_beside,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import Site, sites_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload, find_workload

_SLICES = "discovery.k8s.io/v1"
_LISTS = (
    (API_VERSION, "Middleware"),
    (API_VERSION, "IngressRoute"),
    ("networking.k8s.io/v1", "Ingress"),
    ("v1", "Service"),
    ("v1", "Node"),
    ("networking.k8s.io/v1", "IngressClass"),
)


@dataclass(frozen=True)
class Found:
    """The cluster as it was read. Objects by (namespace, name) where one is looked up.

    ``traefik_fault`` says why there is no ``workload``. ``unread`` are lists and objects that may not be read.
    ``routes`` and ``sites`` are those that ``workload`` serves, ``others`` the Traefiks beside it. ``kubernetes``
    is the API server's minor version, 0 where it is not told.
    """

    workload: Workload | None
    traefik_fault: str
    middlewares: Sequence[Object] = ()
    routes: Sequence[Route] = ()
    sites: Sequence[Site] = ()
    services: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    nodes: Sequence[Object] = ()
    quotas: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    ranges: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    workloads: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    secrets: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    slices: Mapping[tuple[str, str], Sequence[Object]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    unread: Sequence[str] = ()
    others: Sequence[OtherTraefik] = ()
    kubernetes: int = 0
    nginx_logins: Sequence[str] = ()

    @property
    def traefik_namespace(self) -> str:
        """Where Traefik runs, empty when it was not found."""
        return self.workload.ref.namespace if self.workload else ""

    @property
    def traefik_place(self) -> str:
        """Return namespace/name of Traefik, empty when it was not found."""
        return f"{self.workload.ref.namespace}/{self.workload.ref.name}" if self.workload else ""

    @property
    def used(self) -> frozenset[str]:
        """The middlewares that routes use, by qualified name."""
        return frozenset(name for route in self.routes for name in route.middlewares)

    def routes_that_ask(self, wish: Wish) -> list[Route]:
        """Return the routes of this Traefik, and of those beside it that may ask the wished proxy."""
        others = [each for each in self.others if not wish.is_fenced or wish.other_traefiks.get(each.name) == ALLOW]
        return [*self.routes, *(route for other in others for route in other.routes)]

    def service_behind(self, middleware: Object, cluster_domain: str) -> Object | None:
        """Return the Service that a ForwardAuth middleware asks, None where that is none of the cluster."""
        address = forward_auth.asked_by(middleware)
        return forward_auth.service_behind(address, self.services, cluster_domain, self.traefik_namespace)

    def asked_in_the_end(self, middleware: Object, cluster_domain: str) -> tuple[str, str] | None:
        """Return namespace and name of the Service that is asked in the end; of a proxy its target, there or not."""
        service = self.service_behind(middleware, cluster_domain)
        if service is None:
            return None
        if is_ours(service):
            remembered = forward_auth.remembered_target(service)
            return str(remembered.get("namespace")), str(remembered.get("service"))
        return service["metadata"]["namespace"], service["metadata"]["name"]

    def asked(self, middleware: Object, cluster_domain: str) -> tuple[str, ...]:
        """Return what tells one target from another: the Service that is asked in the end, its port, path and query.

        Two ports of a Service are two targets, two outposts in one pod for example. A port for https is the same
        target as the one for http where there is no more than one of that. What is outside the cluster is known by its
        address. Through a path or query of its own each has to have a proxy of its own.
        """
        address = forward_auth.asked_by(middleware)
        place = self.asked_in_the_end(middleware, cluster_domain)
        if place is None:
            return (address.url,)
        service = self.service_behind(middleware, cluster_domain) or {}
        port = forward_auth.remembered_target(service).get("port", 0) if is_ours(service) else address.port
        target = self.services.get(place)
        if target is not None and not is_ours(service) and address.scheme == "https":
            plain = [each["port"] for each in target["spec"].get("ports") or [] if not forward_auth.is_of_https(each)]
            port = plain[0] if len(plain) == 1 else port
        return (*place, str(port), address.path or "/", address.query)

    @property
    def settings(self) -> Mapping[str, str]:
        """Traefik's static settings."""
        return self.workload.arguments if self.workload else {}


def read(client: Client, namespace: str, name: str) -> Found:
    """Return all but what is in the proxies' own namespaces, at once. Raises Unreachable, Unauthorized."""
    # Ports by name are told by slices, a target without pods by its Deployment, and other Traefiks by all workloads.
    queries = [Query(api_version, kind) for api_version, kind in _LISTS]
    queries += [Query(_SLICES, "EndpointSlice"), *(Query("apps/v1", kind) for kind in WORKLOADS)]
    work: list[Callable[[], Any]] = [
        lambda: _traefik(client, namespace, name),
        lambda: read_all(client, queries),
        lambda: _kubernetes(client),
    ]
    (workload, fault), answers, kubernetes = client.concurrently(lambda each: each(), work)
    of = {answer.query: answer for answer in answers}
    middlewares = of[Query(*_LISTS[0])].items
    items = [*of[Query(*_LISTS[1])].items, *of[Query(*_LISTS[2])].items]
    unread = _unread(answers)
    targets = Targets(items, traefik_classes(of[Query(*_LISTS[5])].items))
    # Those of other classes, labels and namespaces are no sites of this Traefik.
    served = only_served(targets, workload.arguments).items if workload else items
    others = list[OtherTraefik]()
    if workload:
        workloads = [item for answer in answers if answer.query.kind in WORKLOADS for item in answer.items]
        try:
            others = others_beside(client, workload, workloads, targets, middlewares)
        except Forbidden as error:
            unread.append(str(error))
    return Found(
        workload=workload,
        traefik_fault=fault,
        middlewares=middlewares,
        routes=routes(served, middlewares, workload.arguments if workload else {}),
        sites=sites_of(served, middlewares, workload.arguments) if workload else (),
        services=_by_place(of[Query(*_LISTS[3])].items),
        nodes=of[Query(*_LISTS[4])].items,
        workloads=_by_place(item for answer in answers if answer.query.kind == "Deployment" for item in answer.items),
        slices=_slices(answers),
        unread=unread,
        others=others,
        kubernetes=kubernetes,
        nginx_logins=logins_of_nginx(items, workload.arguments) if workload else (),
    )


def with_places(client: Client, found: Found, wishes: Sequence[Wish]) -> Found:
    """Return the same with what is in the wishes' namespaces, and their Secrets and priorities.

    Raises Unreachable, Unauthorized.
    """
    answers = read_all(client, _queries(wishes))
    return replace(
        found,
        quotas=_by_namespace(answers, "ResourceQuota"),
        ranges=_by_namespace(answers, "LimitRange"),
        secrets=_by_place(item for answer in answers if answer.query.kind == "Secret" for item in answer.items),
        missing=frozenset(str(answer.query) for answer in answers if answer.query.name and answer.status == "missing"),
        unread=[*found.unread, *_unread(answers)],
    )


def _unread(answers: Iterable[Answer]) -> list[str]:
    return [answer.message for answer in answers if answer.status == "forbidden"]


def _traefik(client: Client, namespace: str, name: str) -> tuple[Workload | None, str]:
    try:
        return find_workload(client, namespace, name), ""
    except (BadArgument, Forbidden) as error:
        return None, str(error)


def _kubernetes(client: Client) -> int:
    try:
        return client.minor_version()
    except Forbidden:
        return 0


def _queries(wishes: Sequence[Wish]) -> list[Query]:
    found = list[Query]()
    for wish in wishes:
        space = wish.namespace
        if not space:
            continue
        found += [Query("v1", "Namespace", space)]
        found += [Query("v1", kind, namespace=space) for kind in ("ResourceQuota", "LimitRange")]
        if wish.has_login and wish.users_secret:
            found.append(Query("v1", "Secret", wish.users_secret, space, managed_fields=True))
        if wish.priority_class:
            found.append(Query("scheduling.k8s.io/v1", "PriorityClass", wish.priority_class))
    return list(dict.fromkeys(found))


def _by_place(items: Iterable[Object]) -> dict[tuple[str, str], Object]:
    return {(item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in items}


def _by_namespace(answers: Sequence[Answer], kind: str) -> dict[str, Sequence[Object]]:
    return {answer.query.namespace: answer.items for answer in answers if answer.query.kind == kind}


def _slices(answers: Sequence[Answer]) -> dict[tuple[str, str], list[Object]]:
    found: dict[tuple[str, str], list[Object]] = {}
    for answer in answers:
        for item in answer.items if answer.query.kind == "EndpointSlice" else []:
            service = (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
            found.setdefault((item["metadata"]["namespace"], service), []).append(item)
    return found
