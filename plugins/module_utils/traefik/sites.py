# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts that a Traefik serves, by the objects that it looks at, and where visitors ask for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_targets import (
    Choice,
    only_served,
    read_targets,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    default_names,
    entry_points_of,
    public_names,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.plain_request import plain_requests
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import (
    Entrance,
    served_routes,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload


def served(client: Client, workload: Workload) -> list[Site]:
    """The named hosts that this Traefik serves, and where. Raises Forbidden."""
    return sites_of(served_items(client, workload), read_middlewares(client), workload.arguments)


def served_items(client: Client, workload: Workload) -> list[Object]:
    """Return the Ingresses and IngressRoutes that this Traefik looks at. Raises Forbidden."""
    everything = Choice(("Ingress", "IngressRoute"), [""], frozenset(), "")
    return only_served(read_targets(client, everything), workload.arguments).items


def listed(items: Iterable[Object]) -> list[dict[str, str]]:
    """The sites of objects, each host once with its shortest path."""
    found: dict[str, str] = {}
    for item in items:
        of_item = _of_ingress(item) if item["kind"] == "Ingress" else _of_route(item)
        for host, path in of_item:
            if host not in found or len(path) < len(found[host]):
                found[host] = path
    return [{"host": host, "path": found[host]} for host in sorted(found)]


def _of_ingress(item: Object) -> Iterable[tuple[str, str]]:
    for rule in (item.get("spec") or {}).get("rules") or []:
        host = str(rule.get("host") or "")
        if not host or "*" in host:
            continue
        for path in (rule.get("http") or {}).get("paths") or [{}]:
            yield host.lower(), path.get("path") or "/"


def _of_route(item: Object) -> Iterable[tuple[str, str]]:
    for route in (item.get("spec") or {}).get("routes") or []:
        taken = plain_requests(str(route.get("match") or ""))
        yield from ((host, taken.path_of(host)) for host in taken.hosts)


@dataclass(frozen=True)
class Site:
    """A host where visitors ask for it. ``reason`` says why there is no entrance, empty when there is one.

    ``path`` is the shortest that a route of the host names there.
    """

    host: str
    path: str
    entrances: tuple[Entrance, ...]
    reason: str = ""

    def requests(self) -> list[dict[str, Any]]:
        """Requests for http_check, one a scheme; where nobody gets in one that no point takes, with the reason."""
        common = {
            "host": self.host,
            "path": self.path,
            # What answers is asked for here, not who signed it. The server name of the TLS session is the host.
            "validate_certs": False,
            "expect": {"status": []},
        }
        if not self.entrances:
            return [common | {"name": f"{self.host} ({self.reason})", "entry_points": []}]
        schemes = dict.fromkeys("https" if each.https else "http" for each in self.entrances)
        return [
            common
            | {
                "name": self.host,
                "scheme": scheme,
                "entry_points": [each.entry_point for each in self.entrances if each.https is (scheme == "https")],
            }
            for scheme in schemes
        ]


def sites_of(items: Iterable[Object], middlewares: Sequence[Object], settings: Mapping[str, str]) -> list[Site]:
    """Every named host of the objects, once for each path and the entrances that take it, sorted by host.

    Where an entry point only redirects, or a chain leads everybody to HTTPS, nobody is asked.
    """
    points = entry_points_of(settings, {})
    paths: dict[tuple[str, Entrance], str] = {}
    reasons: dict[str, tuple[str, str]] = {}
    for route in served_routes(items, middlewares, default_names(settings)):
        for host in route.hosts:
            reasons.setdefault(host, (route.path, route.not_reached(points)))
            for entrance in route.entrances(points):
                known = paths.get((host, entrance))
                if known is None or len(route.path) < len(known):
                    paths[host, entrance] = route.path
    found: dict[tuple[str, str], list[Entrance]] = {}
    for (host, entrance), path in paths.items():
        found.setdefault((host, path), []).append(entrance)
    reached = {host for host, _path in found}
    sites = [Site(host, path, tuple(entrances)) for (host, path), entrances in found.items()]
    sites += [Site(host, path, (), reason) for host, (path, reason) in reasons.items() if host not in reached]
    return sorted(sites, key=lambda site: (site.host, len(site.path), site.path))


def report(client: Client, workload: Workload) -> dict[str, Any]:
    """``sites`` and ``site_check``, as traefik_info returns them. Raises Forbidden."""
    items = served_items(client, workload)
    found = sites_of(items, read_middlewares(client), workload.arguments)
    return {"sites": listed(items), "site_check": check_of(found, workload)}


def read_middlewares(client: Client) -> list[Object]:
    """The middlewares, none where they may not be read: then only no chain is known that leads to HTTPS."""
    (answer,) = read_all(client, [Query(API_VERSION, "Middleware")])
    return answer.items


def check_of(found: Iterable[Site], workload: Workload) -> dict[str, Any]:
    """Points and requests for http_check: each site where visitors ask for it, at each replica, any answer will do."""
    place = {"namespace": workload.ref.namespace, "workload": workload.ref.name}
    sites = list(found)
    names = dict.fromkeys(each.entry_point for site in sites for each in site.entrances)
    names = names or dict.fromkeys(public_names(workload.arguments))
    return {
        "points": [{"traefik": place | {"entry_point": name}} for name in names],
        "requests": [request for site in sites for request in site.requests()],
    }
