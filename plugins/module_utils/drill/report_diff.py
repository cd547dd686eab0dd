# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module drill_diff: what became better and what worse between two reports of drills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_reading import Drill, read_report
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import (
    VERDICT_WORDS,
    count,
    outcome_of,
    percent,
    seconds,
    wait,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import VERDICTS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proof.table import wrapped
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

TOLERANCE_PERCENT = 20.0
OPTIONS: dict[str, dict[str, Any]] = {
    "before": {"type": "path", "required": True},
    "after": {"type": "path", "required": True},
    "tolerance_percent": {"type": "float", "default": TOLERANCE_PERCENT},
}
BETTER, WORSE, SAME, MIXED = "better", "worse", "same", "mixed"
ONLY_BEFORE, ONLY_AFTER, NOT_MEASURED = "only_before", "only_after", "not_measured"
# A difference in waits that nobody notices, and that the scheduling of a busy node makes by itself.
_UNNOTICED_MS = 50
# A drill has some hundred requests, so a percentage point is a handful of them.
_PERCENTAGE_POINT = 1.0
_HEAD = ("SCENARIO", "FIGURE", "BEFORE", "AFTER", "CHANGE")


@dataclass(frozen=True)
class Figure:
    """A number that matters; less of it is better. ``noise`` is the difference that tells nothing."""

    name: str
    words: str
    value: Callable[[Drill], float | None]
    shown: Callable[[float | None], str]
    noise: Callable[[Drill, float, float], float]


def run(task: Task) -> dict[str, Any]:
    """The comparison. Raises BadArgument for what is no report, and for a tolerance below zero."""
    tolerance = float(task.params["tolerance_percent"])
    if tolerance < 0:
        raise BadArgument("tolerance_percent: it cannot be less than 0.")
    before, after = (read_report(Path(task.params[name]), name) for name in ("before", "after"))
    rows = compare(before["scenarios"], after["scenarios"], tolerance)
    return {
        "changed": False,
        "table": [*_heading(before, after), *_table(rows)],
        "scenarios": rows,
        "better": [row["scenario"] for row in rows if row["change"] == BETTER],
        "worse": [row["scenario"] for row in rows if row["change"] in (WORSE, MIXED)],
    }


def compare(before: Sequence[Drill], after: Sequence[Drill], tolerance: float) -> list[dict[str, Any]]:
    """A row for every scenario of either, in the order of the later one. ``tolerance`` in percent."""
    old = {drill["scenario"]: drill for drill in before}
    rows = [_row(old.get(drill["scenario"]), drill, tolerance) for drill in after]
    names = {drill["scenario"] for drill in after}
    return rows + [_row(drill, None, tolerance) for drill in before if drill["scenario"] not in names]


def _row(old: Drill | None, new: Drill | None, tolerance: float) -> dict[str, Any]:
    known = new or old or {}
    row = {
        "scenario": known["scenario"],
        "title": known["title"],
        "before": old["verdict"] if old else None,
        "after": new["verdict"] if new else None,
    }
    if not old or not new:
        return row | {"change": ONLY_AFTER if new else ONLY_BEFORE, "figures": []}
    figures = [_compared(figure, old, new) for figure in _figures(tolerance)]
    return row | {"change": _change(old, new, figures), "figures": figures}


def _change(old: Drill, new: Drill, figures: Sequence[Mapping[str, Any]]) -> str:
    """By the verdict; where that is the same, by the figures."""
    verdicts = VERDICTS.index(new["verdict"]) - VERDICTS.index(old["verdict"])
    if verdicts:
        return WORSE if verdicts > 0 else BETTER
    found = {figure["change"] for figure in figures} & {BETTER, WORSE}
    return MIXED if len(found) > 1 else next(iter(found), SAME)


def _compared(figure: Figure, old: Drill, new: Drill) -> dict[str, Any]:
    before, after = figure.value(old), figure.value(new)
    return {
        "name": figure.name,
        "words": figure.words,
        "before": before,
        "after": after,
        "before_shown": figure.shown(before),
        "after_shown": figure.shown(after),
        "change": _difference(figure, old, new, before, after),
    }


def _difference(figure: Figure, old: Drill, new: Drill, before: float | None, after: float | None) -> str:
    if not old["figures"]["requests"] or not new["figures"]["requests"]:
        return NOT_MEASURED
    if before is None or after is None:
        # Of what was measured, nothing means never: no answer at all, or no recovery.
        return SAME if before is after else WORSE if after is None else BETTER
    noise = max(figure.noise(old, before, after), figure.noise(new, before, after))
    if abs(after - before) <= noise:
        return SAME
    return WORSE if after > before else BETTER


def _figures(tolerance: float) -> list[Figure]:
    def of_waits(_drill: Drill, before: float, after: float) -> float:
        return max(_UNNOTICED_MS, max(before, after) * tolerance / 100)

    def of_shares(_drill: Drill, before: float, after: float) -> float:
        # None and some are never the same, however few they are.
        return _PERCENTAGE_POINT if before and after else 0

    def of_recovery(drill: Drill, _before: float, _after: float) -> float:
        # How often one visitor asks: between two of its requests nothing is known.
        return len(drill["visitors"]) / drill["settings"]["rate"] if drill["settings"]["rate"] else 0

    def figure(name: str) -> Callable[[Drill], float | None]:
        return lambda drill: drill["figures"][name]

    return [
        Figure("let_in", "let in without a login", lambda drill: outcome_of([drill]).let_in, _counted, _none),
        Figure("bad_percent", "no good answer", lambda drill: outcome_of([drill]).bad_percent, percent, of_shares),
        Figure("longest_ms", "longest wait", figure("longest_ms"), wait, of_waits),
        Figure("settled_longest_ms", "longest wait from 3 s on", figure("settled_longest_ms"), wait, of_waits),
        Figure("p99_ms", "99 of 100 within", figure("p99_ms"), wait, of_waits),
        Figure("slow_percent", "slower than 0.5 s", figure("slow_percent"), percent, of_shares),
        Figure("recovery_seconds", "back after healing", figure("recovery_seconds"), seconds, of_recovery),
    ]


def _none(_drill: Drill, _before: float, _after: float) -> float:
    return 0


def _counted(value: float | None) -> str:
    return "-" if value is None else count(value)


def _heading(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, report in (("before", before), ("after", after)):
        yield from wrapped(f"{name:6}  {report['title']}, cluster {report['cluster']}, {report['time']}")
    yield ""


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lines = [_HEAD, *(line for row in rows for line in _lines(row))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    for line in lines:
        yield "  ".join(f"{text:{width}}" for text, width in zip(line, widths, strict=True)).rstrip()


def _lines(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The verdict, then what is not the same."""
    verdicts = (VERDICT_WORDS[row[name]] if row[name] else "-" for name in ("before", "after"))
    yield (row["scenario"], "verdict", *verdicts, row["change"].replace("_", " "))
    for figure in row["figures"]:
        if figure["change"] != SAME:
            shown = (figure["before_shown"], figure["after_shown"])
            yield ("", figure["words"], *shown, figure["change"].replace("_", " "))
