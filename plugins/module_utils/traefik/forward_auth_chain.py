# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other middlewares in the chains of routes do to the fallback of a proxy. Pure.

Read in Traefik's source, middlewares/customerrors and middlewares/auth: ``errors`` drops headers and body of an answer
whose status is in its ranges and sends a page in their place, with the same status. So a 401 comes without its
challenge, and no browser asks for a login; a 503 stays one. ``basicAuth`` and ``digestAuth`` judge by Authorization,
and a client sends one login.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_headers import LOGIN
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_routes import Route
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import PROVIDER, qualified_name

ALLOW, BASIC, DENY = "allow", "basic", "deny"
_STATUS = {BASIC: 401, DENY: 503}
_LOGINS = ("basicAuth", "digestAuth")
# Kinds that neither swallow an answer nor take a login. What is in a chain of its own has been put in its place.
_HARMLESS = frozenset(
    (
        *("addPrefix", "buffering", "chain", "circuitBreaker", "compress", "contentType", "encodedCharacters"),
        *("forwardAuth", "grpcWeb", "headers", "inFlightReq", "ipAllowList", "ipWhiteList", "passTLSClientCert"),
        *("rateLimit", "redirectRegex", "redirectScheme", "replacePath", "replacePathRegex", "retry"),
        *("stripPrefix", "stripPrefixRegex"),
    )
)
# Routes and hosts that a sentence names.
_NAMED = 3


def faults_of(wish: Wish, found: Found, middleware: Object) -> Iterator[tuple[str, str]]:
    """Middlewares by which the emergency login cannot work, as (option, words)."""
    own = qualified_name(middleware)
    routes = _routes(wish, found, own, BASIC)
    for each in found.middlewares:
        name, spec = qualified_name(each), each.get("spec") or {}
        before = [route for route in routes if name in _before(route, own)]
        swallowing = _ranges_with(spec, _STATUS[BASIC])
        if before and swallowing:
            yield (
                "fallback_policies",
                f"{_shown(each)} (errors) stands before {_shown(middleware)} in {_told(before)}, and its status "
                f"{', '.join(swallowing)} takes the 401 of the emergency login: its page would come without the "
                f"challenge, and nobody could log in. {_otherwise(wish, before)}; or take 401 out of its status, and "
                "have the login service lead to its login by a redirect of its own",
            )
        if before and _sets_login(spec):
            yield (
                "fallback_policies",
                f"{_shown(each)} (headers) sets {LOGIN} before {_shown(middleware)} in {_told(before)}, so no "
                f"emergency login reaches the proxy. {_otherwise(wish, before)}; or put it behind {_shown(middleware)}",
            )
        beside = [route for route in routes if name in route.middlewares]
        login = next((kind for kind in _LOGINS if kind in spec), "")
        if beside and login:
            yield (
                "fallback_policies",
                f"{_shown(each)} ({login}) asks for a login of its own in {_told(beside)}, beside "
                f"{_shown(middleware)}: a client sends one {LOGIN}, so the emergency login could never be given. "
                f"{_otherwise(wish, beside)}; or take {_shown(each)} out of the route",
            )


def warnings_of(wish: Wish, found: Found, middleware: Object) -> Iterator[str]:
    """What takes a refusal's place with a page, and what may do anything."""
    own, known = qualified_name(middleware), {qualified_name(each): each for each in found.middlewares}
    denied = _routes(wish, found, own, DENY)
    for name, routes in _by_name(denied, own):
        swallowing = _ranges_with(known[name].get("spec") or {}, _STATUS[DENY]) if name in known else []
        if swallowing:
            yield (
                f"{_shown(known[name])} (errors) shows its page for {', '.join(swallowing)} in place of the 503 by "
                f"which the fallback denies, in {_told(routes)}: nobody is let in, and Retry-After is lost"
            )
    for name, routes in _by_name(_routes(wish, found, own, BASIC, DENY), own):
        what = _of_unknown_kind(name, known)
        if what:
            yield (
                f"{what} stands before {_shown(middleware)} in {_told(routes)}: whether it lets the fallback's answers "
                f"(401 with a challenge, 503) and {LOGIN} through is not known here; a drill tells"
            )


def _routes(wish: Wish, found: Found, own: str, *answers: str) -> list[Route]:
    """The routes with the middleware that the fallback may answer so."""
    asking = [route for route in found.routes_that_ask(wish) if own in route.middlewares]
    return [route for route in asking if _answers(wish, route) & set(answers)]


def _answers(wish: Wish, route: Route) -> set[str]:
    given = {wish.fallback_of(host) for host in route.hosts}
    return given | ({wish.fallback_of("")} if route.pattern or not route.hosts else set())


def _before(route: Route, own: str) -> tuple[str, ...]:
    return route.middlewares[: route.middlewares.index(own)]


def _by_name(routes: Sequence[Route], own: str) -> list[tuple[str, list[Route]]]:
    """What stands before the middleware, each with the routes where it does."""
    found: dict[str, list[Route]] = {}
    for route in routes:
        for name in dict.fromkeys(_before(route, own)):
            found.setdefault(name, []).append(route)
    return list(found.items())


def _ranges_with(spec: Mapping[str, object], status: int) -> list[str]:
    """The ranges of an ``errors`` that have the status, as they are written."""
    errors = spec.get("errors")
    given = errors.get("status") if isinstance(errors, Mapping) else []
    return [str(each) for each in given or [] if _covers(str(each), status)]


def _covers(block: str, status: int) -> bool:
    low, _dash, high = block.partition("-")
    numbers = low.strip(), (high or low).strip()
    return all(each.isdigit() for each in numbers) and int(numbers[0]) <= status <= int(numbers[1])


def _sets_login(spec: Mapping[str, object]) -> bool:
    headers = spec.get("headers")
    given = headers.get("customRequestHeaders") if isinstance(headers, Mapping) else None
    return LOGIN.lower() in {str(name).lower() for name in given or {}}


def _of_unknown_kind(name: str, known: Mapping[str, Object]) -> str:
    """What nothing is known of here, in words; empty for the others. One that is not there leaves its router out."""
    if name not in known:
        return "" if name.endswith(f"@{PROVIDER}") else f"Middleware {name}, of another provider,"
    kinds = sorted((known[name].get("spec") or {}).keys() - _HARMLESS - {*_LOGINS, "errors"})
    return f"{_shown(known[name])} ({', '.join(kinds)})" if kinds else ""


def _otherwise(wish: Wish, routes: Iterable[Route]) -> str:
    """The remedy by the fallback itself."""
    hosts = sorted({host for route in routes for host in route.hosts if wish.fallback_of(host) == BASIC})
    shown = ", ".join(f"{host}: {DENY}" for host in hosts[:_NAMED]) + (", ..." if hosts[_NAMED:] else "")
    policy = f"Set fallback_policies: {{{shown}}}" if hosts else f"Set fallback_policy: {DENY}"
    return f"{policy}, or {ALLOW}; sessions go on by session_grace all the same"


def _told(routes: Sequence[Route]) -> str:
    names = list(dict.fromkeys(route.name for route in routes if route.name))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{'route' if len(names) == 1 else 'routes'} {', '.join(names[:_NAMED])}{more}"


def _shown(middleware: Object) -> str:
    return f"Middleware {middleware['metadata']['namespace']}/{middleware['metadata']['name']}"
