# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why every replica answers a request with this status. No I/O. Each function returns one sentence, empty for none."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import Backend, DirectAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.explain.facts import Facts
from ansible_collections.resilient.traefik.plugins.module_utils.explain.target import TIMEOUT

# By kind of middleware the statuses that it answers with.
_OF_MIDDLEWARES = {
    401: ("basicAuth", "digestAuth"),
    403: ("ipAllowList", "ipWhiteList"),
    413: ("buffering",),
    429: ("rateLimit", "inFlightReq"),
    503: ("circuitBreaker",),
}


def reason_of(facts: Facts, status: int) -> str:
    """Return why the status, without the status itself."""
    return next((words for words in _reasons(facts, status) if words), "")


def _reasons(facts: Facts, status: int) -> Iterator[str]:
    yield _by_routing(facts, status)
    yield _by_certain_middleware(facts, status)
    yield _by_target(facts, status)
    yield _by_header_size(facts, status)
    yield _by_backend(facts, status)
    yield _by_possible_middleware(facts, status)
    yield _by_application(facts, status)
    if status >= 400 and not facts.selection.winner:
        yield f"no router of the objects in the cluster takes {facts.request}"


def _by_routing(facts: Facts, status: int) -> str:
    if status != 404:
        return ""
    if facts.selection.winner is None:
        return no_router(facts)
    if facts.dropped:
        return f"Traefik drops {facts.router}: {facts.dropped[0]}"
    empty = next((each for each in facts.backends if each.problem), None)
    if empty and (not facts.allows_empty or not empty.exists or "no port" in empty.problem):
        hint = "" if not empty.exists or "no port" in empty.problem else " (it runs without allowEmptyServices)"
        return f"{empty.problem}, so Traefik drops {facts.router}{hint}"
    return ""


def in_words(seconds: float) -> str:
    """Return a time for a sentence: a tenth counts where it is short."""
    return f"{round(seconds, 1 if seconds < 10 else None):g} s"


def no_router(facts: Facts) -> str:
    """Return why no router takes the request."""
    request, selection = facts.request, facts.selection
    asked = f"{request} at entry point {facts.entry_point}"
    if selection.uncertain:
        first = selection.uncertain[0]
        return f"no router is sure to take {asked}; router `{first.router.name}` may: {first.reason}"
    if selection.near:
        first = selection.near[0]
        of_object = f" of {first.router.ref}" if first.router.ref else ""
        return f"no router takes {asked}; the nearest is router `{first.router.name}`{of_object}: {first.reason}"
    if facts.unserved:
        return f"no router takes {asked}; {facts.unserved[0]}"
    return f"no Ingress and no IngressRoute that this Traefik looks at names the host {request.hostname}"


def _by_certain_middleware(facts: Facts, status: int) -> str:
    # 0 is a status of no middleware: it only says that no answer came.
    effect = next((each for each in facts.effects if status and each.status == status), None)
    return f"middleware {effect.name} ({effect.kind}) {effect.does}" if effect else ""


def _by_possible_middleware(facts: Facts, status: int) -> str:
    kinds = _OF_MIDDLEWARES.get(status, ())
    effect = next((each for each in facts.effects if each.kind in kinds and status in each.may), None)
    if effect is None or any(answer.status == status for each in facts.backends for answer in each.answers):
        return ""
    return f"middleware {effect.name} ({effect.kind}) {effect.does}"


def _by_target(facts: Facts, status: int) -> str:
    for target in facts.targets:
        name = f"the ForwardAuth target {target.address.shown.partition('?')[0]} of {target.middleware}"
        if status in (0, 500, 504) and target.hangs:
            return (
                f"{name} gives no answer in {in_words(target.seconds)}; Traefik waits {TIMEOUT:.0f} s, which is fixed"
            )
        if status in (0, 500) and target.is_gone:
            return f"{name} cannot be reached: {_gone(target.backend)}"
        if status == 500 and target.seconds >= TIMEOUT:
            return f"{name} answers in {in_words(target.seconds)}; Traefik waits {TIMEOUT:.0f} s, which is fixed"
        if target.refusal == status and status >= 400:
            return f"{name} answers {status}"
        if target.refusal == status and 300 <= status < 400:
            return f"{name} sends the client on to {target.location or 'another page'}"
    return ""


def _gone(backend: Backend | None) -> str:
    if backend is None:
        return "it is no Service of this cluster"
    if backend.problem:
        return backend.problem
    return next((answer.problem for answer in backend.answers if answer.problem), "no pod answers")


def _by_header_size(facts: Facts, status: int) -> str:
    if status != 431:
        return ""
    size, most = facts.request.header_bytes(), facts.max_header_bytes
    if size > most:
        return f"the headers have {size} bytes, and entry point {facts.entry_point} takes {most} (http.maxHeaderBytes)"
    refused = _direct(facts, 431)
    if refused:
        return f"the application takes no headers of {size} bytes: pod {refused.pod} answers 431 without Traefik too"
    return ""


def _by_backend(facts: Facts, status: int) -> str:
    for backend in facts.backends:
        words = _of_backend(facts, backend, status)
        if words:
            return words
    return ""


def _of_backend(facts: Facts, backend: Backend, status: int) -> str:
    name = f"{backend.ref.kind} {backend.ref.namespace}/{backend.ref.name}"
    if status in (502, 503, 504) and backend.problem:
        return backend.problem
    asked = [each for each in backend.answers if not each.not_asked]
    silent = [each for each in asked if not each.status]
    if status in (0, 504):
        return _slow(facts, backend, name, asked, status)
    if status == 502 and silent:
        first = silent[0]
        return f"{name} leads to pod {first.pod} port {_port(backend)}, and there: {first.problem}"
    if status == 502 and asked and not _direct(facts, 502):
        return (
            f"pod {asked[0].pod} behind {name} answers {asked[0].status} when it is asked directly, so it is the way "
            f"from Traefik to it: a NetworkPolicy, the nodes' network, or a pod that does not speak {backend.scheme}"
        )
    return ""


def _slow(facts: Facts, backend: Backend, name: str, asked: list[DirectAnswer], status: int) -> str:
    slowest = max(asked, key=lambda each: each.seconds, default=None)
    if slowest is None or slowest.seconds < 1:
        if status == 504 and asked and slowest:
            why = slowest.problem or f"pod {slowest.pod} answers {slowest.status} when it is asked directly"
            return f"Traefik gets no connection to {name} in {in_words(backend.dial_timeout)} (dialTimeout): {why}"
        return ""
    waits = in_words(backend.response_timeout) if backend.response_timeout else "for ever (responseHeaderTimeout 0)"
    if slowest.status:
        return f"backend {name} answers in {in_words(slowest.seconds)}, Traefik waits {waits}"
    return f"backend {name} gives no answer in {in_words(slowest.seconds)} (pod {slowest.pod}), Traefik waits {waits}"


def _by_application(facts: Facts, status: int) -> str:
    """The pod answers the same without Traefik: nobody else is to blame."""
    answer = _direct(facts, status)
    if answer is None or status < 400:
        return ""
    last = facts.effects[-1].after.request if facts.effects else facts.request
    return (
        f"by the application: pod {answer.pod} answers {status} to {last.method} {last.target.partition('?')[0]} "
        f"without Traefik too"
    )


def _direct(facts: Facts, status: int) -> DirectAnswer | None:
    return next((each for backend in facts.backends for each in backend.answers if each.status == status), None)


def _port(backend: Backend) -> str:
    return ", ".join(map(str, backend.ports)) or "(none)"
