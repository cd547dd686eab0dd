"""Turns samples into the table of RESULTS.md."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

Series = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Goal:
    """``ours`` is to stay under ``factor`` times ``rival``, or under ``limit``, in the unit of the samples.

    ``plays`` says which of the two ran in a play, whose floor is then taken off.
    """

    what: str
    ours: str
    factor: float = 0.0
    rival: str = ""
    limit: float = 0.0
    unit: str = "s"
    divide: int = 1
    off_ours: bool = True
    off_rival: bool = True


GOALS = (
    Goal("36 objects, first, beside one k8s task an object", "apply, first", 1 / 20, "k8s, a task an object, first"),
    Goal("36 objects, again, beside one k8s task an object", "apply, again", 1 / 20, "k8s, a task an object, again"),
    Goal("36 objects, first, beside one k8s task", "apply, first", 0.6, "k8s, one task, first"),
    Goal("36 objects, again, beside one k8s task", "apply, again", 0.6, "k8s, one task, again"),
    Goal(
        "36 objects, first, beside kubectl apply --server-side",
        "apply, first",
        1.2,
        "kubectl apply, first",
        off_rival=False,
    ),
    Goal(
        "36 objects, again, beside kubectl apply --server-side",
        "apply, again",
        1.2,
        "kubectl apply, again",
        off_rival=False,
    ),
    Goal("20 kinds in one task, beside 20 k8s_info tasks", "read, 20 kinds", 0.1, "k8s_info, 20 kinds"),
    Goal(
        "2,000 Ingresses and 500 Middlewares, the requests alone, beside kubectl get --raw",
        "requests of read",
        1.2,
        "kubectl get --raw",
        off_ours=False,
        off_rival=False,
    ),
    Goal("the same lists as a whole task, beside k8s_info", "read, 2,500 objects", 0.4, "k8s_info, 2,500 objects"),
    Goal("the same lists, memory that the task process adds", "memory of read", limit=100, unit="MB", off_ours=False),
    Goal(
        "a middleware out of the chains of 2,000 Ingresses, beside putting it in one by one",
        "chain, first",
        0.5,
        "patching one by one",
        off_rival=False,
    ),
    Goal("the same again, nothing to change, beside listing them", "chain, again", 1.5, "read, 2,000 Ingresses"),
    Goal("a task that fails its arguments", "argument error, ten tasks", limit=0.06, divide=10),
    *(
        Goal(
            f"1,000 requests by the fallback proxy, {number} connections, beside ForwardAuth direct",
            f"1,000 requests: fallback proxy, {number} connections",
            1 / 0.88,
            f"1,000 requests: ForwardAuth direct, {number} connections",
            off_ours=False,
            off_rival=False,
        )
        for number in (32, 2)
    ),
    Goal(
        "1,000 requests while the target hangs, beside a plain nginx with a time limit",
        "1,000 requests: fallback proxy, target hung",
        1 / 100,
        "1,000 requests: plain nginx, target hung",
        off_ours=False,
        off_rival=False,
    ),
)


def table(series: Series) -> str:
    """One line a goal whose samples are there, as Markdown."""
    lines = [
        "| What | Ours | Beside | Ratio | Target | Reached |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [_line(goal, series) for goal in GOALS if _measured(goal, series)]) + "\n"


def missed(series: Series) -> list[str]:
    """The goals that were not reached."""
    return [goal.what for goal in GOALS if _measured(goal, series) and not _reached(goal, series)]


def _measured(goal: Goal, series: Series) -> bool:
    return goal.ours in series and (not goal.rival or goal.rival in series)


def _line(goal: Goal, series: Series) -> str:
    ours = _values(goal, series, goal.ours, goal.off_ours)
    if goal.rival:
        rival = _values(goal, series, goal.rival, goal.off_rival)
        beside, ratio = _shown(rival, goal.unit), f"{_median(ours) / _median(rival):.3f}"
        target = f"at most {goal.factor:.3g} times"
    else:
        beside, ratio, target = "", "", f"under {_text(goal.limit, goal.unit)}"
    verdict = "yes" if _reached(goal, series) else "**no**"
    return f"| {goal.what} | {_shown(ours, goal.unit)} | {beside} | {ratio} | {target} | {verdict} |"


def _reached(goal: Goal, series: Series) -> bool:
    ours = _median(_values(goal, series, goal.ours, goal.off_ours))
    if not goal.rival:
        return ours < goal.limit
    return ours <= goal.factor * _median(_values(goal, series, goal.rival, goal.off_rival))


def _values(goal: Goal, series: Series, name: str, off: bool) -> list[float]:
    floor = _median(series["floor"]) if off else 0.0
    return [(value - floor) / goal.divide for value in series[name]]


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _shown(values: Sequence[float], unit: str) -> str:
    return f"{_text(_median(values), unit)} ({_text(min(values), unit)} to {_text(max(values), unit)})"


def _text(value: float, unit: str) -> str:
    if unit == "MB":
        return f"{value:.0f} MB"
    return f"{value * 1000:.0f} ms" if abs(value) < 1 else f"{value:.2f} s"


def written(series: Series, secrets: Mapping[str, bool], versions: Mapping[str, str], rounds: int) -> str:
    """The whole RESULTS.md."""
    facts = {
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "ansible-core": metadata.version("ansible-core"),
        "kubernetes (Python)": metadata.version("kubernetes"),
        **versions,
    }
    floor = _shown(series["floor"], "s")
    shown = "; ".join(f"{who} {'prints' if leaks else 'does not print'} them" for who, leaks in secrets.items())
    parts = [
        "# What `make bench` measured",
        f"Medians of {rounds} rounds with the smallest and the largest value, all contenders in turns in the same run "
        f"on the lab. The time of an empty play, {floor}, is taken off what ran in a play. kubectl's times are whole.",
        table(series).rstrip(),
        f"Values of a Secret under `--check --diff`, old and new: {shown}.",
        "Machine: " + ", ".join(f"{name} {value}" for name, value in facts.items()) + ".",
        "All figures, before anything is taken off:",
        _all(series),
    ]
    return "\n\n".join(parts) + "\n"


def _all(series: Series) -> str:
    lines = ["| What | Median | Smallest | Largest |", "|---|---|---|---|"]
    for name, values in series.items():
        unit = "MB" if name.startswith("memory") else "s"
        shown = (_text(value, unit) for value in (_median(values), min(values), max(values)))
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)
