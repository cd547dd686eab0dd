# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of the module explain: the facts as data, and as lines to be read from top to bottom. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import Backend
from ansible_collections.resilient.traefik.plugins.module_utils.explain.facts import Facts
from ansible_collections.resilient.traefik.plugins.module_utils.explain.target import TIMEOUT
from ansible_collections.resilient.traefik.plugins.module_utils.explain.verdict import Verdict


def result(
    facts: Facts, found: Sequence[Verdict], seconds: Mapping[str, float], unread: Sequence[str]
) -> dict[str, Any]:
    """Return what the module returns."""
    also = [each.sentence for each in found[1:]]
    missing = list(dict.fromkeys(unread))
    return {
        "changed": False,
        "symptom": found[0].symptom,
        "verdict": found[0].sentence,
        "also": also,
        "request": facts.request.shown(),
        "entrance": facts.entrance.as_dict(),
        "entry_point": facts.entry_point,
        "routing": facts.selection.as_dict(),
        "middlewares": [effect.as_dict() for effect in facts.effects],
        "targets": [target.as_dict() for target in facts.targets],
        "backends": [backend.as_dict() for backend in facts.backends],
        "certificates": [each.as_dict() for each in facts.certificates],
        "replicas": _replicas(facts),
        "api": facts.api,
        "seconds": dict(seconds),
        "unread": missing,
        "report": [*_lines(facts, found), *(f"Not read: {words}" for words in missing), *_times(seconds)],
    }


def _replicas(facts: Facts) -> list[dict[str, Any]]:
    answers = {answer.replica: answer for answer in facts.answers}
    return [
        {
            "name": replica.name,
            "node": replica.node,
            "ready": not replica.problem,
            "problem": replica.problem,
            "answer": answers[replica.name].as_dict() if replica.name in answers else None,
            "routing": facts.loaded[replica.name].as_dict() if replica.name in facts.loaded else None,
        }
        for replica in facts.replicas
    ]


def _lines(facts: Facts, found: Sequence[Verdict]) -> Iterator[str]:
    yield found[0].sentence
    yield from (f"Also: {each.sentence}" for each in found[1:])
    yield f"Request: {facts.request}"
    yield from _entrance(facts)
    yield from _routing(facts)
    for effect in facts.effects:
        yield f"Middleware: {effect.name}{f' ({effect.kind})' if effect.kind else ''}: {effect.does}"
    for target in facts.targets:
        outside = [f"{target.address.host} is no Service of this cluster: it was not asked"]
        words = list(_backend(target.backend, TIMEOUT)) if target.backend else outside
        yield f"ForwardAuth target of {target.middleware}: {words[0]}"
        yield from words[1:]
    for backend in facts.backends:
        first, *pods = _backend(backend, backend.response_timeout)
        yield from [f"Behind the router: {first}", *pods]
    for answer in facts.answers:
        by_itself = ", in Traefik's own words" if answer.own_words else ""
        yield f"Through {answer.replica} ({answer.node}): {answer.words}{by_itself}"
    if not facts.sent:
        yield f"Not sent: {facts.request.method} may change something (send: always)"


def _entrance(facts: Facts) -> Iterator[str]:
    way = facts.entrance
    if way.dns or way.dns_problem:
        yield f"DNS: {', '.join(way.dns) or way.dns_problem}"
    for door in way.doors:
        state = way.reached.get(door.address, "")
        where = f" of node {door.node}" if door.node else ""
        yield f"Address: {door.address}:{door.port}, {door.way}{where}" + (f": {state}" if state else "")
    ready = f"{len(facts.ready)} of {facts.wanted or len(facts.replicas)} replicas ready"
    yield f"Entry point: {facts.entry_point or 'none'} at port {facts.public_port} of {facts.workload}, {ready}"
    for shown in facts.certificates:
        names = shown.subject if shown.is_default else ", ".join(shown.names) or shown.subject
        yield f"Certificate: {shown.replica}: {shown.problem or names}"


def _routing(facts: Facts) -> Iterator[str]:
    selection = facts.selection
    for router in selection.matching:
        mark = "wins" if router is selection.winner else "takes it too"
        source = f" of {router.ref}" if router.ref else ""
        yield f"Router: {router.name}{source}, priority {router.priority}, {mark}: {router.rule}"
    yield f"Router: {selection.why}"
    for each in selection.uncertain:
        yield f"Router: {each.router.name} may take it: {each.reason}"
    for each in selection.near if not selection.matching else ():
        yield f"Router: {each.router.name} does not take it: {each.reason}"
    yield f"Routers of the replicas: {_api(facts)}"


def _api(facts: Facts) -> str:
    if not facts.loaded:
        return f"not read, API {facts.api.partition(':')[0] or 'unknown'}: those above are made of the objects"
    names: dict[str, list[str]] = {}
    for replica, selection in facts.loaded.items():
        names.setdefault(selection.winner.name if selection.winner else "none takes it", []).append(replica)
    return "; ".join(f"{name} on {', '.join(replicas)}" for name, replicas in names.items())


def _backend(backend: Backend, timeout: float) -> Iterator[str]:
    waits = f"{timeout:.0f} s" if timeout else "for ever"
    yield (
        f"{backend.ref}: {backend.problem or f'{backend.endpoints} endpoints, {backend.pods_in_words}'}; Traefik waits "
        f"{waits} for an answer"
    )
    for answer in backend.answers:
        words = f"{answer.status} in {answer.seconds:.2f} s" if answer.status else answer.problem
        yield f"  pod {answer.pod} asked directly: {words}"


def _times(seconds: Mapping[str, float]) -> Iterator[str]:
    yield f"Took {seconds['all']:.2f} s, {seconds['own']:.2f} s of them before waiting for answers"
