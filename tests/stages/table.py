"""The table that closes `make test`: where the time went, by stage, by file, and by what was waited for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SHOWN = 20


@dataclass(frozen=True)
class StageTime:
    """One stage: when it began, how long it took and how much it computed, in seconds."""

    name: str
    code: int
    began: float
    seconds: float
    cpu: float
    skipped: str = ""


@dataclass(frozen=True)
class Sum:
    """Many durations of one thing, in seconds."""

    name: str
    count: int
    seconds: float
    cpu: float = 0.0


@dataclass(frozen=True)
class Figures:
    """All that one run took."""

    depth: str
    seconds: float
    stages: Sequence[StageTime]
    tests: Sequence[dict[str, Any]]
    files: Sequence[Sum]
    waits: Sequence[Sum]
    tasks: Sequence[Sum]

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def outcomes(self) -> dict[str, int]:
        """The number of tests by outcome."""
        counted = dict.fromkeys(("passed", "failed", "skipped"), 0)
        for test in self.tests:
            counted[test["outcome"]] += 1
        return counted

    def table(self) -> str:
        """As text, closing with the sums."""
        lines = ["", f"{'stage':<12} {'began':>7} {'took':>7} {'computed':>9}", *map(_stage_line, self.stages)]
        lines += _part("files of tests", self.files, computed=True)
        lines += _part("waits of tests", self.waits)
        lines += _part("tasks of playbooks", self.tasks)
        counted = self.outcomes()
        lines += ["", f"the whole run took {self.seconds:.0f} s (build/durations.json has every test)"]
        # In the words that programs look for.
        lines += ["{passed} passed, {failed} failed, {skipped} skipped".format(**counted)]
        return "\n".join(lines)


def collect(depth: str, seconds: float, stages: Sequence[StageTime], folder: Path) -> Figures:
    """The figures of a run, from the files that tests/stages/durations.py and the callback wrote below `folder`."""
    lines = [
        {"stage": file.parent.name} | json.loads(line)
        for file in sorted(folder.glob("*/*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        by_kind[line.pop("kind")].append(line)
    tests = by_kind["test"]
    return Figures(
        depth,
        round(seconds, 1),
        stages,
        tests,
        _sums(test | {"what": test["id"].split("::")[0]} for test in tests),
        _sums(by_kind["wait"]),
        _sums(task | {"what": f"{task['module'].rpartition('.')[2]}: {task['what']}"} for task in by_kind["task"]),
    )


def _sums(lines: Iterable[dict[str, Any]]) -> list[Sum]:
    seconds: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, float] = defaultdict(float)
    for line in lines:
        seconds[line["what"]].append(line["seconds"])
        cpu[line["what"]] += line.get("cpu", 0.0)
    sums = [Sum(name, len(each), round(sum(each), 1), round(cpu[name], 1)) for name, each in seconds.items()]
    return sorted(sums, key=lambda each: -each.seconds)


def _stage_line(stage: StageTime) -> str:
    if stage.skipped:
        return f"{stage.name:<12} not run: {stage.skipped}"
    failed = "  FAILED" if stage.code else ""
    return f"{stage.name:<12} {stage.began:>6.0f}s {stage.seconds:>6.0f}s {stage.cpu:>8.0f}s{failed}"


def _part(title: str, sums: Sequence[Sum], *, computed: bool = False) -> list[str]:
    if not sums:
        return []
    header = f"{'took':>8} {'computed':>9} {'times':>6}  {title}" if computed else f"{'took':>8} {'times':>6}  {title}"
    lines = ["", header]
    for each in sums[:SHOWN]:
        cpu = f" {each.cpu:>8.0f}s" if computed else ""
        lines.append(f"{each.seconds:>7.0f}s{cpu} {each.count:>6}  {each.name[:110]}")
    return lines
