"""Writes docs/tested.md: what a run of `make test-all` covered, when, on which commit, and what it measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from lab import versions
from tests.stages.table import Figures


@dataclass
class Covered:
    """The tests of one reason to vary: how many came to which end, and their seconds."""

    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, test: Mapping[str, Any]) -> None:
        """Count one test."""
        self.seconds += test["seconds"]
        self.outcomes[test["outcome"]] += 1


def write(path: Path, figures: Figures, root: Path, now: datetime | None = None) -> None:
    """Write the page for this run."""
    moment = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    facts = {
        "When": moment,
        "Commit": commit_of(root),
        "Result": result_of(figures),
        "Took": f"{figures.seconds / 60:.0f} minutes on {os.cpu_count()} processors",
        "Lab": f"Kubernetes {versions.KUBERNETES_VERSION}, Traefik {versions.TRAEFIK_VERSIONS[0]}",
        "Controller": f"Python {platform.python_version()}, ansible-core {metadata.version('ansible-core')}",
    }
    lines = [
        "# What was tested, and when",
        "",
        "`make test-all` wrote this page: every behaviour in every variation. `make test` proves each behaviour once.",
        "",
        *_table(("", ""), facts.items()),
        "",
        "## Stages",
        "",
        *_table(("Stage", "Result", "Seconds", "Computed, seconds"), map(_stage, figures.stages)),
        "",
        "## Variations",
        "",
        "Tests that are in no `make test`, by the reason for which they are left out there.",
        "",
        *_table(("Variation", "Passed", "Failed", "Skipped", "Seconds"), _variations(figures.tests)),
    ]
    measured = root / "build" / "failure-table.txt"
    if measured.exists():
        lines += ["", "## Every way of failing, as this run measured it", "", "```text"]
        lines += [*(line.rstrip() for line in measured.read_text().splitlines()), "```"]
    path.write_text("\n".join(lines) + "\n")


def commit_of(root: Path) -> str:
    """The commit of the working tree, and whether it has changes on top."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{git('rev-parse', '--short=12', 'HEAD') or 'unknown'}{changed}"


def result_of(figures: Figures) -> str:
    """The sum in one line."""
    failed = [stage.name for stage in figures.stages if stage.code]
    counted = figures.outcomes()
    sums = f"{counted['passed']} tests passed, {counted['failed']} failed, {counted['skipped']} skipped"
    return f"{sums}; stages that failed: {', '.join(failed) or 'none'}"


def _stage(stage: Any) -> tuple[str, ...]:
    result = f"not run: {stage.skipped}" if stage.skipped else "failed" if stage.code else "passed"
    return stage.name, result, f"{stage.seconds:.0f}", f"{stage.cpu:.0f}"


def _variations(tests: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    by_reason: dict[str, Covered] = defaultdict(Covered)
    for test in tests:
        if test["variation"]:
            by_reason[test["variation"]].add(test)
    return [
        (reason, *(str(covered.outcomes[each]) for each in ("passed", "failed", "skipped")), f"{covered.seconds:.0f}")
        for reason, covered in sorted(by_reason.items())
    ]


def _table(header: Sequence[str], rows: Any) -> list[str]:
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]
