"""The table of how the ways of failing are felt: figures of each outage, and the files that they are written to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.integration.support_even_load import SLOW_SECONDS, EvenLoad, Reply

BUILD = Path(__file__).parents[2] / "build"


@dataclass(frozen=True)
class Row:
    """One outage. Times are milliseconds; ``settled`` ones are of what was asked from 3 s into the outage on.

    ``slow`` counts answers that took more than 0.5 s, ``slow_until_seconds`` is when the last of them was asked for.
    ``answers`` are by client and status, ``by_reason`` the fallback decisions that /metrics counted.
    """

    name: str
    requests: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    settled_p99_ms: float
    settled_longest_ms: float
    slow: int
    slow_until_seconds: float
    back_seconds: float
    answers: Mapping[str, Mapping[int, int]]
    by_reason: Mapping[str, int]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def row_of(
    name: str,
    load: EvenLoad,
    began: float,
    settled: float,
    over: float,
    *,
    back: float,
    by_reason: Mapping[str, int],
) -> Row:
    """The figures of what guarded sites answered from the beginning of an outage to its end."""
    replies = [reply for reply in load.between(began, over) if reply.who != "plain"]
    times = [reply.seconds * 1000 for reply in replies]
    late = [reply.seconds * 1000 for reply in replies if reply.sent >= settled]
    slow = [reply.sent - began for reply in replies if reply.seconds > SLOW_SECONDS]
    answers: dict[str, Counter[int]] = {}
    for reply in replies:
        answers.setdefault(reply.who, Counter())[reply.status] += 1
    return Row(
        name=name,
        requests=len(replies),
        p50_ms=round(percentile(times, 50), 1),
        p99_ms=round(percentile(times, 99), 1),
        longest_ms=round(max(times), 1),
        settled_p99_ms=round(percentile(late, 99), 1),
        settled_longest_ms=round(max(late), 1),
        slow=len(slow),
        slow_until_seconds=round(max(slow, default=0), 1),
        back_seconds=round(back, 1),
        answers={who: dict(sorted(found.items())) for who, found in sorted(answers.items())},
        by_reason={reason: number for reason, number in sorted(by_reason.items()) if number},
    )


COLUMNS = (
    "| Target | p50 | p99 | longest | from 3 s on: p99 | longest | slow of all | until | back after | counted as |"
)


def line_of(row: Row) -> str:
    """The row as Markdown."""
    reasons = ", ".join(f"{reason} {number}" for reason, number in row.by_reason.items()) or "-"
    cells = [row.name, *map(str, (row.p50_ms, row.p99_ms, row.longest_ms, row.settled_p99_ms, row.settled_longest_ms))]
    cells += [f"{row.slow} of {row.requests}", f"{row.slow_until_seconds} s", f"{row.back_seconds} s", reasons]
    return f"| {' | '.join(cells)} |"


@dataclass
class Figures:
    """The rows of one run, and every reply of a settled outage."""

    rows: list[Row] = field(default_factory=list)
    settled: list[Reply] = field(default_factory=list)

    def add(self, row: Row, load: EvenLoad, settled: float, over: float) -> None:
        """Take an outage in."""
        self.rows.append(row)
        self.settled += load.between(settled, over)
        slowest = sorted(load.replies, key=lambda reply: -reply.seconds)[:8]
        told = [f"{reply.who} {reply.status} {reply.seconds:.2f} s at {reply.sent - settled:.2f}" for reply in slowest]
        print(
            f"\n{COLUMNS}\n{line_of(row)}\n{json.dumps(row.answers)}\nslowest, by the settled time: {', '.join(told)}"
        )

    def write(self, name: str = "failure-table") -> None:
        """Write the table for people and for programs."""
        BUILD.mkdir(exist_ok=True)
        rule = "|" + "---|" * (COLUMNS.count("|") - 1)
        text = [COLUMNS, rule, *map(line_of, self.rows), ""]
        for who in ("guarded", "plain"):
            times = [reply.seconds * 1000 for reply in self.settled if (reply.who == "plain") == (who == "plain")]
            if times:
                figures = (
                    f"p50 {percentile(times, 50):.1f} ms, p99 {percentile(times, 99):.1f} ms, {len(times)} requests"
                )
                text.append(f"From 3 s on, {who} sites: {figures}")
        (BUILD / f"{name}.txt").write_text("\n".join(text) + "\n")
        (BUILD / f"{name}.json").write_text(json.dumps([asdict(row) for row in self.rows], indent=2) + "\n")
