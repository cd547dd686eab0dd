# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What modules do with ``verify``: they look until all checks pass or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check, failure

# Nobody is left in silence for longer than this many seconds.
_SILENCE = 4.0
# Offenders that a check names; more are counted.
_NAMED = 5


def verified(
    look: Callable[[], Sequence[Check]],
    seconds: float,
    failed: type[errors.ResilientError],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """The module's result, ``checks`` in it, as soon as all that ``look`` finds passes.

    ``progress`` hears every few seconds what is waited for. Raises ``failed`` with the checks of the last look.
    """
    checks: Sequence[Check] = []
    told = time.monotonic()
    for left in tries(seconds):
        checks = look()
        lacking = [check for check in checks if not check.passed]
        if not lacking:
            return {"changed": False, "checks": [check.as_dict() for check in checks]}
        if left and time.monotonic() - told >= _SILENCE:
            told = time.monotonic()
            more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            progress(f"waiting up to {left:.0f} s more for {lacking[0].name} to be {lacking[0].expected}{more}")
    raise failed(failure(checks), checks=[check.as_dict() for check in checks])


def equal(name: str, expected: str, found: str) -> Check:
    """Passes when both words are the same."""
    return Check(name, expected == found, expected, found)


def none_lacks(name: str, count: int, lacking: Sequence[str]) -> Check:
    """Passes when none of that many is ``lacking``, and names the first few that are. None of none proves nothing."""
    if not count:
        return Check(name, False, "at least 1", "none")
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    found = f"{count - len(lacking)}, not {'; '.join(lacking[:_NAMED])}{more}" if lacking else str(count)
    return Check(name, not lacking, str(count), found)
