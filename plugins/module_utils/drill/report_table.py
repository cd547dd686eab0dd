# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drills as a table of text for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import verdict
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import (
    VERDICT_WORDS,
    all_reasons,
    count,
    outcome_of,
    seconds,
    told,
    unmet_told,
    verdicts_told,
    wait,
)
from ansible_collections.resilient.traefik.plugins.module_utils.proof.table import wrapped

Drill = Mapping[str, Any]
_HEAD = ("SCENARIO", "VERDICT", "REQUESTS", "NO GOOD", "LONGEST", "BACK IN")
_INDENT = " " * 8


def table(title: str, cluster: str, drills: Sequence[Drill], compared: Sequence[Drill] = ()) -> list[str]:
    """Lines of at most 100 columns: the number that matters, a row a scenario, then why one is not passed."""
    return [
        *wrapped(f"{title}, cluster {cluster}: {verdicts_told(drills)}"),
        *wrapped(f"{_sentence(told(outcome_of(drills)))}"),
        *(wrapped(f"Compared with: {told(outcome_of(compared))}.") if compared else []),
        "",
        *_rows(drills),
        *_unmet(drills),
        *(line for drill in drills if drill["verdict"] != verdict.PASSED for line in ["", *_reasons(drill)]),
    ]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _rows(drills: Sequence[Drill]) -> Iterator[str]:
    rows = [_HEAD, *(_row(drill) for drill in drills)]
    scenario, word = (max(len(row[column]) for row in rows) for column in (0, 1))
    for row in rows:
        numbers = "".join(f"  {text:>8}" for text in row[2:])
        yield f"{row[0]:{scenario}}  {row[1]:{word}}{numbers}".rstrip()


def _row(drill: Drill) -> tuple[str, ...]:
    outcome = outcome_of([drill])
    return (
        drill["scenario"],
        VERDICT_WORDS[drill["verdict"]],
        count(outcome.requests),
        count(outcome.bad),
        wait(outcome.longest_ms),
        seconds(drill["figures"]["recovery_seconds"]),
    )


def _unmet(drills: Sequence[Drill]) -> Iterator[str]:
    """Whose answers prove nothing, by scenario."""
    found = [(drill["scenario"], words) for drill in drills if (words := unmet_told(drill))]
    if found:
        yield ""
    for scenario, words in found:
        yield from wrapped(f"{scenario}: {words}.")


def _reasons(drill: Drill) -> Iterator[str]:
    yield from wrapped(f"{VERDICT_WORDS[drill['verdict']].upper()}  {drill['scenario']}: {drill['title']}")
    for reason in all_reasons(drill):
        yield from wrapped(reason, _INDENT)
