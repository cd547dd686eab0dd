# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routers that Traefik makes of its objects and entry points, and those that a replica reports. No I/O.

Read in Traefik's source, 3.7.13: pkg/provider/kubernetes/ingress and crd, pkg/server/aggregator.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain, rules
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import EntryPoints
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import (
    CHAIN_ANNOTATION,
    PROVIDER,
    ROUTER_ANNOTATION,
    normalized,
    router_id,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import annotated_with_tls

INGRESS_PROVIDER, INTERNAL_PROVIDER = "kubernetes", "internal"
# A router's priority when an Ingress is a default backend, and that of an entry point's redirection (64 bits).
_LOWEST, _HIGHEST = -(2**31), 2**63 - 2
_STRICT = "providers.kubernetesingress.strictprefixmatching"


@dataclass(frozen=True)
class ServiceRef:
    """What a router hands requests to: a ``Service``, or a ``TraefikService``, which leads to others.

    ``port`` is a number or a name. ``options`` is the entry of the route: serversTransport, sticky, scheme, nativeLB.
    """

    kind: str
    namespace: str
    name: str
    port: int | str | None = None
    options: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        port = f" port {self.port}" if self.port else ""
        return f"{self.kind} {self.namespace}/{self.name}{port}" if "@" not in self.name else self.name


@dataclass(frozen=True)
class Router:
    """One router. ``name`` is Traefik's own, with ``@provider``; ``priority`` is the one that counts.

    ``middlewares`` are qualified names, those of the entry point not included. ``ref`` is the object it comes from, and
    ``services`` what that names. ``problem`` says why Traefik leaves it out, as far as the rule and a replica tell.
    """

    name: str
    rule: str
    syntax: str
    priority: int
    entry_points: tuple[str, ...]
    tls: bool
    middlewares: tuple[str, ...] = ()
    ref: ObjectRef | None = None
    services: tuple[ServiceRef, ...] = ()
    service: str = ""
    problem: str = ""

    @property
    def provider(self) -> str:
        """The provider that made it."""
        return self.name.rpartition("@")[2]

    def __str__(self) -> str:
        return f"router {self.name}"


@dataclass(frozen=True)
class Settings:
    """Of Traefik's static settings what makes routers: by lower-case flag name, and its version where it is known."""

    arguments: Mapping[str, str]
    version: str = ""

    @property
    def syntax(self) -> str:
        """The rule syntax of routers that name none."""
        named = self.arguments.get("core.defaultrulesyntax", "").lower()
        return rules.V2 if self.version.startswith("2.") or named == rules.V2 else rules.V3


def routers_of(items: Iterable[Object], settings: Settings, defaults: Sequence[str]) -> list[Router]:
    """Return the routers of objects that Traefik serves. ``defaults`` are the entry points of those that name none."""
    found: list[Router] = []
    for item in items:
        made = _of_ingress(item, settings) if item["kind"] == "Ingress" else _of_ingress_route(item, settings)
        found += [each if each.entry_points else replace(each, entry_points=tuple(defaults)) for each in made]
    return found


def redirections(points: EntryPoints, arguments: Mapping[str, str]) -> list[Router]:
    """Return the routers by which entry points send everybody on."""
    found = []
    for point in points.values():
        if point.redirects:
            given = arguments.get(f"entrypoints.{point.name}.http.redirections.entrypoint.priority", "")
            bypass = arguments.get(f"entrypoints.{point.name}.allowacmebypass", "").lower() == "true"
            rule = "HostRegexp(`^.+$`)" + (" && !PathPrefix(`/.well-known/acme-challenge/`)" if bypass else "")
            name = normalized(f"{point.name}-to-{point.redirects}")
            priority = int(given) if re.fullmatch(r"-?\d+", given) and int(given) else _HIGHEST
            found.append(Router(f"{name}@{INTERNAL_PROVIDER}", rule, rules.V3, priority, (point.name,), False))
    return found


def reported(routers: Iterable[Mapping[str, Any]], settings: Settings) -> list[Router]:
    """Return the HTTP routers that a replica's API reports, as it has loaded them."""
    found = []
    for each in routers:
        if each.get("protocol", "http") != "http":
            continue
        errors = each.get("error") or []
        listed = [errors] if isinstance(errors, str) else [str(error) for error in errors]
        disabled = each.get("status") == "disabled"
        given = str(each.get("ruleSyntax") or "")
        found.append(
            Router(
                name=str(each.get("name", "")),
                rule=str(each.get("rule", "")),
                syntax=given if given in (rules.V2, rules.V3) else settings.syntax,
                priority=int(each.get("priority") or 0) or len(str(each.get("rule", "")).encode()),
                entry_points=tuple(each.get("entryPoints") or ()),
                tls=each.get("tls") is not None,
                middlewares=tuple(each.get("middlewares") or ()),
                service=str(each.get("service", "")),
                problem=("; ".join(listed) or "it is disabled") if disabled else "",
            )
        )
    return found


def same_name(reported_name: str, name: str, entry_points: Iterable[str]) -> bool:
    """Return whether a reported router is that one: an entry point with settings of its own makes a copy of it."""
    return reported_name in (name, *(f"{point}-{name}" for point in entry_points))


def _of_ingress(item: Object, settings: Settings) -> Iterator[Router]:
    spec, meta = item.get("spec") or {}, item["metadata"]
    annotations = meta.get("annotations") or {}
    given = str(annotations.get(f"{ROUTER_ANNOTATION}priority") or "")
    syntax = str(annotations.get(f"{ROUTER_ANNOTATION}rulesyntax") or "") or settings.syntax
    common = Router(
        name="",
        rule="",
        syntax=syntax if syntax in (rules.V2, rules.V3) else rules.V3,
        priority=int(given) if re.fullmatch(r"-?\d+", given) else 0,
        entry_points=_names(chain.from_text(annotations.get(f"{ROUTER_ANNOTATION}entrypoints"))),
        tls=annotated_with_tls(annotations),
        middlewares=tuple(chain.from_text(annotations.get(CHAIN_ANNOTATION))),
        ref=ref_of(item),
    )
    if spec.get("defaultBackend") and not spec.get("rules"):
        yield replace(
            common,
            name=f"default-router@{INGRESS_PROVIDER}",
            rule='PathPrefix("/")',
            syntax=rules.V3,
            priority=_LOWEST,
            services=_ingress_service(spec["defaultBackend"], meta["namespace"]),
        )
    strict = settings.arguments.get(_STRICT, "").lower() == "true"
    matcher = str(annotations.get(f"{ROUTER_ANNOTATION}pathmatcher") or "PathPrefix")
    for rule in spec.get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            text = _ingress_rule(str(rule.get("host") or ""), path, matcher, strict)
            name = normalized(f"{meta['namespace']}-{meta['name']}-{rule.get('host') or ''}{path.get('path') or ''}")
            yield replace(
                common,
                name=f"{name}@{INGRESS_PROVIDER}",
                rule=text,
                priority=common.priority or len(text.encode()),
                services=_ingress_service(path.get("backend") or {}, meta["namespace"]),
            )


def _ingress_rule(host: str, path: Mapping[str, Any], matcher: str, strict: bool) -> str:
    parts = [f'Host("{host}")'] if host else []
    where, kind = str(path.get("path") or ""), path.get("pathType") or "ImplementationSpecific"
    if where:
        used = {"Exact": "Path", "Prefix": "PathPrefix"}.get(str(kind), matcher)
        if strict and used == "PathPrefix" and where != "/":
            bare = where.removesuffix("/")
            parts.append(f'(Path("{bare}") || PathPrefix("{bare}/"))')
        else:
            parts.append(f'{used}("{where}")')
    return " && ".join(parts)


def _ingress_service(backend: Mapping[str, Any], namespace: str) -> tuple[ServiceRef, ...]:
    service = backend.get("service") or {}
    if not service.get("name"):
        return ()
    port = service.get("port") or {}
    return (ServiceRef("Service", namespace, str(service["name"]), port.get("number") or port.get("name")),)


def _of_ingress_route(item: Object, settings: Settings) -> Iterator[Router]:
    spec, meta = item.get("spec") or {}, item["metadata"]
    for route in spec.get("routes") or []:
        match = str(route.get("match") or "")
        syntax = str(route.get("syntax") or "") or settings.syntax
        yield Router(
            name=router_id(meta["namespace"], meta["name"], match),
            rule=match,
            syntax=syntax if syntax in (rules.V2, rules.V3) else rules.V3,
            priority=int(route.get("priority") or 0) or len(match.encode()),
            entry_points=_names(spec.get("entryPoints") or []),
            tls=spec.get("tls") is not None,
            middlewares=tuple(chain.from_references(route.get("middlewares") or [], meta["namespace"])),
            ref=ref_of(item),
            services=tuple(_service(each, meta["namespace"]) for each in route.get("services") or []),
            problem="its rule is empty" if not match else "",
        )


def _service(entry: Mapping[str, Any], namespace: str) -> ServiceRef:
    return ServiceRef(
        kind=str(entry.get("kind") or "Service"),
        namespace=str(entry.get("namespace") or namespace),
        name=str(entry.get("name") or ""),
        port=entry.get("port") or None,
        options=entry,
    )


def service_refs(entries: Iterable[Mapping[str, Any]], namespace: str) -> tuple[ServiceRef, ...]:
    """Return what entries of a route or TraefikService name."""
    return tuple(_service(entry, namespace) for entry in entries if entry.get("name"))


def is_of_crd(router: Router) -> bool:
    """Return whether the router comes from an IngressRoute."""
    return router.provider == PROVIDER


def _names(names: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name).lower() for name in names))
