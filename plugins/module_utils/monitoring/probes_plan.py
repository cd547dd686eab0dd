# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What probes become in a cluster: those that are declared, and those that routes make. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import host_name
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import (
    ANSWERED,
    ANYTHING,
    PUBLIC,
    REPLICAS,
    SWITCHED,
    Backend,
    Expected,
    Probe,
    expected_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import EntryPoint, target_port
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.plain_request import plain_requests
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import Site

SERVICE, DNS, NOBODY = "service", "dns", "none"
_KINDS = ("LoadBalancer", "NodePort", "ClusterIP")
# What a path may hold; patterns of routes may hold more.
_SAFE = "/%:@!$&'()*+,;=-._~"


class Route(NamedTuple):
    """Where a host and a path lead: a Service and its port by number or name."""

    namespace: str
    service: str
    port: str
    https: bool = False


@dataclass(frozen=True)
class Cluster:
    """What probes are resolved by. ``services`` by namespace and name; ``routes`` by host and path.

    ``public`` is how the public way is found, ``addresses`` are those that are given for an entry point.
    """

    workload: Object
    points: Mapping[str, EntryPoint]
    services: Mapping[tuple[str, str], Object]
    sites: Sequence[Site] = ()
    routes: Mapping[tuple[str, str], Route] = field(default_factory=dict)
    usual_point: str = ""
    public: str = SERVICE
    addresses: Mapping[str, str] = field(default_factory=dict)
    cluster_domain: str = "cluster.local"


@dataclass(frozen=True)
class Defaults:
    """What a probe is where it does not say so itself; times are in seconds."""

    every: int = 60
    fails_after: int = 2
    slow: float = 2
    severity: str = "critical"


def routes_of(items: Iterable[Object]) -> dict[tuple[str, str], Route]:
    """Return by host and path the one Service that it leads to. Where there are several, or none, it is left out."""
    found: dict[tuple[str, str], set[Route]] = {}
    for item in items:
        for place, route in _of_ingress(item) if item["kind"] == "Ingress" else _of_route(item):
            found.setdefault(place, set()).add(route)
    return {place: next(iter(routes)) for place, routes in found.items() if len(routes) == 1}


def _of_ingress(item: Object) -> Iterator[tuple[tuple[str, str], Route]]:
    for rule in (item.get("spec") or {}).get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            service = (path.get("backend") or {}).get("service") or {}
            port = service.get("port") or {}
            place = (str(rule.get("host") or "").lower(), str(path.get("path") or "/"))
            number = str(port.get("number") or port.get("name") or "")
            yield place, Route(item["metadata"]["namespace"], str(service.get("name") or ""), number)


def _of_route(item: Object) -> Iterator[tuple[tuple[str, str], Route]]:
    namespace = item["metadata"]["namespace"]
    for route in (item.get("spec") or {}).get("routes") or []:
        taken = plain_requests(str(route.get("match") or ""))
        services = [each for each in route.get("services") or [] if each.get("kind", "Service") == "Service"]
        for host in taken.hosts:
            for service in services:
                port = str(service.get("port") or "")
                place = str(service.get("namespace") or namespace)
                https = service.get("scheme") == "https"
                yield (host, taken.path_of(host)), Route(place, str(service.get("name") or ""), port, https)


# --- probes that nobody has declared ---------------------------------------------------------------------------------


def found_probes(cluster: Cluster, defaults: Defaults, declared: Iterable[str], left_out: Iterable[str]) -> list[Probe]:
    """Return one for each site whose host is neither ``declared`` nor ``left_out``, where visitors ask for it."""
    known = {host_name(host).lower() for host in (*declared, *left_out)}
    found: dict[str, Probe] = {}
    for site in cluster.sites:
        entrances = sorted(site.entrances, key=lambda each: not each.https)
        if site.host in known or site.host in found or not entrances:
            continue
        entrance = entrances[0]
        path = quote(site.path, safe=_SAFE)
        found[site.host] = Probe(
            name=site.host,
            host=site.host,
            path=path,
            entry_point=entrance.entry_point,
            port=cluster.points[entrance.entry_point].port,
            tls=entrance.https,
            expected=Expected(ANYTHING),
            public=public_address(cluster, entrance.entry_point, site.host, entrance.https),
            backend=_found_backend(cluster, site, path),
            every=defaults.every,
            fails_after=defaults.fails_after,
            slow=defaults.slow,
            severity=defaults.severity,
            found=True,
        )
    return list(found.values())


def _found_backend(cluster: Cluster, site: Site, path: str) -> Backend | None:
    route = cluster.routes.get((site.host, site.path))
    service = cluster.services.get((route.namespace, route.service)) if route else None
    if route is None or service is None:
        return None
    port, fault = service_port(service, route.port)
    if fault or service["spec"].get("type") == "ExternalName":
        return None
    return Backend(route.namespace, route.service, port["port"], site.host, path, route.https or _speaks_tls(port))


def _speaks_tls(port: Mapping[str, Any]) -> bool:
    """Return whether Traefik takes a port of a Service for HTTPS (provider/kubernetes: by its number and its name)."""
    return bool(port["port"] == 443 or str(port.get("name", "")).startswith("https"))


# --- probes that are declared ------------------------------------------------------------------------------------


def declared_probe(given: Mapping[str, Any], cluster: Cluster, defaults: Defaults) -> tuple[Probe | None, list[str]]:
    """Return the probe, and what is in its way, a sentence each that begins with the probe."""
    point, tls = _entrance(given, cluster)
    backend, faults = _backend(given, cluster)
    if point is None:
        names = ", ".join(sorted(cluster.points)) or "none"
        faults.insert(
            0, f"entry_point: Traefik has no TCP entry point {given['entry_point'] or 'for it'}; it has {names}"
        )
    faults = [f"probe {given['name']}: {fault}" for fault in faults]
    if point is None or faults:
        return None, faults
    public = public_address(cluster, point.name, given["host"], tls) if PUBLIC in given["through"] else ""
    probe = Probe(
        name=given["name"],
        host=given["host"],
        path=given["path"],
        entry_point=point.name,
        port=point.port,
        tls=tls,
        method=given["method"],
        headers={str(name): str(value) for name, value in given["headers"].items()},
        expected=expected_of(given["expect"], SWITCHED if given["websocket"] else ANSWERED),
        websocket=given["websocket"],
        subprotocol=given["subprotocol"],
        public=public,
        replicas=REPLICAS in given["through"],
        backend=backend,
        every=given["every"] or defaults.every,
        fails_after=given["fails_after"] or defaults.fails_after,
        slow=given["slow"] or defaults.slow,
        severity=given["severity"] or defaults.severity,
    )
    return probe, []


def _entrance(given: Mapping[str, Any], cluster: Cluster) -> tuple[EntryPoint | None, bool]:
    """Where the probe asks: where it says so, else where visitors of the host do, else where sites usually are."""
    host, wanted = host_name(given["host"]).lower(), str(given["entry_point"] or "").lower()
    entrances = [each for site in cluster.sites if site.host == host for each in site.entrances]
    fitting = [each for each in entrances if wanted in ("", each.entry_point)]
    if fitting:
        best = sorted(fitting, key=lambda each: not each.https)[0]
        return cluster.points[best.entry_point], best.https
    point = cluster.points.get(wanted or cluster.usual_point)
    return point, bool(point and point.tls)


def _backend(given: Mapping[str, Any], cluster: Cluster) -> tuple[Backend | None, list[str]]:
    wanted = given["backend"]
    if not wanted:
        return None, []
    place = (wanted["namespace"], wanted["service"])
    service = cluster.services.get(place)
    if service is None:
        return None, [f"backend.service: there is no Service {'/'.join(place)}"]
    port, fault = service_port(service, wanted["port"])
    if fault:
        return None, [f"backend.port: {fault}"]
    otherwise = SWITCHED if given["websocket"] else ANYTHING
    return Backend(
        *place,
        port=port["port"],
        host=wanted["host"] or given["host"],
        path=wanted["path"] or given["path"],
        tls=wanted["tls"],
        expected=expected_of(wanted["expect"], otherwise),
    ), []


def service_port(service: Object, wanted: str) -> tuple[dict[str, Any], str]:
    """Return the port of a Service by its number or name, and else why there is none."""
    ports: list[dict[str, Any]] = service["spec"].get("ports") or []
    found = next((port for port in ports if wanted in (str(port["port"]), port.get("name"))), None)
    if found:
        return found, ""
    known = ", ".join(f"{port['port']} ({port['name']})" if port.get("name") else str(port["port"]) for port in ports)
    metadata = service["metadata"]
    return {}, f"Service {metadata['namespace']}/{metadata['name']} has no port {wanted!r}; it has {known or 'none'}"


# --- how often -------------------------------------------------------------------------------------------------------

# So that one replica more or less changes nothing in most clusters (seconds).
_STEP = 30


def unhurried(declared: Sequence[Probe], found: Sequence[Probe], replicas: int, rate: float) -> tuple[list[Probe], str]:
    """Return the found probes, asked as seldom as ``rate`` questions a second ask for, and what stands in the way.

    What is declared is asked as often as it says: the rate has to be enough for it.
    """
    left = rate - sum(_ways(probe, replicas) / probe.every for probe in declared)
    if left < 0 or (left == 0 and found):
        return [], f"every: more is asked than {rate:g} questions a second, which is what may be: ask less often"
    needed = sum(_ways(probe, replicas) for probe in found) / left if found else 0
    every = math.ceil(needed / _STEP) * _STEP
    return [replace(probe, every=max(probe.every, every)) if needed > probe.every else probe for probe in found], ""


def _ways(probe: Probe, replicas: int) -> int:
    return bool(probe.public) + (replicas if probe.replicas else 0) + (probe.backend is not None)


# --- the public way --------------------------------------------------------------------------------------------------


def public_address(cluster: Cluster, entry_point: str, host: str, tls: bool) -> str:
    """Return where visitors of an entry point come in, as HOST:PORT; empty where that is not known."""
    if entry_point in cluster.addresses:
        return str(cluster.addresses[entry_point])
    if cluster.public == DNS:
        return f"{host_name(host)}:{443 if tls else 80}"
    if cluster.public != SERVICE:
        return ""
    wanted = cluster.points[entry_point].port
    found = [
        (_KINDS.index(kind), str(service["metadata"]["name"]), int(port["port"]))
        for service in cluster.services.values()
        if (kind := service["spec"].get("type", "ClusterIP")) in _KINDS and _is_in_front(cluster.workload, service)
        for port in service["spec"].get("ports") or []
        if port.get("protocol", "TCP") == "TCP" and target_port(cluster.workload, port) == wanted
    ]
    if not found:
        return ""
    _kind, name, port = min(found)
    return f"{name}.{cluster.workload['metadata']['namespace']}.svc.{cluster.cluster_domain}:{port}"


def _is_in_front(workload: Object, service: Object) -> bool:
    here = service["metadata"]["namespace"] == workload["metadata"]["namespace"]
    return here and service["spec"].get("clusterIP") != "None" and serves(workload, service)
