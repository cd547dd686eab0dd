# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every route of Ingresses and IngressRoutes, and how visitors reach it: entry point, scheme, host and path. Pure.

TLS is the router's own (``tls`` of an IngressRoute, the annotation ``router.tls`` of an Ingress) or that of the entry
point. Without either an entry point serves the router to plain requests alone (Traefik 3.6.10 and 3.7.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import EntryPoints
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import (
    CHAIN_ANNOTATION,
    ROUTER_ANNOTATION,
    qualified_name,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.plain_request import ANY_HOST, plain_requests


@dataclass(frozen=True)
class Entrance:
    """Where a request comes in, and whether it speaks TLS there."""

    entry_point: str
    https: bool


@dataclass(frozen=True)
class ServedRoute:
    """One route. ``hosts`` are those that it names; ``host`` and ``path`` make a plain request that it answers.

    ``unaskable`` says why there is no such request. ``middlewares`` are those of its own chain, by qualified name, with
    what inner chains hold in their places. ``to_https`` is whether its chain sends plain requests on to HTTPS.
    """

    ref: ObjectRef
    rule: str
    hosts: tuple[str, ...]
    path: str
    entry_points: tuple[str, ...]
    tls: bool
    middlewares: tuple[str, ...]
    unaskable: str = ""
    to_https: bool = False

    @property
    def host(self) -> str:
        """A host that it answers."""
        return self.hosts[0] if self.hosts else ANY_HOST

    def __str__(self) -> str:
        return f"{self.ref} {self.rule}"

    def entrances(self, points: EntryPoints) -> list[Entrance]:
        """Where visitors reach it: not where the entry point, or its chain, sends everybody on. May be none."""
        found = [
            Entrance(name, self.tls or points[name].tls)
            for name in self.entry_points
            if name in points and not points[name].redirects
        ]
        by_https = [entrance for entrance in found if entrance.https]
        return by_https if self.to_https and by_https else found

    def not_reached(self, points: EntryPoints) -> str:
        """Why no visitor reaches it, empty when one does."""
        if self.entrances(points):
            return ""
        unknown = [name for name in self.entry_points if name not in points]
        if unknown or not self.entry_points:
            return f"Traefik has no entry point {', '.join(unknown) or 'for it'}"
        told = "; ".join(f"{name} sends everybody to {points[name].redirects}" for name in self.entry_points)
        return f"{told}, where it is not served"

    def chain_at(self, entry_point: str, points: EntryPoints, chains: Mapping[str, Object]) -> tuple[str, ...]:
        """The middlewares that a request meets there, in their order."""
        return (*resolved(points[entry_point].middlewares, chains), *self.middlewares)


def served_routes(items: Iterable[Object], middlewares: Sequence[Object], defaults: Sequence[str]) -> list[ServedRoute]:
    """The routes of objects that Traefik serves. ``defaults`` are the entry points of those that name none."""
    chains = inner_chains(middlewares)
    to_https = {qualified_name(each) for each in middlewares if _sends_to_https(each)}
    found: list[ServedRoute] = []
    for item in items:
        parts = _of_ingress(item) if item["kind"] == "Ingress" else _of_ingress_route(item)
        for rule, hosts, path, names, unaskable in parts:
            through = tuple(resolved(names, chains))
            entry_points = entry_points_named(item) or list(defaults)
            found.append(
                ServedRoute(
                    ref=ref_of(item),
                    rule=rule,
                    hosts=hosts,
                    path=path,
                    entry_points=tuple(dict.fromkeys(name.lower() for name in entry_points)),
                    tls=_has_tls(item),
                    middlewares=through,
                    unaskable=unaskable,
                    to_https=bool(to_https & set(through)),
                )
            )
    return found


def inner_chains(middlewares: Iterable[Object]) -> dict[str, Object]:
    """The middlewares that hold others, by qualified name."""
    return {qualified_name(each): each for each in middlewares if (each.get("spec") or {}).get("chain")}


def resolved(names: Iterable[str], chains: Mapping[str, Object]) -> Iterator[str]:
    """The names, each chain's replaced by what it holds; a chain within itself is left out."""
    for name in names:
        yield from _resolved(name, chains, frozenset())


def _resolved(name: str, chains: Mapping[str, Object], seen: frozenset[str]) -> Iterator[str]:
    if name not in chains or name in seen:
        yield name
        return
    middleware = chains[name]
    inner = (middleware["spec"]["chain"] or {}).get("middlewares") or []
    for each in chain.from_references(inner, middleware["metadata"]["namespace"]):
        yield from _resolved(each, chains, seen | {name})


_Part = tuple[str, tuple[str, ...], str, list[str], str]


def _of_ingress(item: Object) -> Iterator[_Part]:
    spec = item.get("spec") or {}
    names = chain.from_text(_annotation(item, CHAIN_ANNOTATION))
    for rule in spec.get("rules") or []:
        host = str(rule.get("host") or "").lower()
        pattern = "its host is a pattern" if "*" in host else ""
        for path in (rule.get("http") or {}).get("paths") or [{}]:
            where = str(path.get("path") or "/")
            yield f"{host}{where}", (host,) if host and not pattern else (), where, names, pattern
    if spec.get("defaultBackend") and not spec.get("rules"):
        yield "(default backend)", (), "/", names, ""


def _of_ingress_route(item: Object) -> Iterator[_Part]:
    namespace = item["metadata"]["namespace"]
    for route in (item.get("spec") or {}).get("routes") or []:
        names = chain.from_references(route.get("middlewares") or [], namespace)
        for service in route.get("services") or []:
            names += chain.from_references(service.get("middlewares") or [], namespace)
        match = str(route.get("match") or "")
        taken = plain_requests(match)
        yield match, taken.hosts, taken.path, names, taken.unaskable


def entry_points_named(item: Object) -> list[str]:
    """Return the entry points that an Ingress or IngressRoute names, none where it leaves that to the defaults."""
    if item["kind"] == "Ingress":
        return chain.from_text(_annotation(item, f"{ROUTER_ANNOTATION}entrypoints"))
    return [str(name) for name in (item.get("spec") or {}).get("entryPoints") or []]


def _has_tls(item: Object) -> bool:
    if item["kind"] == "Ingress":
        return annotated_with_tls(item["metadata"].get("annotations") or {})
    return (item.get("spec") or {}).get("tls") is not None


def annotated_with_tls(annotations: Mapping[str, Any]) -> bool:
    """Return whether these annotations of an Ingress give its routers TLS: ``router.tls``, or one of its settings.

    Traefik makes the router's TLS of ``router.tls.certresolver`` alone, too. What ``spec.tls`` names are certificates.
    """
    if str(annotations.get(f"{ROUTER_ANNOTATION}tls") or "").lower() in ("true", "1", "t"):
        return True
    return any(name.startswith(f"{ROUTER_ANNOTATION}tls.") for name in annotations)


def _annotation(item: Object, name: str) -> str:
    return str((item["metadata"].get("annotations") or {}).get(name) or "")


def _sends_to_https(middleware: Object) -> bool:
    return str(((middleware.get("spec") or {}).get("redirectScheme") or {}).get("scheme", "")).lower() == "https"
