# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steady state: before a fault everything answers the same through every replica, and after it as before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.resilient.traefik.plugins.module_utils.drill.asking import is_by_fallback
from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, PodPoint, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, refresh_replicas

# Each visitor asks so often through each replica: a site that fails now and then is not steady.
_TIMES = 2
_MAX_SECONDS = 5.0
# In place of a status: a fallback answered, whatever it was. It is never the answer of a site.
BY_FALLBACK = -1

# Statuses, 0 where no answer came, by the visitor's name and the replica's.
Answers = Mapping[str, Mapping[str, Sequence[int]]]


class NotSteady(ResilientError):
    """Something does not answer, or not always the same; the message names it."""


def steady_visitors(context: Context, visitors: Sequence[Visitor], seconds: float) -> list[Visitor]:
    """The visitors with what they get now. Raises NotSteady naming what is not steady after so many seconds."""
    problems: list[str] = []
    for _left in tries(seconds):
        answers = ask(context, visitors)
        problems = [*_replica_problems(context), *unsteady(answers)]
        if not problems:
            return [replace(visitor, before=tuple(sorted(_all(answers[visitor.name])))) for visitor in visitors]
    raise NotSteady(
        f"not steady: {'; '.join(problems[:5])}. Mend that, or leave out what is known not to be steady (leave_out, in "
        "the playbook resilient_traefik_sites_left_out)."
    )


def as_before(context: Context, visitors: Sequence[Visitor], seconds: float) -> list[str]:
    """What is not as before once so many seconds have passed; empty as soon as everything is."""
    problems: list[str] = []
    for _left in tries(seconds):
        answers = ask(context, visitors)
        problems = [*_replica_problems(context), *unsteady(answers)]
        for visitor in visitors:
            other = _all(answers[visitor.name]) - set(visitor.before)
            if other - {0}:
                problems.append(f"{visitor.name} gets {_listed(other)} and got {_listed(visitor.before)}")
        if not problems:
            break
    return problems


def ask(context: Context, visitors: Sequence[Visitor]) -> dict[str, dict[str, list[int]]]:
    """Every visitor through every ready replica, a few times."""
    replicas = [each for each in refresh_replicas(context.client, context.traefik) if each.ready]
    rows = context.client.concurrently(lambda replica: _ask_replica(context, replica, visitors), replicas)
    found: dict[str, dict[str, list[int]]] = {visitor.name: {} for visitor in visitors}
    for replica, row in zip(replicas, rows, strict=True):
        for visitor, statuses in zip(visitors, row, strict=True):
            found[visitor.name][replica.name] = statuses
    return found


def unsteady(answers: Answers) -> list[str]:
    """A sentence for each visitor who got no answer, an error of a server, or not always the same. Pure."""
    found = []
    for name, by_replica in answers.items():
        statuses = _all(by_replica)
        ill = sorted(replica for replica, each in by_replica.items() if any(not status for status in each))
        if ill:
            found.append(f"{name} gets no answer through {', '.join(ill)}")
        elif BY_FALLBACK in statuses:
            found.append(f"{name} gets {_listed(statuses)}: the service that is asked about it does not answer now")
        elif any(status >= 500 or status == 404 for status in statuses):
            found.append(f"{name} gets {_listed(statuses)}")
        elif len(statuses) != 1:
            found.append(f"{name} gets now {_listed(statuses)}: not the same from every replica and every time")
    return found


def _replica_problems(context: Context) -> list[str]:
    item = context.client.get(context.traefik.ref)
    lacks = readiness.missing(item)
    return [f"{context.traefik.ref} is not ready: {lacks}"] if lacks else []


def _ask_replica(context: Context, replica: Replica, visitors: Sequence[Visitor]) -> list[list[int]]:
    point = PodPoint(context.client, replica.namespace, replica.name, context.traefik.port(context.entry_point))
    found = []
    for visitor in visitors:
        # TLS sessions are for one name each.
        with Session(point, timeout=_MAX_SECONDS, max_seconds=_MAX_SECONDS) as session:
            found.append([_status(session, visitor) for _time in range(_TIMES)])
    return found


def _status(session: Session, visitor: Visitor) -> int:
    try:
        answer = session.ask(visitor.request)
        return BY_FALLBACK if is_by_fallback(answer) else answer.status
    except NoAnswer:
        return 0


def _all(by_replica: Mapping[str, Sequence[int]]) -> set[int]:
    return {status for statuses in by_replica.values() for status in statuses}


def _listed(statuses: set[int] | Sequence[int]) -> str:
    words = {0: "no answer", BY_FALLBACK: "an answer of the fallback"}
    return ", ".join(words.get(status, str(status)) for status in sorted(statuses))
