# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A drill's result in plain words: the numbers that matter first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import verdict
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_schema import KINDS
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check

VERDICT_WORDS = {
    verdict.PASSED: "passed",
    verdict.NOT_RUN: "not run",
    verdict.DEVIATED: "deviated",
    verdict.INCONCLUSIVE: "inconclusive",
    verdict.ROLLBACK_FAILED: "rollback failed",
}
MEANINGS = {
    verdict.PASSED: "Every expectation was met, and all is back as it was.",
    verdict.NOT_RUN: "Refused before anything was changed.",
    verdict.DEVIATED: "Something was not as expected. All is back as it was.",
    verdict.INCONCLUSIVE: "The measurement failed, or nothing met what was broken: nothing is proved either way.",
    verdict.ROLLBACK_FAILED: "Not everything is back as it was. Look at the cluster.",
}
KIND_WORDS = {
    "as_before": "as before",
    "fallback": "by the fallback",
    "let_in": "let in without a login",
    "failed": "failed",
    "none": "no answer",
}
# Of these no visitor is to have any.
BAD_KINDS = ("let_in", "failed", "none")


@dataclass(frozen=True)
class Outcome:
    """What visitors met while a fault lasted. ``bad`` are requests without a good answer, ``let_in`` among them."""

    requests: int
    bad: int
    let_in: int
    longest_ms: float | None

    @property
    def bad_percent(self) -> float:
        """The share of requests without a good answer."""
        return 100 * self.bad / self.requests if self.requests else 0.0


def outcome_of(drills: Iterable[Mapping[str, Any]]) -> Outcome:
    """Of one scenario or of many together."""
    figures = [drill["figures"] for drill in drills]
    waits = [each["longest_ms"] for each in figures if each["longest_ms"] is not None]
    return Outcome(
        requests=sum(each["requests"] for each in figures),
        bad=sum(each["kinds"].get(kind, 0) for each in figures for kind in BAD_KINDS),
        let_in=sum(each["kinds"].get("let_in", 0) for each in figures),
        longest_ms=max(waits, default=None),
    )


def told(outcome: Outcome) -> str:
    """The numbers that matter, in one sentence without an end."""
    if not outcome.requests:
        return "nothing was measured"
    if outcome.let_in:
        first = f"{count(outcome.let_in)} of {count(outcome.requests)} requests were let in without a login"
    else:
        first = f"{count(outcome.bad)} of {count(outcome.requests)} requests got no good answer"
    return f"{first}, the longest wait was {wait(outcome.longest_ms)}"


def wait(milliseconds: float | None) -> str:
    """A time that somebody waited: 4 ms, 0.25 s, 12.0 s."""
    if milliseconds is None:
        return "-"
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 100:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.2f} s" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"


def seconds(value: float | None) -> str:
    """Seconds as they are read: 0.82 s."""
    return "-" if value is None else f"{value:.2f} s"


def count(number: float) -> str:
    """A number with its thousands apart."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def percent(value: float | None) -> str:
    """A share: none and all are only said of none and all."""
    if value is None:
        return "-"
    if 0 < value < 0.1:
        return "under 0.1%"
    if 99.9 < value < 100:
        return "over 99.9%"
    return f"{value:.1f}%" if value % 1 else f"{value:.0f}%"


def kinds_told(kinds: Mapping[str, int]) -> str:
    """The kinds that occurred with their counts."""
    found = [f"{count(kinds[kind])} {KIND_WORDS[kind]}" for kind in KINDS if kinds.get(kind)]
    return ", ".join(found) or "no requests"


def unmet_told(drill: Mapping[str, Any]) -> str:
    """Whose answers prove nothing about what was broken, in a sentence without an end; empty where there is nobody."""
    by_met: dict[bool | None, list[str]] = {}
    for visitor in drill["visitors"]:
        by_met.setdefault(visitor.get("met"), []).append(visitor["name"])
    told, number = [], len(drill["visitors"])
    if names := by_met.get(False):
        told.append(f"{len(names)} of {number} visitors never met what was broken: {'; '.join(names)}")
    # Where nothing was broken, or by an earlier version, it is not told of anybody.
    if drill.get("evidence") and (names := by_met.get(None)):
        told.append(f"of {len(names)} of {number} visitors it cannot be told whether they met it: {'; '.join(names)}")
    return ". ".join(f"{each[0].upper()}{each[1:]}" for each in told)


def verdicts_told(drills: Sequence[Mapping[str, Any]]) -> str:
    """How many scenarios have which verdict: 3 passed, 1 deviated."""
    found = [drill["verdict"] for drill in drills]
    return ", ".join(f"{found.count(each)} {VERDICT_WORDS[each]}" for each in verdict.VERDICTS if each in found)


def all_reasons(drill: Mapping[str, Any]) -> list[str]:
    """Return why a scenario is not passed, in sentences: its reasons and the expectations that were not met, each once.

    Who measured it has told the expectations among the reasons already; a report of another version need not have.
    """
    unmet = [
        Check(each["name"], each["passed"], each["expected"], each["found"])
        for each in drill["expectations"]
        if not each["passed"]
    ]
    return list(dict.fromkeys([*drill["reasons"], *map(str, unmet)]))


def reasons_told(drills: Sequence[Mapping[str, Any]], most: int = 3) -> str:
    """Why scenarios are not passed, each reason once with its scenarios, and at most so many; empty without any."""
    found: dict[str, list[str]] = {}
    for drill in drills:
        for reason in all_reasons(drill)[:1]:
            found.setdefault(reason.strip().rstrip("."), []).append(drill["scenario"])
    told = [f"{', '.join(scenarios)}: {reason}." for reason, scenarios in list(found.items())[:most]]
    return " ".join([*told, *([f"The report has {len(found) - most} more reasons."] if len(found) > most else [])])
