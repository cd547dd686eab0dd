# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts are behind which middlewares, by the routes of the cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    default_names,
    entry_points_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import address_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CHAIN_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.plain_request import plain_requests
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import (
    entry_points_named,
    inner_chains,
    resolved,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import listed

# Providers whose routes are read here; routes of others are in no object of these kinds.
_READ = ("providers.kubernetescrd", "providers.kubernetesingress")
# Whom an Ingress has asked by the annotations of ingress-nginx, which this provider of Traefik honours.
_NGINX, _AUTH_URL = "providers.kubernetesingressnginx", "nginx.ingress.kubernetes.io/auth-url"


@dataclass(frozen=True)
class Route:
    """``hosts`` by name, ``pattern`` when it may match others too, ``middlewares`` by qualified name, in order.

    ``name`` is the route as a sentence names it.
    """

    hosts: tuple[str, ...]
    pattern: bool
    middlewares: tuple[str, ...]
    name: str = ""


def routes(
    items: Iterable[Object], middlewares: Sequence[Object], settings: Mapping[str, str] | None = None
) -> list[Route]:
    """Every route of Ingresses and IngressRoutes, with the middlewares of chains and entry points in their places.

    A route is there once for each chain that a request of it meets: entry points may have middlewares of their own.
    """
    chains = inner_chains(middlewares)
    points, defaults = entry_points_of(settings or {}, {}), default_names(settings or {})
    found = []
    for item in items:
        own = [name.lower() for name in entry_points_named(item)] or defaults
        # Where one sends everybody on no route is reached.
        firsts = [points[name].middlewares for name in own if name in points and not points[name].redirects]
        for part, names in _parts(item):
            hosts = tuple(site["host"] for site in listed([part]))
            for first in dict.fromkeys(firsts or [()]):
                through = tuple(resolved([*first, *names], chains))
                found.append(Route(hosts, _matches_others(part), through, _name(part)))
    return found


def hosts_behind(found: Iterable[Route], *names: str) -> tuple[list[str], bool]:
    """The hosts of the routes with one of the middlewares, sorted, and whether one of these may match other hosts."""
    using = [route for route in found if set(names) & set(route.middlewares)]
    return sorted({host for route in using for host in route.hosts}), any(route.pattern for route in using)


def comes_after(found: Iterable[Route], name: str, others: Iterable[str]) -> bool:
    """Whether the middleware stands behind one of the others in any route."""
    names = set(others) - {name}
    return any(
        names & set(route.middlewares[: route.middlewares.index(name)]) for route in found if name in route.middlewares
    )


def unread_providers(settings: Mapping[str, str]) -> list[str]:
    """Providers of this Traefik whose routes are not among the objects that were read."""
    names = {".".join(name.split(".")[:2]) for name in settings if name.startswith("providers.")}
    ignored = ("providers.providersthrottleduration", *_READ)
    return sorted(name for name in names if name not in ignored and static.is_on(dict(settings), name))


def logins_of_nginx(items: Iterable[Object], settings: Mapping[str, str]) -> list[str]:
    """Return the Ingresses that have somebody asked by annotations of ingress-nginx, each in words with the address.

    A password of an address is left out. None where this Traefik does not read the annotations.
    """
    if _NGINX not in unread_providers(settings):
        return []
    asked = [(item, (item["metadata"].get("annotations") or {}).get(_AUTH_URL)) for item in items]
    return [
        f"Ingress {item['metadata']['namespace']}/{item['metadata']['name']} asks {address_of(str(url)).shown}"
        for item, url in asked
        if item["kind"] == "Ingress" and url
    ]


def _parts(item: Object) -> Iterator[tuple[Object, list[str]]]:
    """An object for each route of the item, and the names in its chain."""
    namespace, spec = item["metadata"]["namespace"], item.get("spec") or {}
    if item["kind"] == "Ingress":
        yield item, chain.from_text((item["metadata"].get("annotations") or {}).get(CHAIN_ANNOTATION))
        return
    for route in spec.get("routes") or []:
        holders = [route, *(route.get("services") or [])]
        names = [name for each in holders for name in chain.from_references(each.get("middlewares") or [], namespace)]
        yield {"kind": item["kind"], "metadata": item["metadata"], "spec": {"routes": [route]}}, names


def _name(part: Object) -> str:
    metadata, routes_ = part["metadata"], (part.get("spec") or {}).get("routes")
    match = f" {routes_[0].get('match') or ''}" if part["kind"] != "Ingress" and routes_ else ""
    return f"{part['kind']} {metadata['namespace']}/{metadata['name']}{match}".rstrip()


def _matches_others(part: Object) -> bool:
    if part["kind"] == "Ingress":
        rules = (part.get("spec") or {}).get("rules") or []
        return not rules or any(not rule.get("host") or "*" in rule["host"] for rule in rules)
    return plain_requests(str(part["spec"]["routes"][0].get("match") or "")).others
