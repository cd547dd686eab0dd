"""Turns what was measured into the tables of RESULTS.md."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib import metadata

from bench.goals import GOALS, Goal
from bench.results import Results, Section

# By the first word of a figure's name; seconds where there is none of these.
UNITS = {"memory": "MB", "rate": "/s", "share": "%", "number": ""}


def written(results: Results) -> str:
    """The whole RESULTS.md."""
    facts = {
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "ansible-core": metadata.version("ansible-core"),
        "kubernetes (Python)": metadata.version("kubernetes"),
        **results.versions,
    }
    parts = [
        "# What `make bench` measured",
        "Medians of the rounds with the smallest and the largest value, all contenders of a case in turns in the same "
        "run on the lab, those of `auditing` on API servers of the bench's own. The time of an empty play is taken off "
        "what ran in a play. kubectl's times are whole. Figures per second (/s) are better when larger, all others "
        "when smaller.",
        table(results).rstrip(),
        *([_secrets(results.secrets)] if results.secrets else []),
        "Machine: "
        + ", ".join(f"{name} {value}" for name, value in facts.items())
        + ". The lab, the load and whatever "
        "else runs share its cores; the load averages below are of the last minute before each measurement.",
        "All figures, before anything is taken off:",
        *(_all(name, section) for name, section in results.sections.items()),
    ]
    return "\n\n".join(parts) + "\n"


def table(results: Results) -> str:
    """One line a goal whose samples are there, as Markdown."""
    lines = [
        "| What | Ours | Beside | Ratio | Target | Reached |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [_line(goal, results) for goal in _measured(results)]) + "\n"


def missed(results: Results) -> list[str]:
    """The goals that were not reached."""
    return [goal.what for goal in _measured(results) if not _reached(goal, results)]


def _measured(results: Results) -> list[Goal]:
    names = results.series().keys()
    return [goal for goal in GOALS if goal.ours in names and (not goal.rival or goal.rival in names)]


def _line(goal: Goal, results: Results) -> str:
    unit, ours = unit_of(goal.ours), _values(goal, results, goal.ours, goal.off_ours)
    beside = ratio = ""
    if goal.rival:
        rival = _values(goal, results, goal.rival, goal.off_rival)
        beside, ratio = _shown(rival, unit), f"{_median(ours) / _median(rival):.3g}"
    verdict = "yes" if _reached(goal, results) else "**no**"
    return f"| {goal.what} | {_shown(ours, unit)} | {beside} | {ratio} | {_target(goal, unit)} | {verdict} |"


def _target(goal: Goal, unit: str) -> str:
    if not goal.rival:
        return f"at most {_text(goal.limit, unit)}"
    if goal.more:
        return f"at most {_text(goal.more, unit)} more"
    return f"at {'least' if goal.least else 'most'} {goal.factor:.3g} times"


def _reached(goal: Goal, results: Results) -> bool:
    ours = _median(_values(goal, results, goal.ours, goal.off_ours))
    if not goal.rival:
        return ours <= goal.limit
    rival = _median(_values(goal, results, goal.rival, goal.off_rival))
    if goal.more:
        return ours <= rival + goal.more
    return ours >= goal.factor * rival if goal.least else ours <= goal.factor * rival


def _values(goal: Goal, results: Results, name: str, off: bool) -> list[float]:
    section = results.section_of(name)
    floor = _median(section.series["floor"]) if off else 0.0
    return [(value - floor) / goal.divide for value in section.series[name]]


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _shown(values: Sequence[float], unit: str) -> str:
    return f"{_text(_median(values), unit)} ({_text(min(values), unit)} to {_text(max(values), unit)})"


def unit_of(name: str) -> str:
    """The unit of the figure with that name."""
    return UNITS.get(name.replace(":", " ").split(" ")[0], "s")


def _text(value: float, unit: str) -> str:
    if unit == "s":
        return _time(value)
    if unit == "/s":
        return f"{value:,.1f}/s" if value < 100 else f"{value:,.0f}/s"
    number = f"{value:.0f}" if unit == "MB" else f"{value:.3g}"
    return f"{number} {unit}".strip()


def _time(seconds: float) -> str:
    if abs(seconds) >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if abs(seconds) >= 0.1 else f"{seconds * 1000:.3g} ms"


def _secrets(secrets: Mapping[str, bool]) -> str:
    shown = "; ".join(f"{who} {'prints' if leaks else 'does not print'} them" for who, leaks in secrets.items())
    return f"Values of a Secret under `--check --diff`, old and new: {shown}."


def _all(name: str, section: Section) -> str:
    heading = f"`{name}`: {section.rounds} rounds on {section.when}, load average {_loads(section.loads)}"
    if section.discarded:
        heading += f", {section.discarded} measurements made again because an answer was not as it should be"
    lines = ["| What | Median | Smallest | Largest |", "|---|---|---|---|"]
    for what, values in section.series.items():
        shown = (_text(value, unit_of(what)) for value in (_median(values), min(values), max(values)))
        lines.append(f"| {what} | {' | '.join(shown)} |")
    return heading + "\n\n" + "\n".join(lines)


def _loads(loads: Sequence[float]) -> str:
    return f"{_median(loads):.1f} ({min(loads):.1f} to {max(loads):.1f})" if loads else "not noted"
