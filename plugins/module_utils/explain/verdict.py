# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict over the facts of one request: one sentence that says what a client gets and why. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.resilient.traefik.plugins.module_utils.explain import by_status
from ansible_collections.resilient.traefik.plugins.module_utils.explain.entrance import LOOPBACK
from ansible_collections.resilient.traefik.plugins.module_utils.explain.facts import Facts
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import same_name

# Symptoms, as results name them.
OK, REFUSED, DIFFERS, NO_ANSWER, LOOP = "ok", "refused", "replicas_differ", "no_answer", "redirect_loop"
CERTIFICATE, MIXED, STICKY, WEBSOCKET = "certificate", "mixed_content", "sticky_sessions", "websocket"
NOT_SENT = "not_sent"


@dataclass(frozen=True)
class Verdict:
    """``symptom`` is one of this file's words, or the status as text. ``sentence`` is for people."""

    symptom: str
    sentence: str


def verdicts(facts: Facts) -> list[Verdict]:
    """Return all that there is to say, what counts most first. Never empty."""
    found = [each for rule in _RULES for each in rule(facts)]
    return [*(found or [Verdict(OK, _well(facts))]), *_side_notes(facts)]


def _refused(facts: Facts) -> Iterator[Verdict]:
    if not facts.ready:
        first = next((replica.problem for replica in facts.replicas if replica.problem), "there is no pod")
        count = f"0 of {facts.wanted or len(facts.replicas)}"
        yield Verdict(REFUSED, f"connection refused: no replica of {facts.workload} is ready ({count}): {first}")
        return
    if not facts.entry_point:
        yield Verdict(REFUSED, f"connection refused: no entry point of {facts.workload} is at port {facts.public_port}")
        return
    for address in facts.entrance.refused:
        door, node = facts.entrance.door_at(address), facts.entrance.node_of(address)
        if door and node in facts.entrance.empty_nodes:
            way = "externalTrafficPolicy Local" if "Service" in door.way else f"a {door.way} serves its own node alone"
            yield Verdict(REFUSED, f"connection refused at {address}: no replica on node {node} and {way}")
        elif door is None:
            yield Verdict(
                REFUSED,
                f"connection refused at {address}, where the name leads: that is no address of {facts.workload}, which "
                f"has {', '.join(sorted({each.address for each in facts.entrance.doors})) or 'none'}",
            )
        else:
            yield Verdict(REFUSED, f"connection refused at {address} port {door.port} ({door.way})")


def _differs(facts: Facts) -> Iterator[Verdict]:
    groups = facts.statuses
    if len(groups) < 2:
        return
    # What fewer replicas answer is the deviation; of two equal groups the worse answer.
    odd = min(groups, key=lambda status: (len(groups[status]), -(status or 599)))
    names, others = groups[odd], [name for status in groups if status != odd for name in groups[status]]
    elsewhere = ", ".join(str(status or "no answer") for status in groups if status != odd)
    where = f"{odd or 'no answer'} on {' and '.join(names)} only"
    yield Verdict(DIFFERS, f"{where}: {_why_there(facts, odd, names, others, elsewhere)}")


def _why_there(facts: Facts, odd: int, names: Sequence[str], others: Sequence[str], elsewhere: str) -> str:
    winner, several = facts.selection.winner, len(others) > 1
    rest = f"the other {_count(others)} {'answer' if several else 'answers'} {elsewhere}"
    missing = _missing_at(facts, names[0])
    if odd == 404 and missing:
        return f"its router `{missing}` is missing; {rest} by it"
    disabled = _problem_at(facts, names[0])
    if odd == 404 and disabled:
        return f"{disabled}; {rest}"
    if odd == 404 and winner:
        return f"it has not loaded router `{winner.name}`; {rest} by it (its API is closed, so the answers tell)"
    reason = by_status.reason_of(facts, odd)
    answer = next((each for each in facts.answers if each.replica == names[0]), None)
    node = f" (node {answer.node})" if answer and answer.node else ""
    known = reason or (answer.problem if answer else "") or "nothing that all replicas share explains it"
    return f"{rest}, so it is that replica{node}, or its way from there: {known}"


def _missing_at(facts: Facts, replica: str) -> str:
    """Return the router that others have loaded for the request and this replica has not."""
    here = facts.loaded.get(replica)
    if here is None:
        return ""
    own = [router.name for router in here.matching] + [each.router.name for each in here.near]
    for name, selection in facts.loaded.items():
        if name != replica and selection.winner:
            wanted = selection.winner
            if not any(same_name(each, wanted.name, wanted.entry_points) for each in own):
                return wanted.name
    return ""


def _problem_at(facts: Facts, replica: str) -> str:
    here = facts.loaded.get(replica)
    near = here.near[0] if here and here.near else None
    return f"its router `{near.router.name}`: {near.reason}" if near else ""


def _same_everywhere(facts: Facts) -> Iterator[Verdict]:
    status = facts.status
    if not facts.sent or status is None or facts.request.is_websocket:
        return
    if status == 0:
        reason = by_status.reason_of(facts, 0) or facts.answers[0].problem
        yield Verdict(NO_ANSWER, f"no answer in {by_status.in_words(facts.seconds)}: {reason}")
    elif status >= 400:
        reason = by_status.reason_of(facts, status) or _unknown(facts, status)
        after = f" after {by_status.in_words(facts.longest)}" if facts.longest >= 1 else ""
        yield Verdict(str(status), f"{status}{after}: {reason}")


def _unknown(facts: Facts, status: int) -> str:
    who = "Traefik itself may have written it" if any(each.own_words for each in facts.answers) else "the application"
    unasked = [answer.problem for backend in facts.backends for answer in backend.answers if answer.not_asked]
    because = f"; the pods were not asked directly: {unasked[0]}" if unasked else ""
    return f"{facts.router} takes the request, and nothing that was read explains {status}: {who}{because}"


def _websocket(facts: Facts) -> Iterator[Verdict]:
    status = facts.status
    if not facts.request.is_websocket or status in (None, 101):
        return
    buffering = facts.middleware("buffering")
    reason = by_status.reason_of(facts, status or 0)
    if buffering:
        reason = f"middleware {buffering.name} (buffering) {buffering.does}"
    direct = [each.status for backend in facts.backends for each in backend.answers if each.status]
    if not reason and direct and 101 not in direct:
        reason = f"the application opens none: its pod answers {direct[0]} without Traefik too"
    if not reason and 101 in direct:
        reason = "the pod opens it when it is asked directly, so it is Traefik or a middleware on the way"
    yield Verdict(WEBSOCKET, f"WebSocket fails with {status or 'no answer'}: {reason or _unknown(facts, status or 0)}")


def _loop(facts: Facts) -> Iterator[Verdict]:
    looping = [each for each in facts.answers if 300 <= each.status < 400]
    if not facts.loops or not looping:
        return
    effect = next((each for each in facts.effects if 300 <= each.status < 400), None)
    who = f"middleware {effect.name} ({effect.kind})" if effect else "the application"
    given = facts.request.header("X-Forwarded-Proto")
    reason = f"{who} sends the client to {looping[0].location}, and following it leads back to where it was"
    if given and given[0].lower() == "https" and facts.proto == "http":
        reason = f"{who} redirects to https because X-Forwarded-Proto is http: {_untrusted(facts)}"
    yield Verdict(LOOP, f"redirect loop: {reason}")


def _untrusted(facts: Facts) -> str:
    who = f"the proxy in front ({facts.request.client_ip})" if facts.request.client_ip else "the proxy in front"
    return f"{who} is not in forwardedHeaders.trustedIPs of entry point {facts.entry_point}"


def _certificate(facts: Facts) -> Iterator[Verdict]:
    host, shown = facts.request.hostname, [each for each in facts.certificates if not each.problem]
    wrong = [each for each in shown if not each.fits(host)]
    if wrong:
        first, count = wrong[0], f" on {' and '.join(each.replica for each in wrong)} only" * (len(wrong) < len(shown))
        if first.is_default:
            what = "Traefik's own default certificate is shown: it has none for this name"
        else:
            what = f"it is for {', '.join(first.names[:4]) or first.subject or 'no name'}"
        yield Verdict(CERTIFICATE, f"the certificate is not for {host}{count}: {what}")
        return
    old = next((each for each in shown if each.expired(datetime.now(UTC))), None)
    if old and old.not_after:
        yield Verdict(CERTIFICATE, f"the certificate for {host} is out of date since {old.not_after:%Y-%m-%d}")
    broken = next((each for each in facts.certificates if each.problem), None)
    if broken and not shown:
        yield Verdict(CERTIFICATE, f"no certificate for {host}: {broken.problem}")


def _mixed(facts: Facts) -> Iterator[Verdict]:
    given = facts.request.header("X-Forwarded-Proto")
    plain = bool(given) and given[0].lower() == "https" and facts.proto == "http"
    if plain and not facts.loops and facts.trusted is not None:
        yield Verdict(MIXED, f"mixed content: {_untrusted(facts)}, so X-Forwarded-Proto is http")
    elif facts.request.https and any(each.insecure_links for each in facts.answers):
        count = max(each.insecure_links for each in facts.answers)
        yield Verdict(
            MIXED,
            f"mixed content: the page names its own host {count} times with http, though X-Forwarded-Proto is "
            f"{facts.proto}: the application makes these links",
        )


def _sticky(facts: Facts) -> Iterator[Verdict]:
    changed = [each for each in facts.again if each.cookies]
    for backend in facts.backends:
        name = f"{backend.ref.kind} {backend.ref.namespace}/{backend.ref.name}"
        several = len(backend.ready) > 1
        if backend.sticky and backend.native:
            yield Verdict(
                STICKY, f"sticky sessions lost: {name} has nativeLB, so the cluster chooses the pod each time"
            )
        elif backend.sticky_secure and facts.request.https is False:
            yield Verdict(STICKY, f"sticky sessions lost: the cookie of {name} is secure, and the client speaks http")
        elif several and backend.sticky and changed:
            yield Verdict(
                STICKY,
                f"sticky sessions lost: {changed[0].replica} gives another cookie {', '.join(changed[0].cookies)}",
            )
        elif several and not backend.sticky and facts.request.header("Cookie"):
            yield Verdict(
                STICKY,
                f"sticky sessions lost: {name} has {len(backend.ready)} pods and no sticky cookie, so each request may "
                "reach another pod",
            )


def _side_notes(facts: Facts) -> Iterator[Verdict]:
    if facts.entrance.empty_nodes and facts.ready and not facts.entrance.refused:
        nodes = ", ".join(facts.entrance.empty_nodes)
        yield Verdict(REFUSED, f"whoever is led to node {nodes} is refused: no ready replica is there")
    if facts.entrance.foreign and not facts.entrance.refused:
        listed = ", ".join(facts.entrance.foreign)
        yield Verdict("dns", f"the name leads to {listed}, which is no address of {facts.workload}: a proxy in front?")
    if facts.entrance.pending:
        listed = ", ".join(facts.entrance.pending)
        yield Verdict(REFUSED, f"Service {listed} waits for the address of its load balancer")
    if facts.selection.tied:
        yield Verdict("routers", f"{facts.router}: {facts.selection.why}")
    effect = facts.middleware("ipAllowList", "ipWhiteList")
    if effect and facts.status == 403 and not facts.request.client_ip:
        yield Verdict("403", f"the request came from {LOOPBACK} through the port-forward: client_ip says from where")


def _not_sent(facts: Facts) -> Iterator[Verdict]:
    if facts.sent:
        return
    effect = next((each for each in facts.effects if each.status), None)
    problem = next((each.problem for each in facts.backends if each.problem), "")
    if facts.selection.winner is None:
        yield Verdict("404", f"404 is to be expected: {by_status.no_router(facts)}")
    elif facts.dropped:
        yield Verdict("404", f"404 is to be expected: Traefik drops {facts.router}: {facts.dropped[0]}")
    elif effect:
        words = f"middleware {effect.name} ({effect.kind}) {effect.does}"
        yield Verdict(str(effect.status), f"{effect.status} is to be expected: {words}")
    elif problem:
        status = "503" if facts.allows_empty else "404"
        yield Verdict(status, f"{status} is to be expected: {problem}")
    else:
        yield Verdict(NOT_SENT, f"nothing is in the way: {facts.router} takes {facts.request}, which was not sent")


def _well(facts: Facts) -> str:
    answers = {answer.words.partition(" in ")[0] for answer in facts.answers}
    listed = ", ".join(sorted(answers)) or "nothing was sent"
    return f"{listed} on every replica in at most {facts.longest:.2f} s, by {facts.router}: {facts.selection.why}"


def _count(names: Sequence[str]) -> str:
    return {1: "one", 2: "two", 3: "three"}.get(len(names), str(len(names)))


# In the order in which a client meets it.
_RULES: tuple[Callable[[Facts], Iterator[Verdict]], ...] = (
    _refused,
    _not_sent,
    _differs,
    _loop,
    _websocket,
    _same_everywhere,
    _certificate,
    _mixed,
    _sticky,
)
