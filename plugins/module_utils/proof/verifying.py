# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What modules do with ``verify``: they look until all checks pass or the time is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check, failure

# Offenders that a check names; more are counted.
_NAMED = 5


def verified(
    look: Callable[[], Sequence[Check]], seconds: float, failed: type[errors.ResilientError]
) -> dict[str, Any]:
    """The module's result, ``checks`` in it, as soon as all that ``look`` finds passes.

    Raises ``failed`` with the checks of the last look.
    """
    checks: Sequence[Check] = []
    for _left in tries(seconds):
        checks = look()
        if all(check.passed for check in checks):
            return {"changed": False, "checks": [check.as_dict() for check in checks]}
    raise failed(failure(checks), checks=[check.as_dict() for check in checks])


def equal(name: str, expected: str, found: str) -> Check:
    """Passes when both words are the same."""
    return Check(name, expected == found, expected, found)


def none_lacks(name: str, count: int, lacking: Sequence[str]) -> Check:
    """Passes when none of that many is ``lacking``, and names the first few that are."""
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    found = f"{count - len(lacking)}, not {'; '.join(lacking[:_NAMED])}{more}" if lacking else str(count)
    return Check(name, not lacking, str(count), found)
