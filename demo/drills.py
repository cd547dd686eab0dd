"""The same drills before hardening and after it, and their report side by side."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.drill import report_diff
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import DEVIATED, PASSED
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from demo.plays import BUILD, CLUSTER, play, say

SCENARIOS = ["forward_auth_hung", "bot_block_down"]
SECONDS = 6
BEFORE = BUILD / f"drill-before-{CLUSTER}.json"
AFTER = BUILD / f"drill-{CLUSTER}.json"
PAGE = AFTER.with_suffix(".html")


def drill_before(kubeconfig: Path) -> None:
    """What breaks while nothing is hardened. That something does is the point: nothing else may be the verdict."""
    _drill(kubeconfig, BEFORE)


def drill_after(kubeconfig: Path) -> bool:
    """Whether every drill passed. Writes the page with both runs and prints what became of it."""
    passed = _drill(kubeconfig, AFTER, compared=str(BEFORE))
    compared = report_diff.run(
        Task({"before": str(BEFORE), "after": str(AFTER), "tolerance_percent": report_diff.TOLERANCE_PERCENT})
    )
    say("\n".join(["", *compared["table"], ""]))
    before = {row["before"] for row in compared["scenarios"]}
    if before != {DEVIATED}:
        say(
            f"before hardening the verdicts were {', '.join(sorted(map(str, before)))}, not only {DEVIATED}; the "
            "report says why. Where the machine was too busy to measure, run make demo again with nothing else on it."
        )
    return passed and {row["after"] for row in compared["scenarios"]} == {PASSED}


def _drill(kubeconfig: Path, report: Path, *, compared: str = "") -> bool:
    report.unlink(missing_ok=True)
    variables: dict[str, object] = {
        "resilient_traefik_drill_scenarios": SCENARIOS,
        "resilient_traefik_drill_seconds": SECONDS,
        "resilient_traefik_drill_report": report.stem.removesuffix(f"-{CLUSTER}"),
    }
    if compared:
        variables["resilient_traefik_drill_compared"] = compared
    passed = play("drill", kubeconfig, variables, may_fail=True)
    if not report.is_file():
        sys.exit("The drills made no report: see above.")
    return passed
