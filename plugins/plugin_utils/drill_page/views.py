# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the page shows, worked out from the report: pairs of runs, sums, and charts in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import (
    BAD_KINDS,
    count,
    kinds_told,
    outcome_of,
    unmet_told,
    wait,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import PASSED

Drill = Mapping[str, Any]


def page_view(report: Mapping[str, Any]) -> dict[str, Any]:
    """All that the template loops over."""
    compared: Sequence[Drill] = report.get("compared", [])
    earlier = {drill["scenario"]: drill for drill in compared}
    scenarios = [_scenario(drill, earlier.get(drill["scenario"])) for drill in report["scenarios"]]
    names = {drill["scenario"] for drill in report["scenarios"]}
    return {
        "when": _when(report["time"]),
        "compared": bool(compared),
        "now": _run(report["scenarios"]),
        "before": _run(compared) if compared else None,
        "scenarios": scenarios,
        "gone": [drill for drill in compared if drill["scenario"] not in names],
    }


def _run(drills: Sequence[Drill]) -> dict[str, Any]:
    """Sums of a run. ``recovery`` is the slowest."""
    recoveries = [drill["figures"]["recovery_seconds"] for drill in drills]
    return {
        "outcome": outcome_of(drills),
        "recovery": max((each for each in recoveries if each is not None), default=None),
        "passed": sum(drill["verdict"] == PASSED for drill in drills),
        "scenarios": len(drills),
    }


def _scenario(drill: Drill, earlier: Drill | None) -> dict[str, Any]:
    runs = [("now", "Now", drill)] if earlier is None else [("before", "Before", earlier), ("now", "Now", drill)]
    return {
        "drill": drill,
        "earlier": earlier,
        "outcome": outcome_of([drill]),
        "unmet": unmet_told(drill),
        "earlier_outcome": outcome_of([earlier]) if earlier else None,
        "runs": [_run_view(f"{drill['scenario']}-{key}", label, each) for key, label, each in runs],
    }


def _run_view(name: str, label: str, drill: Drill) -> dict[str, Any]:
    """One run of one scenario. ``name`` is unique in the page."""
    seconds = drill["timeline"]
    return {
        "id": name,
        "label": label,
        "drill": drill,
        "marks": marks_of(drill["phases"]),
        "requests_told": requests_told(drill),
        "waits_told": waits_told(drill),
        "fallbacks": _total(second["fallbacks"] for second in seconds),
        "traefik": _total(second["traefik"] for second in seconds),
        "placement": placement_of(drill["placement"]),
    }


def _when(time: str) -> str:
    """As people write it: 2 January 2026, 03:04 UTC. What is no time is shown as it is."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return time
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def marks_of(phases: Mapping[str, int | None]) -> dict[str, float]:
    """Seconds from the fault to what followed it, by name, as the timeline counts them."""
    fault = phases["fault"]
    if fault is None:
        return {}
    found = {name: phases[name] for name in ("fault", "restored", "recovered")}
    return {name: (moment - fault) / 1000 for name, moment in found.items() if moment is not None}


def requests_told(drill: Drill) -> str:
    """The chart of requests in words: the bounds, the sum, and the worst second."""
    seconds = drill["timeline"]
    if not seconds:
        return "Nothing was measured."
    outcome = outcome_of([drill])
    worst = max(seconds, key=_bad)
    told = f"{_bounds(drill)} {count(outcome.requests)} requests: {kinds_told(drill['figures']['kinds'])}."
    if not _bad(worst):
        return f"{told} No second had a request without a good answer."
    return (
        f"{told} The worst second is {worst['second']}: {count(_bad(worst))} of {count(worst['requests'])} requests "
        "got no good answer."
    )


def waits_told(drill: Drill) -> str:
    """The chart of waits in words."""
    seconds = [second for second in drill["timeline"] if second["longest_ms"] is not None]
    if not seconds:
        return "Nothing was measured."
    worst = max(seconds, key=lambda second: second["longest_ms"])
    figures = drill["figures"]
    return (
        f"Half of the answers took at most {wait(figures['p50_ms'])}, and 99 of 100 at most {wait(figures['p99_ms'])}. "
        f"The longest wait is that of a request sent in second {worst['second']}: {wait(worst['longest_ms'])}. "
        f"From 3 s into the fault on it is {wait(figures['settled_longest_ms'])}."
    )


def _bad(second: Mapping[str, Any]) -> int:
    return sum(second["kinds"].get(kind, 0) for kind in BAD_KINDS)


def _bounds(drill: Drill) -> str:
    first, last = drill["timeline"][0]["second"], drill["timeline"][-1]["second"] + 1
    marks = marks_of(drill["phases"])
    told = f"From second {first} to {last}; the fault begins at second 0"
    for name in ("restored", "recovered"):
        if name in marks:
            told += f", {name} at {marks[name]:.1f}"
    return f"{told}." if marks else f"From second {first} to {last}; there was no fault."


def _total(counters: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for each in counters:
        for name, value in each.items():
            total[name] = total.get(name, 0) + value
    return dict(sorted(total.items()))


def placement_of(placement: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """By node its pods before and after, each with a mark where it came, went or moved, if both moments are known."""
    nodes: dict[str, dict[str, str]] = {pod["pod"]: {} for pods in placement.values() for pod in pods}
    for moment, pods in placement.items():
        for pod in pods:
            nodes[pod["pod"]][moment] = pod["node"]
    names = sorted({pod["node"] for pods in placement.values() for pod in pods})
    both = all(placement.values())
    return [
        {
            "node": node or "no node",
            **{
                moment: [
                    dict(pod) | {"mark": _mark(moment, nodes[pod["pod"]]) if both else ""}
                    for pod in pods
                    if pod["node"] == node
                ]
                for moment, pods in placement.items()
            },
        }
        for node in names
    ]


def _mark(moment: str, nodes: Mapping[str, str]) -> str:
    other = {"before": "after", "after": "before"}[moment]
    if other not in nodes:
        return {"before": "gone afterwards", "after": "new"}[moment]
    return "" if nodes[moment] == nodes[other] else "moved"
