# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each middleware of a chain does to a request, in order. No I/O.

Read in Traefik's source, 3.7.13, pkg/middlewares. What cannot be told from the outside (counters of rate limits,
plugins, passwords) is named as that and stops nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain import is_of_crd_provider
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import inner_chains, resolved
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest

FORWARD_AUTH = "forwardAuth"
_PORT = re.compile(r":\d+\Z")
_DEFAULT_PORTS = (("http", "80"), ("https", "443"))
_REFERENCE = re.compile(r"\$(?:{(\w+)}|(\w+))")
Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Passage:
    """A request on its way through the chain. ``proto`` is what X-Forwarded-Proto says at this point."""

    request: SiteRequest
    proto: str


@dataclass(frozen=True)
class Effect:
    """What one middleware does. ``status`` is what it answers this request with, 0 where it lets it pass.

    ``does`` says it in words. ``problem`` says why Traefik leaves out the whole router. ``after`` is the request as it
    goes on. ``may`` are statuses that it answers with under conditions that are not known from the outside.
    """

    name: str
    kind: str
    does: str
    after: Passage
    status: int = 0
    location: str = ""
    may: tuple[int, ...] = ()
    problem: str = ""
    spec: Spec = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        shown = {"name": self.name, "kind": self.kind, "does": self.does, "answers": self.status or None}
        return shown | {"location": self.location, "may_answer": list(self.may), "problem": self.problem}


def follow(
    names: Sequence[str], known: Mapping[str, Object], request: SiteRequest, proto: str, readable: bool = True
) -> list[Effect]:
    """Return what the middlewares of these qualified names do, up to the one that answers itself.

    ``known`` are the Middleware objects by qualified name, all of them where ``readable``.
    """
    effects: list[Effect] = []
    # Traefik decodes what needs no encoding before a middleware sees it.
    query = request.target.partition("?")[2]
    passage = Passage(request.with_target(request.path + (f"?{query}" if query else "")), proto)
    for name in resolved(names, inner_chains(known.values())):
        effect = _effect(name, known.get(name), passage, readable)
        effects.append(effect)
        passage = effect.after
        if effect.status:
            break
    return effects


def _effect(name: str, middleware: Object | None, passage: Passage, readable: bool) -> Effect:
    if middleware is None:
        if is_of_crd_provider(name) and readable:
            return Effect(name, "", "it does not exist", passage, problem=f"middleware {name} does not exist")
        return Effect(
            name, "", "it is not a Middleware object that can be read here: what it does is not known", passage
        )
    spec = middleware.get("spec") or {}
    kinds = [kind for kind in spec if kind in _EFFECTS or spec[kind] is not None]
    if not kinds:
        return Effect(name, "", "it is empty", passage, problem=f"middleware {name} has no content")
    kind = kinds[0]
    given = spec[kind] if isinstance(spec[kind], Mapping) else {}
    blank = Effect(name, kind, "", passage, spec=given)
    work = _EFFECTS.get(kind)
    if work is None:
        return replace(blank, does=f"what a {kind} does is not known here")
    try:
        return work(blank, given, passage)
    except (re.error, ValueError, TypeError) as error:
        return replace(blank, does=f"what it does cannot be told: {error}")


def entry_point_redirection(
    router: str, request: SiteRequest, proto: str, redirection: tuple[str, str, bool]
) -> Effect:
    """Return what an entry point's own redirection does. ``redirection`` is scheme, port and permanence."""
    passage = Passage(request, proto)
    status, to = redirected(passage, *redirection)
    does = f"redirects to {to}" if status else f"answers 418: X-Forwarded-Proto is {proto} already"
    return Effect(router, "redirectScheme", does, passage, status=status or 418, location=to)


def redirected(passage: Passage, scheme: str, port: str, permanent: bool) -> tuple[int, str]:
    """Return status and URL of a redirection to a scheme, 0 where the request has scheme and port already."""
    request = passage.request
    host, _colon, given = request.host.rpartition(":") if _PORT.search(request.host) else (request.host, "", "")
    before = "" if not given or (passage.proto, given) in _DEFAULT_PORTS else f":{given}"
    at_port = "" if not port or (scheme, port) in _DEFAULT_PORTS else f":{port}"
    if passage.proto == scheme and before == at_port:
        return 0, ""
    return _redirect_status(passage, permanent), f"{scheme}://{host}{at_port}{request.target.partition('?')[0]}"


def _redirect_status(passage: Passage, permanent: bool) -> int:
    lasting, passing = (301, 302) if passage.request.method == "GET" else (308, 307)
    return lasting if permanent else passing


def _redirect_scheme(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    scheme = str(spec.get("scheme") or "https").lower()
    status, to = redirected(passage, scheme, str(spec.get("port") or ""), bool(spec.get("permanent")))
    if not status:
        return replace(effect, does=f"lets it pass: X-Forwarded-Proto is {passage.proto} already")
    return replace(
        effect,
        does=f"redirects to {to}, because X-Forwarded-Proto is {passage.proto}",
        status=status,
        location=to,
    )


def _redirect_regex(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    url = f"{passage.proto}://{passage.request.host}{passage.request.target}"
    expression = re.compile(str(spec.get("regex") or ""))
    if not expression.search(url):
        return replace(effect, does="lets it pass: its expression does not take the URL")
    to = _replaced(expression.pattern, str(spec.get("replacement") or ""), url)
    if to == url:
        return replace(effect, does="lets it pass: its replacement is the same URL")
    bare, status = to.partition("?")[0], _redirect_status(passage, bool(spec.get("permanent")))
    return replace(effect, does=f"redirects to {bare}", status=status, location=bare)


def _replaced(expression: str, replacement: str, text: str) -> str:
    """Return what Go's ReplaceAllString makes: ``$1`` and ``${1}`` are groups, and one that is not there is empty."""

    def made(found: re.Match[str]) -> str:
        groups = found.groupdict() | {str(number): found[number] for number in range(len(found.groups()) + 1)}
        return _REFERENCE.sub(lambda named: groups.get(named[1] or named[2]) or "", replacement)

    return re.sub(expression, made, text)


def _rewritten(effect: Effect, passage: Passage, path: str) -> Effect:
    request = passage.request
    query = request.target.partition("?")[2]
    target = (path or "/") + (f"?{query}" if query else "")
    if target == request.target:
        return replace(effect, does="leaves the path as it is")
    after = replace(passage, request=request.with_target(target))
    return replace(effect, does=f"makes the path {path or '/'}", after=after)


def _strip_prefix(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    path = passage.request.path
    for prefix in spec.get("prefixes") or []:
        if path.startswith(prefix):
            rest = path.removeprefix(prefix)
            return _rewritten(effect, passage, rest if rest.startswith("/") else f"/{rest}")
    return replace(effect, does="leaves the path as it is: none of its prefixes is there")


def _strip_prefix_regex(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    path = passage.request.path
    for expression in spec.get("regex") or []:
        found = re.match(str(expression).removeprefix("^"), path)
        if found:
            rest = path[found.end() :]
            return _rewritten(effect, passage, rest if rest.startswith("/") else f"/{rest}")
    return replace(effect, does="leaves the path as it is: no expression takes it")


def _add_prefix(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    return _rewritten(effect, passage, str(spec.get("prefix") or "") + passage.request.path)


def _replace_path(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    return _rewritten(effect, passage, str(spec.get("path") or "/"))


def _replace_path_regex(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    path = passage.request.path
    return _rewritten(
        effect, passage, _replaced(str(spec.get("regex") or ""), str(spec.get("replacement") or ""), path)
    )


def _allow_list(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    status = int(spec.get("rejectStatusCode") or 403)
    ranges = [ipaddress.ip_network(str(each), strict=False) for each in spec.get("sourceRange") or []]
    listed = ", ".join(map(str, ranges)) or "nobody"
    if spec.get("ipStrategy") or not passage.request.client_ip:
        why = "by X-Forwarded-For" if spec.get("ipStrategy") else "client_ip says which address that is"
        does = f"lets {listed} pass and answers {status} to others; {why}"
        return replace(effect, does=does, may=(status,))
    client = ipaddress.ip_address(passage.request.client_ip)
    if any(client in each for each in ranges):
        return replace(effect, does=f"lets {client} pass")
    return replace(effect, does=f"answers {status}: {client} is not in {listed}", status=status)


def _login(effect: Effect, _spec: Spec, passage: Passage) -> Effect:
    if not passage.request.header("Authorization"):
        return replace(effect, does="asks for a login: the request has no header Authorization", status=401)
    return replace(effect, does="compares the login with its users", may=(401,))


def _forward_auth(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    return replace(effect, does=f"asks {spec.get('address') or '(nobody)'}", may=(401, 403, 500))


def _headers(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    names = sorted({*(spec.get("customRequestHeaders") or {}), *(spec.get("customResponseHeaders") or {})})
    request, allowed = passage.request, [str(each).lower() for each in spec.get("allowedHosts") or []]
    # It compares the Host header as it came, port included.
    if allowed and request.host.lower() not in allowed:
        return replace(effect, does=f"answers 500: {request.host} is not among its allowedHosts", status=500)
    preflight = request.method == "OPTIONS" and request.header("Origin")
    if preflight and request.header("Access-Control-Request-Method") and spec.get("accessControlAllowMethods"):
        return replace(effect, does="answers the CORS preflight itself", status=200)
    own = {str(name).lower(): str(value) for name, value in (spec.get("customRequestHeaders") or {}).items()}
    proto = own.get("x-forwarded-proto", "") or passage.proto
    does = f"sets {', '.join(names)}" if names else "sets security headers"
    return replace(effect, does=does, after=replace(passage, proto=proto))


def _rate_limit(effect: Effect, spec: Spec, _passage: Passage) -> Effect:
    average, burst = spec.get("average") or 0, spec.get("burst") or 1
    per = spec.get("period") or "1s"
    return replace(effect, does=f"answers 429 beyond {average} requests in {per} (burst {burst})", may=(429,))


def _in_flight(effect: Effect, spec: Spec, _passage: Passage) -> Effect:
    return replace(effect, does=f"answers 429 beyond {spec.get('amount') or 0} requests at a time", may=(429,))


def _buffering(effect: Effect, spec: Spec, passage: Passage) -> Effect:
    most, size = int(spec.get("maxRequestBodyBytes") or 0), passage.request.body_bytes
    if most and size > most:
        does = f"answers 413: the body has {size} bytes, and maxRequestBodyBytes is {most}"
        return replace(effect, does=does, status=413)
    if passage.request.is_websocket:
        does = "reads the whole answer before it sends it on: a WebSocket cannot be had through it"
        return replace(effect, does=does, may=(500,))
    limit = f"answers 413 beyond {most} bytes" if most else "sets no limit to request bodies"
    return replace(effect, does=f"reads requests and answers whole before it sends them on; {limit}", may=(413,))


def _circuit_breaker(effect: Effect, spec: Spec, _passage: Passage) -> Effect:
    status = int(spec.get("responseCode") or 503)
    return replace(effect, does=f"answers {status} while {spec.get('expression') or 'it is open'}", may=(status,))


def _retry(effect: Effect, spec: Spec, _passage: Passage) -> Effect:
    return replace(effect, does=f"tries up to {spec.get('attempts') or 1} times while no connection is made")


def _errors(effect: Effect, spec: Spec, _passage: Passage) -> Effect:
    listed = ", ".join(map(str, spec.get("status") or []))
    service = (spec.get("service") or {}).get("name") or "(none)"
    return replace(effect, does=f"takes the page for status {listed} from Service {service}")


def _plain(words: str) -> Callable[[Effect, Spec, Passage], Effect]:
    return lambda effect, _spec, _passage: replace(effect, does=words)


_EFFECTS: dict[str, Callable[[Effect, Spec, Passage], Effect]] = {
    "addPrefix": _add_prefix,
    "basicAuth": _login,
    "buffering": _buffering,
    "circuitBreaker": _circuit_breaker,
    "compress": _plain("compresses answers"),
    "contentType": _plain("sets the Content-Type where the backend sets none"),
    "digestAuth": _login,
    "encodedCharacters": _plain("answers 400 to paths with percent-encoded characters that it does not allow"),
    "errors": _errors,
    FORWARD_AUTH: _forward_auth,
    "grpcWeb": _plain("translates gRPC-Web"),
    "headers": _headers,
    "inFlightReq": _in_flight,
    "ipAllowList": _allow_list,
    "ipWhiteList": _allow_list,
    "passTLSClientCert": _plain("passes the client's certificate on as a header"),
    "rateLimit": _rate_limit,
    "redirectRegex": _redirect_regex,
    "redirectScheme": _redirect_scheme,
    "replacePath": _replace_path,
    "replacePathRegex": _replace_path_regex,
    "retry": _retry,
    "stripPrefix": _strip_prefix,
    "stripPrefixRegex": _strip_prefix_regex,
}
