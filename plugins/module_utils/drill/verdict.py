# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a drill ends with, and the exit code that stands for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

PASSED = "passed"
NOT_RUN = "not_run"
DEVIATED = "deviated"
INCONCLUSIVE = "inconclusive"
ROLLBACK_FAILED = "rollback_failed"

# From the best to the worst: a run is as good as its worst scenario.
VERDICTS = (PASSED, NOT_RUN, DEVIATED, INCONCLUSIVE, ROLLBACK_FAILED)
EXIT_CODES = {PASSED: 0, DEVIATED: 10, NOT_RUN: 11, INCONCLUSIVE: 12, ROLLBACK_FAILED: 13}


def worst(verdicts: Iterable[str]) -> str:
    """The worst of the verdicts; not_run where there is none."""
    return max(verdicts, key=VERDICTS.index, default=NOT_RUN)
