# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which proxies a cluster needs where nobody named any: by the ForwardAuth middlewares that its routes use.

A role's defaults name what most people have (authentik by its path, a bot blocker by its name). Where that is not
there, there is nothing to protect by it; where routes ask another service of a known kind, a proxy belongs before that
one too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_kinds import AUTH, Kind, kind_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name

# What the roles' defaults look for. Whoever gives another one means it, and is told where it is not there.
USUAL_PATH = "/outpost.goauthentik.io/auth/traefik"
USUAL_NAME = "ai-bot-block"
_CHOOSING = ("middleware", "target", "path")


@dataclass
class Discovered:
    """``entries`` are the proxies, as the list of them in a role is given. ``absent`` says what is not there and
    left out, ``unknown`` which middlewares of routes ask a service of no known kind.
    """

    entries: list[Mapping[str, Any]] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def discover(
    role: str, entries: Sequence[Mapping[str, Any]], wishes: Sequence[Wish], found: Found, cluster_domain: str
) -> Discovered:
    """Return the proxies of ``role`` (auth or bot_block): those given that can be, and those that routes need besides.

    An entry is dropped where it means the usual middleware and there is none. Only where no entry chooses a middleware
    are others found.
    """
    result = Discovered()
    for entry, wish in zip(entries, wishes, strict=True):
        if _is_usual(wish) and not _matching(wish, found):
            result.absent.append(_absence(wish))
        else:
            result.entries.append(entry)
    result.unknown = list(_unknown(wishes, found, cluster_domain)) if role == AUTH else []
    if entries and all(map(_is_usual, wishes)):
        taken = {qualified_name(each) for wish in wishes for each in _matching(wish, found)}
        result.entries += _others(role, str(entries[0].get("name", "")), taken, found, cluster_domain)
    return result


def _unknown(wishes: Sequence[Wish], found: Found, cluster_domain: str) -> Iterator[str]:
    """Yield a sentence for each middleware of routes that no proxy will stand before unless somebody names it."""
    wished = {qualified_name(each) for wish in wishes for each in _matching(wish, found)}
    for middleware, service in _used(found, cluster_domain):
        name = qualified_name(middleware)
        if name in wished or kind_of(middleware, service):
            continue
        hosts = routing.hosts_behind(found.routes, name)[0]
        yield (
            f"Middleware {_place(middleware)} asks {forward_auth.asked_by(middleware).shown}, a service of no known "
            "kind: no proxy stands before it unless an entry here or in bot_block_proxy_proxies names it (it guards "
            f"{', '.join(hosts[:5]) or 'routes without a host'}{' and more' * (len(hosts) > 5)})"
        )


def _is_usual(wish: Wish) -> bool:
    """Whether a wish means what the defaults look for, and nothing that somebody chose."""
    if wish.own & set(_CHOOSING) or wish.given.get("target"):
        return False
    middleware, path = wish.given.get("middleware") or {}, str(wish.given.get("path") or "")
    return (middleware, path) in (({}, USUAL_PATH), ({"name": USUAL_NAME}, ""))


def _matching(wish: Wish, found: Found) -> list[Object]:
    given = wish.given.get("middleware") or {}
    return forward_auth.chosen(
        found.middlewares,
        str(given.get("namespace") or ""),
        str(given.get("name") or ""),
        str(wish.given.get("path") or ""),
    )


def _absence(wish: Wish) -> str:
    name = (wish.given.get("middleware") or {}).get("name")
    what = f"is called {name}" if name else f"asks {wish.given.get('path')}"
    return (
        f"no ForwardAuth middleware {what}, so {wish.name} is left out; another one is named with the option middleware"
    )


def _others(role: str, prefix: str, taken: set[str], found: Found, cluster_domain: str) -> list[Mapping[str, Any]]:
    """Return an entry for each target of the role's kinds that routes ask beside those taken."""
    by_target: dict[object, list[tuple[Object, Kind]]] = {}
    for middleware, service in _used(found, cluster_domain):
        kind = kind_of(middleware, service)
        if kind is not None and kind.role == role and qualified_name(middleware) not in taken:
            by_target.setdefault(_target(middleware, service), []).append((middleware, kind))
    entries: dict[str, Mapping[str, Any]] = {}
    paths = [forward_auth.asked_by(each[0][0]).path for each in by_target.values()]
    for copies in by_target.values():
        middleware, kind = copies[0]
        name = _free_name(f"{prefix}-{kind.name}", entries)
        path = forward_auth.asked_by(middleware).path or "/"
        entry = {"name": name, "path": path, "middleware": {}, **kind.settings}
        if paths.count(path) > 1:
            metadata = middleware["metadata"]
            entry["middleware"] = {"namespace": metadata["namespace"], "name": metadata["name"]}
        if role == AUTH:
            entry["users_secret"] = f"{name}-users"
        entries[name] = entry
    return list(entries.values())


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    return next(each for each in (name, *(f"{name}-{number}" for number in range(2, 1000))) if each not in taken)


def _target(middleware: Object, service: Object | None) -> object:
    """Return whom a middleware asks in the end, as far as it can be told."""
    address = forward_auth.asked_by(middleware)
    return (_place(service), address.path, address.query) if service else address.url


def _used(found: Found, cluster_domain: str) -> list[tuple[Object, Object | None]]:
    """Return the ForwardAuth middlewares that routes use, by name, each with the Service that is asked in the end."""
    used = found.used
    return [
        (each, found.services.get(found.asked_in_the_end(each, cluster_domain) or ("", "")))
        for each in sorted(found.middlewares, key=_place)
        if forward_auth.is_forward_auth(each) and qualified_name(each) in used
    ]


def _place(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"
