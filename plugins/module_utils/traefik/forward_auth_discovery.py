# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which proxies a cluster needs where nobody named any: by the ForwardAuth middlewares that its routes use.

A role's defaults name what most people have (authentik by its path, a bot blocker by its name). Where that is not
there, there is nothing to protect by it; where routes ask another service of a known kind, a proxy belongs before that
one too. Whatever routes ask and no proxy will stand before is named.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_kinds import (
    AUTH,
    BY_NAME,
    GENERIC_ALLOW,
    GENERIC_AUTH,
    KINDS,
    Kind,
    kind_of,
    settings_for,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish, wishes_from
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import qualified_name

# What the roles' defaults look for. Whoever gives another one means it, and is told where it is not there.
USUAL_PATH = "/outpost.goauthentik.io/auth/traefik"
USUAL_NAME = "ai-bot-block"
USUAL_OPEN_PATHS = ["/outpost.goauthentik.io/"]
_CHOOSING = ("middleware", "target", "path")

Place = tuple[str, str]


@dataclass
class Discovered:
    """``entries`` are the proxies, as the list of them in a role is given; ``exactly`` are the middlewares that are to
    ask them, by the proxy's name, where they were found here.

    ``absent`` says what is not there and left out, ``unknown`` which middlewares of routes ask a service that no proxy
    will stand before.
    """

    entries: list[Mapping[str, Any]] = field(default_factory=list)
    exactly: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def wishes(self, settings: Mapping[str, Any]) -> list[Wish]:
        """Return the wishes of the entries with the role's settings."""
        return [replace(wish, exactly=self.exactly.get(wish.name, ())) for wish in wishes_from(settings, self.entries)]


@dataclass(frozen=True)
class _Asked:
    """A ForwardAuth middleware that routes use. ``service`` is asked in the end, ``proxy`` is ours before it."""

    middleware: Object
    service: Object | None
    proxy: Object | None
    kind: Kind | None
    target: tuple[str, ...]

    @property
    def place(self) -> Place:
        """Return its namespace and name."""
        return self.middleware["metadata"]["namespace"], self.middleware["metadata"]["name"]

    @property
    def shown(self) -> str:
        """Return it for people, without a password of its address."""
        return f"Middleware {'/'.join(self.place)} asks {forward_auth.asked_by(self.middleware).shown}"


def discover(
    role: str,
    entries: Sequence[Mapping[str, Any]],
    wishes: Sequence[Wish],
    found: Found,
    cluster_domain: str,
    left_alone: Collection[str] = (),
) -> Discovered:
    """Return the proxies of ``role`` (auth or bot_block): those given that can be, and those that routes need besides.

    An entry is dropped where it means the usual middleware and there is none. Only where no entry chooses a middleware
    are others found. ``left_alone`` are middlewares, as namespace/name, that may ask without a proxy.
    """
    result = Discovered()
    used = [each for each in _used(found, cluster_domain) if "/".join(each.place) not in left_alone]
    claimed = set[Place]()
    for entry, wish in zip(entries, wishes, strict=True):
        matching = _matching(wish, found)
        if not _is_usual(wish):
            claimed |= {_place(each) for each in matching}
        elif not matching:
            result.absent.append(_absence(wish))
            continue
        else:
            asked = _of_one_target(matching, used, found)
            if asked:
                result.exactly[wish.name] = asked
            elif all("/".join(_place(each)) in left_alone for each in matching):
                continue
            claimed |= set(asked)
        result.entries.append(_of_its_kind(role, entry, wish, matching, found, cluster_domain))
    finds = bool(entries) and all(map(_is_usual, wishes))
    free = [each for each in used if each.place not in claimed]
    if finds:
        _find_others(role, wishes[0], free, found, cluster_domain, result)
    result.unknown = list(_unprotected(role, free, finds, found))
    return result


def kind_faults(role: str, wishes: Sequence[Wish]) -> list[tuple[str, str]]:
    """Return what is wrong with the kinds that entries name: each belongs to one of the two roles."""
    return [
        (
            "proxies",
            f"{wish.name} is of kind {wish.given['kind']}, which is for the other role; here there are "
            f"{', '.join(kind.name for kind in BY_NAME.values() if kind.role == role)}",
        )
        for wish in wishes
        if (kind := BY_NAME.get(str(wish.given.get("kind") or ""))) is not None and kind.role != role
    ]


def _is_usual(wish: Wish) -> bool:
    """Whether a wish means what the defaults look for, and nothing that somebody chose."""
    if wish.own & set(_CHOOSING) or wish.given.get("target"):
        return False
    middleware, path = wish.given.get("middleware") or {}, str(wish.given.get("path") or "")
    return (middleware, path) in (({}, USUAL_PATH), ({"name": USUAL_NAME}, ""))


def _matching(wish: Wish, found: Found) -> list[Object]:
    """Return the middlewares that a wish may mean. What only has the usual name and asks nobody is not meant."""
    given = wish.given.get("middleware") or {}
    matching = forward_auth.chosen(
        found.middlewares,
        str(given.get("namespace") or ""),
        str(given.get("name") or ""),
        str(wish.given.get("path") or ""),
    )
    return [each for each in matching if forward_auth.is_forward_auth(each)] if _is_usual(wish) else matching


def _absence(wish: Wish) -> str:
    name = (wish.given.get("middleware") or {}).get("name")
    what = f"is called {name}" if name else f"asks {wish.given.get('path')}"
    return (
        f"no ForwardAuth middleware {what}, so {wish.name} is left out; another one is named with the option middleware"
    )


def _of_one_target(matching: Sequence[Object], used: Sequence[_Asked], found: Found) -> tuple[Place, ...]:
    """Return those of several that routes use and that ask the same as the first, the one beside Traefik first."""
    places = {_place(each) for each in matching}
    ordered = sorted(used, key=lambda each: each.place[0] != found.traefik_namespace)
    asked = [each for each in ordered if each.place in places]
    return tuple(each.place for each in asked if each.target == asked[0].target)


def _of_its_kind(
    role: str, entry: Mapping[str, Any], wish: Wish, matching: Sequence[Object], found: Found, cluster_domain: str
) -> Mapping[str, Any]:
    """Return an entry of the role auth with what its middleware's kind asks for, where nobody said otherwise.

    The role's own settings are made for authentik: before another service they would let identity headers through.
    """
    meant = forward_auth.preferred(
        [each for each in matching if forward_auth.is_forward_auth(each)], found.traefik_namespace, found.used
    )
    if role != AUTH or not meant:
        return entry
    asked = _asked(meant[0], found, cluster_domain)
    kind = BY_NAME.get(str(wish.given.get("kind") or "")) or asked.kind
    settings = dict(settings_for(kind, meant[0]))
    usual = {"identity_headers": list(KINDS[0].identity), "open_paths": USUAL_OPEN_PATHS, "authentik": True}
    settings = {key: value for key, value in settings.items() if wish.given.get(key, usual.get(key)) == usual.get(key)}
    if "path" not in entry and wish.given.get("path") == USUAL_PATH:
        settings["path"] = forward_auth.asked_by(meant[0]).path or "/"
    return {**settings, **entry}


def _find_others(
    role: str, like: Wish, free: Sequence[_Asked], found: Found, cluster_domain: str, result: Discovered
) -> None:
    """Add an entry for each target of the role's kinds among those that no entry claims.

    One that cannot be protected as it is is left out with the reason: what is wrong there is no reason to leave the
    others as they are.
    """
    by_target: dict[tuple[str, ...], list[_Asked]] = {}
    for asked in free:
        if asked.kind is not None and asked.kind.role == role and _may_keep(role, asked):
            by_target.setdefault(asked.target, []).append(asked)
    names = [str(entry.get("name", "")) for entry in result.entries]
    for group in by_target.values():
        # What asks by http first: whoever is first says which port the proxy asks.
        group.sort(key=lambda each: (forward_auth.asked_by(each.middleware).scheme != "http", each.place))
        kind = group[0].kind
        if kind is None:
            continue
        name = _name_of(f"{like.name}-{kind.name.replace('_', '-')}", like.namespace, group, names)
        path = forward_auth.asked_by(group[0].middleware).path or "/"
        entry: dict[str, Any] = {"name": name, "path": path, "middleware": {}, **kind.settings}
        if role == AUTH:
            entry["users_secret"] = f"{name}-users"
        places = tuple(each.place for each in group)
        wish = replace(like, given={**like.given, **entry}, exactly=places)
        faults = situation(wish, found, cluster_domain).faults
        if faults:
            words = "; ".join(words.rstrip(".") for _option, words in faults)
            result.absent.append(f"{group[0].shown}: no proxy will stand before it, because {words}")
            continue
        names.append(name)
        result.entries.append(entry)
        result.exactly[name] = places


def _may_keep(role: str, asked: _Asked) -> bool:
    """Whether no proxy of the other role stands before it: that would turn a login into one that lets everybody in."""
    return asked.proxy is None or forward_auth.role_of(asked.proxy) in ("", role)


def _name_of(wanted: str, namespace: str, group: Sequence[_Asked], taken: Collection[str]) -> str:
    """Return the name of the proxy that stands there already, else one that is free."""
    stands = [
        each.proxy["metadata"]["name"]
        for each in group
        if each.proxy is not None and each.proxy["metadata"].get("namespace") == namespace
    ]
    for name in (*stands, wanted, *(f"{wanted}-{number}" for number in range(2, 1000))):
        if name not in taken:
            return str(name)
    return wanted


def _unprotected(role: str, free: Sequence[_Asked], finds: bool, found: Found) -> Iterator[str]:
    """Yield a sentence for each middleware of routes that no proxy will stand before unless somebody names it."""
    for asked in free:
        if asked.proxy is not None:
            continue
        if asked.kind is None and role == AUTH:
            yield (
                f"{asked.shown}, a service of no known kind: no proxy stands before it unless an entry here or in "
                f"bot_block_proxy_proxies names it, {_entry_for(asked, GENERIC_AUTH)} for a login or kind "
                f"{GENERIC_ALLOW} for what may let everybody in while it is away (it guards {_hosts(asked, found)})"
            )
        elif asked.kind is not None and asked.kind.role == role and not finds:
            yield (
                f"{asked.shown}, a service of kind {asked.kind.name}: no proxy stands before it, because the proxies "
                f"are named here and it is not among them; its entry would be {_entry_for(asked, asked.kind.name)} "
                f"(it guards {_hosts(asked, found)})"
            )


def _entry_for(asked: _Asked, kind: str) -> str:
    namespace, name = asked.place
    return json.dumps(
        {"name": f"proxy-{name}"[:40], "kind": kind, "middleware": {"namespace": namespace, "name": name}}
    )


def _hosts(asked: _Asked, found: Found) -> str:
    hosts = routing.hosts_behind(found.routes, qualified_name(asked.middleware))[0]
    return f"{', '.join(hosts[:5]) or 'routes without a host'}{' and more' * (len(hosts) > 5)}"


def _used(found: Found, cluster_domain: str) -> list[_Asked]:
    """Return the ForwardAuth middlewares that routes use, by namespace and name."""
    used = found.used
    return [
        _asked(each, found, cluster_domain)
        for each in sorted(found.middlewares, key=_place)
        if forward_auth.is_forward_auth(each) and qualified_name(each) in used
    ]


def _asked(middleware: Object, found: Found, cluster_domain: str) -> _Asked:
    proxy = found.service_behind(middleware, cluster_domain)
    place = found.asked_in_the_end(middleware, cluster_domain) or ("", "")
    service = found.services.get(place)
    workloads = [item for (namespace, _name), item in found.workloads.items() if namespace == place[0]]
    images = forward_auth.images_behind(service, workloads) if service else []
    return _Asked(
        middleware,
        service,
        proxy if is_ours(proxy) else None,
        kind_of(middleware, service, images),
        found.asked(middleware, cluster_domain),
    )


def _place(item: Object) -> Place:
    return item["metadata"]["namespace"], item["metadata"]["name"]
