# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What explain reads: routes, middlewares and Traefik itself at first, then what is on the request's way."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import (
    Backend,
    backend_of,
    services_behind,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import ServiceRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import pods_query, selector_text
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import (
    API_VERSIONS,
    Targets,
    only_served,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import Address
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload, find_workload

_SERVICE_NAME = "kubernetes.io/service-name"
# A Service without a selector has no pods of its own.
_NOBODY = "resilient.traefik/none=none"


@dataclass
class Cluster:
    """What was read at first. ``unread`` names what the account may not read, in the API server's words."""

    workload: Workload
    served: list[Object]
    unserved: list[tuple[Object, str]]
    middlewares: Mapping[str, Object]
    middlewares_known: bool
    nodes: list[Object]
    services: list[Object]
    pods: list[Object]
    unread: list[str]


def read_cluster(client: Client, namespace: str | None, workload: str | None, pool: ThreadPoolExecutor) -> Cluster:
    """Read routes, middlewares and Traefik. Raise BadArgument, Forbidden for what nothing can be said without."""
    finding = pool.submit(find_workload, client, namespace, workload)
    routes, rest = _kinds()
    answers = {answer.query.kind: answer for answer in read_all(client, [*routes, *rest])}
    found = finding.result()
    around = [Query("v1", "Service", namespace=found.ref.namespace), pods_query(found.item)]
    services, pods = read_all(client, around)
    for kind in ("Ingress", "IngressRoute"):
        if answers[kind].status == "forbidden":
            raise errors.Forbidden(answers[kind].message, status=403, reason="Forbidden", causes=[])
    classes = frozenset(
        item["metadata"]["name"]
        for item in answers["IngressClass"].items
        if (item.get("spec") or {}).get("controller") == scope.CONTROLLER
    )
    targets = Targets([*answers["Ingress"].items, *answers["IngressRoute"].items], classes)
    served = only_served(targets, found.arguments)
    reasons = {(each["kind"], each["namespace"], each["name"]): each["reason"] for each in served.unserved}
    return Cluster(
        workload=found,
        served=served.items,
        unserved=[(item, reasons[_key(item)]) for item in targets.items if _key(item) in reasons],
        middlewares={_id(item): item for item in answers["Middleware"].items},
        middlewares_known=answers["Middleware"].status == "found",
        nodes=answers["Node"].items,
        services=services.items,
        pods=pods.items,
        unread=[each.message for each in [*answers.values(), services, pods] if each.status == "forbidden"],
    )


def read_backends(
    client: Client, refs: Sequence[ServiceRef], arguments: Mapping[str, str], unread: list[str]
) -> list[Backend]:
    """Return the Services that these lead to, with their endpoints and pods. What may not be read is in ``unread``."""
    known: dict[tuple[str, str], Object] = {}
    if any(ref.kind == "TraefikService" and "@" not in ref.name for ref in refs):
        (answer,) = read_all(client, [Query(API_VERSION, "TraefikService")])
        known = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in answer.items}
    services = services_behind(refs, known)
    wanted = [ref for ref in services if ref.kind == "Service" and "@" not in ref.name]
    named = read_all(client, [Query("v1", "Service", ref.name, ref.namespace) for ref in wanted])
    around = [
        _around(ref, answer.items[0] if answer.items else None) for ref, answer in zip(wanted, named, strict=True)
    ]
    queries = list(dict.fromkeys(query for each in around for query in each))
    answers = dict(zip(queries, read_all(client, queries), strict=True))
    unread += [answer.message for answer in [*named, *answers.values()] if answer.status == "forbidden"]
    found = [
        _backend(ref, service, [answers[query] for query in each], arguments)
        for ref, service, each in zip(wanted, named, around, strict=True)
    ]
    lost = [ref for ref in services if ref.kind == "TraefikService" and "@" not in ref.name]
    return found + [Backend(ref, exists=False, problem=f"{ref} does not exist, or leads to nothing") for ref in lost]


def started(pool: ThreadPoolExecutor, work: Callable[..., Any], items: Iterable[Any]) -> list[Future[Any]]:
    """Start the work on each item."""
    return [pool.submit(work, item) for item in items]


def _kinds() -> tuple[list[Query], list[Query]]:
    routes = [Query(version, kind) for kind, version in API_VERSIONS.items()]
    return routes, [
        Query(API_VERSION, "Middleware"),
        Query("networking.k8s.io/v1", "IngressClass"),
        Query("v1", "Node"),
    ]


def _around(ref: ServiceRef, service: Object | None) -> list[Query]:
    """Return the queries for EndpointSlices, pods by the Service's selector, and the ServersTransport that it names."""
    named = f"{_SERVICE_NAME}={ref.name}"
    slices = Query("discovery.k8s.io/v1", "EndpointSlice", namespace=ref.namespace, label_selector=named)
    selector = ((service or {}).get("spec") or {}).get("selector")
    chosen = selector_text({"matchLabels": selector}) if selector else _NOBODY
    queries = [slices, Query("v1", "Pod", namespace=ref.namespace, label_selector=chosen)]
    transport = str((ref.options or {}).get("serversTransport") or "")
    if transport and "@" not in transport:
        queries.append(Query(API_VERSION, "ServersTransport", transport, ref.namespace))
    return queries


def _backend(ref: ServiceRef, service: Answer, around: Sequence[Answer], arguments: Mapping[str, str]) -> Backend:
    if service.status == "forbidden":
        return Backend(ref)
    slices, pods, *transport = around
    return backend_of(
        ref,
        service.items[0] if service.items else None,
        slices.items,
        pods.items,
        transport[0].items[0] if transport and transport[0].items else None,
        arguments,
    )


def service_at(client: Client, address: Address, namespace: str, cluster_domain: str) -> ServiceRef | None:
    """Return the Service that an address means for a pod of the namespace, None where it leads out of the cluster."""
    if _is_ip(address.host):
        (answer,) = read_all(client, [Query("v1", "Service")])
        taken = (item for item in answer.items if address.host in (item["spec"].get("clusterIPs") or []))
        return next((_ref(item["metadata"]["namespace"], item["metadata"]["name"], address) for item in taken), None)
    place = address.place(cluster_domain, namespace)
    if place is None:
        return None
    ref = _ref(*place, address)
    if address.host.removesuffix(f".{cluster_domain}").endswith(".svc"):
        return ref
    # The name may as well be one of the internet's.
    (answer,) = read_all(client, [Query("v1", "Service", ref.name, ref.namespace)])
    return ref if answer.status != "missing" else None


def _ref(namespace: str, name: str, address: Address) -> ServiceRef:
    return ServiceRef("Service", namespace, name, address.port)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _key(item: Object) -> tuple[str, str, str]:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _id(item: Object) -> str:
    return crd_id(item["metadata"]["namespace"], item["metadata"]["name"])
