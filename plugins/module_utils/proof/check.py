# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A check: what is proved, what was expected and what was found. Everything that proves something tells it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """``name`` says what is proved; ``expected`` and ``found`` are words for people, without secrets."""

    name: str
    passed: bool
    expected: str
    found: str

    def as_dict(self) -> dict[str, Any]:
        """The entry of the result ``checks``."""
        return {"name": self.name, "passed": self.passed, "expected": self.expected, "found": self.found}

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}; found {self.found}"


def failure(checks: Sequence[Check]) -> str:
    """The message of a task some of whose checks did not pass: each of these on a line of its own."""
    failed = [check for check in checks if not check.passed]
    return "\n".join([f"{len(failed)} of {len(checks)} checks did not pass:", *(f"- {check}" for check in failed)])
