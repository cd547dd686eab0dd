# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The points that requests go through: Traefik's replicas, the pods behind a Service, one pod, or a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import AddressPoint, PodPoint, Point
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import ready_targets
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload


@dataclass(frozen=True)
class Place:
    """One point, and what a request gets there unless it says otherwise. ``host`` is empty where none is natural.

    ``behind`` is what the point is one of: workload and entry point, or Service and port. Else the point itself.
    ``redirects`` is where an entry point sends everybody, empty when it serves routes.
    """

    point: Point
    https: bool = False
    host: str = ""
    behind: str = ""
    redirects: str = ""


class Empty(errors.ResilientError):
    """A point stands for nothing at present: no ready replica, no ready endpoint, no such pod."""


def places_of(client: Client, given: Mapping[str, Any]) -> list[Place]:
    """The places of one item of ``points``, as they are now. A URL asks no cluster.

    Raises Empty, BadArgument, Forbidden.
    """
    if given["url"] is not None:
        return [_url(given["url"])]
    if given["service"] is not None:
        return _service(client, given["service"])
    if given["pod"] is not None:
        return [_pod(client, given["pod"])]
    return _traefik(client, given["traefik"])


def _traefik(client: Client, given: Mapping[str, Any]) -> list[Place]:
    workload = find_workload(client, given["namespace"], given["workload"])
    entry_point = given["entry_point"]
    port = workload.port(entry_point)
    if not workload.ready:
        raise Empty(
            f"{workload.ref}: none of its {len(workload.replicas)} replicas is ready (wanted: {workload.wanted})"
        )
    https = static.is_on(workload.arguments, f"entrypoints.{entry_point.lower()}.http.tls")
    return [
        Place(
            _named(PodPoint(client, replica.namespace, replica.name, port), f"{replica} entry point {entry_point}"),
            https,
            behind=f"{workload.ref} entry point {entry_point}",
            redirects=workload.arguments.get(f"entrypoints.{entry_point.lower()}.http.redirections.entrypoint.to", ""),
        )
        for replica in workload.ready
    ]


def _service(client: Client, given: Mapping[str, Any]) -> list[Place]:
    name, namespace = given["name"], given["namespace"]
    ref = ObjectRef("v1", "Service", name, namespace)
    service = client.find(ref)
    if service is None:
        raise Empty(f"{ref}: does not exist")
    port = _service_port(ref, service, given["port"])
    query = Query(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        namespace=namespace,
        label_selector=f"kubernetes.io/service-name={name}",
    )
    (answer,) = read_found(client, [query])
    pods = sorted({found for piece in answer.items for found in _ready_pods(piece, port.get("name", ""))})
    if not pods:
        raise Empty(f"{ref}: no ready endpoint that is a pod")
    host = f"{name}.{namespace}.svc"
    return [
        Place(
            _named(PodPoint(client, namespace, pod, number), f"{ref} pod {pod} port {number}"),
            host=host,
            behind=f"{ref} port {number}",
        )
        for pod, number in pods
    ]


def _service_port(ref: ObjectRef, service: Object, wanted: str | None) -> Object:
    ports: list[Object] = service["spec"].get("ports") or []
    if wanted is None and len(ports) == 1:
        return ports[0]
    for port in ports:
        if wanted in (port.get("name"), str(port["port"])):
            return port
    known = ", ".join(f"{port.get('name', 'unnamed')} ({port['port']})" for port in ports) or "none"
    raise errors.BadArgument(f"points.service.port: {ref} has these ports: {known}. Name one of them.")


def _ready_pods(piece: Object, port_name: str) -> list[tuple[str, int]]:
    numbers = [port["port"] for port in piece.get("ports") or [] if (port.get("name") or "") == port_name]
    return [(target, number) for target in ready_targets(piece) for number in numbers]


def _pod(client: Client, given: Mapping[str, Any]) -> Place:
    ref = ObjectRef("v1", "Pod", given["name"], given["namespace"])
    wanted = given["port"]
    if wanted.isdigit():
        return Place(PodPoint(client, ref.namespace, ref.name, int(wanted)), host=ref.name)
    pod = client.find(ref)
    if pod is None:
        raise Empty(f"{ref}: does not exist")
    ports = {
        port.get("name"): port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
    }
    if wanted not in ports:
        known = ", ".join(str(name) for name in ports if name) or "none"
        raise errors.BadArgument(f"points.pod.port: {ref} has no port {wanted!r}; named ports: {known}")
    return Place(PodPoint(client, ref.namespace, ref.name, ports[wanted]), host=ref.name)


def _url(url: str) -> Place:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise errors.BadArgument(f"points.url: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.BadArgument("points.url: give http://HOST[:PORT] or https://HOST[:PORT]")
    if parts.username is not None or parts.path.strip("/") or parts.query:
        raise errors.BadArgument("points.url: only scheme, host and port; path, user and password belong to requests")
    https = parts.scheme == "https"
    return Place(AddressPoint(parts.hostname, port or (443 if https else 80)), https, parts.netloc)


def _named(point: Point, name: str) -> Point:
    point.name = name
    return point
