# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Services, and which of their ports, the routes of Ingresses and IngressRoutes lead to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import Reference, references_of

Read = Callable[[Object], Iterable[Reference]]


class Backend(NamedTuple):
    """A Service and one of its ports by number or name, None where the route names none."""

    namespace: str
    service: str
    port: int | str | None


def backends_of(
    routes: Iterable[Object], traefik_services: Iterable[Object], read: Read = references_of
) -> dict[Backend, list[str]]:
    """The backends, and the names of the routes that lead to each; TraefikServices are followed to theirs.

    ``read`` gives the references of an object, for whoever has read them already.
    """
    known = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in traefik_services}
    found: dict[Backend, list[str]] = {}
    for route in routes:
        backends = _of_ingress(route) if route["kind"] == "Ingress" else _of_route(route, known, set(), read)
        name = str(ref_of(route))
        for backend in dict.fromkeys(backends):
            found.setdefault(backend, []).append(name)
    return found


def needs_traefik_services(routes: Iterable[Object]) -> bool:
    """Whether one of the routes leads to a TraefikService."""
    return any(each.kind == "TraefikService" for route in routes for each in references_of(route))


def _of_ingress(ingress: Object) -> Iterator[Backend]:
    spec = ingress.get("spec") or {}
    backends = [spec.get("defaultBackend") or {}]
    for rule in spec.get("rules") or []:
        backends += [path.get("backend") or {} for path in (rule.get("http") or {}).get("paths") or []]
    for service in (backend.get("service") or {} for backend in backends):
        if service.get("name"):
            port = service.get("port") or {}
            yield Backend(ingress["metadata"]["namespace"], service["name"], port.get("number") or port.get("name"))


def _of_route(
    item: Object, known: Mapping[tuple[str, str], Object], seen: set[tuple[str, str]], read: Read
) -> Iterator[Backend]:
    for each in read(item):
        if each.kind == "Service":
            yield Backend(each.namespace, each.name, _port(each.port))
        elif each.kind == "TraefikService" and (each.namespace, each.name) not in seen:
            # TraefikServices may lead to each other in a circle.
            seen.add((each.namespace, each.name))
            following = known.get((each.namespace, each.name))
            yield from _of_route(following, known, seen, read) if following else ()


def _port(given: Any) -> int | str | None:
    return given if isinstance(given, int | str) and given else None
