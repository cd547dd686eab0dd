"""Writes docs/tested.md: what a run of `make test-all` covered, when, on which commit, and what it measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from lab import versions
from tests.stages.table import Figures

# What the page is made of: the newest run of each stage, by its name. A run of a few stages renews those.
KEPT = "tested.json"
OUTCOMES = ("passed", "failed", "skipped")


def write(path: Path, figures: Figures, names: Sequence[str], root: Path, now: datetime | None = None) -> None:
    """Write the page: what this run covered, and for those of `names` that it did not play, what an earlier one did."""
    kept = _kept(root / "build" / KEPT, figures, root, now or datetime.now(UTC))
    stages = {name: kept[name] for name in names if name in kept}
    facts = {
        "Result": result_of(stages, names),
        "Took": f"{sum(each['seconds'] for each in stages.values()) / 60:.0f} minutes, the sum of the stages, "
        f"on {os.cpu_count()} processors",
        "Lab": f"Kubernetes {versions.KUBERNETES_VERSION}, Traefik {versions.TRAEFIK_VERSIONS[0]}",
        "Controller": f"Python {platform.python_version()}, ansible-core {metadata.version('ansible-core')}",
    }
    lines = [
        "# What was tested, and when",
        "",
        "`make test-all` wrote this page: every behaviour in every variation. `make test` proves each behaviour once.",
        "A stage that was played again alone (`make test-all STAGES=NAME`) has its own commit and time.",
        "",
        *_table(("", ""), facts.items()),
        "",
        "## Stages",
        "",
        *_table(
            ("Stage", "Result", "Tests passed", "Failed", "Skipped", "Seconds", "Computed, seconds", "Commit", "When"),
            (_stage(name, stages.get(name)) for name in names),
        ),
        "",
        "## Variations",
        "",
        "Tests that are in no `make test`, by the reason for which they are left out there.",
        "",
        *_table(
            ("Variation", "Passed", "Failed", "Skipped", "Seconds"),
            _variations([test for each in stages.values() for test in each["tests"]]),
        ),
    ]
    measured = root / "build" / "failure-table.txt"
    if measured.exists():
        lines += ["", "## Every way of failing, as this run measured it", "", "```text"]
        lines += [*(line.rstrip() for line in measured.read_text().splitlines()), "```"]
    path.write_text("\n".join(lines) + "\n")


def _kept(path: Path, figures: Figures, root: Path, now: datetime) -> dict[str, dict[str, Any]]:
    """The newest run of each stage, with those of this run, which are noted."""
    kept: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    commit, moment = commit_of(root), now.strftime("%Y-%m-%d %H:%M UTC")
    for stage in figures.stages:
        tests = [test for test in figures.tests if test["stage"] == stage.name]
        kept[stage.name] = asdict(stage) | {"commit": commit, "when": moment, "tests": tests}
    path.write_text(json.dumps(kept) + "\n")
    return kept


def commit_of(root: Path) -> str:
    """The commit of the working tree, and whether it has changes on top."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{git('rev-parse', '--short=12', 'HEAD') or 'unknown'}{changed}"


def result_of(stages: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    """The sum in one line."""
    failed = [name for name, stage in stages.items() if stage["code"]]
    missing = [name for name in names if name not in stages]
    counted = _counted([test for stage in stages.values() for test in stage["tests"]])
    sums = ", ".join(f"{number} {outcome}" for outcome, number in zip(OUTCOMES, counted, strict=True))
    told = f"Tests: {sums}. Stages that failed: {', '.join(failed) or 'none'}"
    return f"{told}. Not played: {', '.join(missing)}" if missing else told


def _stage(name: str, stage: Mapping[str, Any] | None) -> tuple[str, ...]:
    if stage is None:
        return name, "not played", *("",) * 7
    result = f"not run: {stage['skipped']}" if stage["skipped"] else "failed" if stage["code"] else "passed"
    return (
        name,
        result,
        *_counted(stage["tests"]),
        f"{stage['seconds']:.0f}",
        f"{stage['cpu']:.0f}",
        stage["commit"],
        stage["when"],
    )


def _variations(tests: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    by_reason: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for test in tests:
        if test["variation"]:
            by_reason[test["variation"]].append(test)
    return [
        (reason, *_counted(each), f"{sum(test['seconds'] for test in each):.0f}")
        for reason, each in sorted(by_reason.items())
    ]


def _counted(tests: Sequence[Mapping[str, Any]]) -> list[str]:
    outcomes = [test["outcome"] for test in tests]
    return [str(outcomes.count(each)) for each in OUTCOMES]


def _table(header: Sequence[str], rows: Any) -> list[str]:
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]
