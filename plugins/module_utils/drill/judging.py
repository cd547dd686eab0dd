# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict: what was expected, whether the measurement is to be trusted, and whether anything was proved by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.drill import alerts, result
from ansible_collections.resilient.traefik.plugins.module_utils.drill.evidence import shown
from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import (
    OF_ANSWERS,
    Expectations,
    judged,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.facts import Facts
from ansible_collections.resilient.traefik.plugins.module_utils.drill.met import met, nobody_met
from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import RECOVERY
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record
from ansible_collections.resilient.traefik.plugins.module_utils.drill.stage import Stage
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import DEVIATED, INCONCLUSIVE, PASSED
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check

# So many of all requests may be sent late or not at all before a measurement counts for nothing.
_MOST_NOT_SENT = 0.02
# Requests that are sent late have waited with the sender; some also where a replica that is gone was dialled.
_LATE_SECONDS, _MOST_LATE = 1.0, 0.05


@dataclass(frozen=True)
class Measured:
    """A measurement that is over: ``records`` gives all of them, ``doubts`` is what it says against itself."""

    records: Callable[[], Iterable[Record]]
    not_sent: int
    doubts: Sequence[str]
    by_second: Mapping[int, Mapping[str, Mapping[str, int]]]
    facts: Facts


def judge(
    stage: Stage,
    expected: Expectations,
    told: result.Result,
    measured: Measured,
    watch: alerts.AlertWatch,
) -> None:
    """Find the verdict on what was measured; ``told`` gets it with all that speaks for and against it."""
    told.measured = result.measure(measured.records, told.visitors, told.phases, measured.not_sent, measured.by_second)
    figures = told.measured["figures"]
    moments = told.phases.fault, told.phases.restored
    told.alerts = alerts.told(watch, *moments)
    told.checks = [
        *judged(expected, figures, result.seen_by(measured.records(), told.visitors)),
        *alerts.judged(watch, *moments),
        *_unprotected(told.bare),
    ]
    failed = [check for check in told.checks if not check.passed]
    told.verdict = DEVIATED if failed else PASSED
    told.reasons += [str(check) for check in failed]
    doubts, load = [*stage.fights, *measured.doubts], _doubts_about_load(measured, figures["requests"])
    if any(check.name in OF_ANSWERS for check in failed):
        # Where every site hangs, so many requests wait that more cannot be sent in time. Wrong answers stay wrong.
        told.reasons += load
    else:
        doubts += load
    if not figures["requests"]:
        doubts.append("nothing was asked")
    else:
        doubts += _unproven(told, measured.facts)
    if doubts:
        told.verdict = INCONCLUSIVE
        told.reasons = [*doubts, *told.reasons]


def _unprotected(bare: Sequence[str]) -> list[Check]:
    """What was measured says nothing of sites that ask without a proxy, and they die with whom they ask."""
    if not bare:
        return []
    return [Check("sites that ask without a proxy", False, "none", f"{', '.join(bare)}: not measured")]


def _doubts_about_load(measured: Measured, requests: int) -> list[str]:
    """Say what was not sent, or not in time: then a good answer, or a short wait, proves less than was asked for."""
    doubts = []
    if measured.not_sent > _MOST_NOT_SENT * requests:
        doubts.append(f"{measured.not_sent} requests could not be sent beside {requests} that were")
    late = result.late_share(measured.records(), _LATE_SECONDS)
    if late > _MOST_LATE:
        doubts.append(
            f"{late:.0%} of the requests were sent more than {_LATE_SECONDS:g} s late: what runs the drill was too "
            "busy, or too many of them waited for an answer"
        )
    return doubts


def _unproven(told: result.Result, facts: Facts) -> list[str]:
    """What nothing shows of the thing itself, in sentences; ``told`` gets what is shown."""
    found = shown(told.scenario, facts)
    told.evidence = [each.as_dict() for each in found]
    told.met = met(told.scenario, facts)
    # A recovery that did not come is a deviation, and that is known.
    known = {RECOVERY} if told.verdict == DEVIATED else set()
    missing = [each.missing(told.subject) for each in found if not each.seen and each.moment not in known]
    # What comes after the first is missing because of it.
    return missing[:1] or [words for words in [nobody_met(told.met)] if words]
