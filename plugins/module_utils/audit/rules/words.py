# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How rules put numbers and lists into words. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 3


def counted(number: int, what: str) -> str:
    """``1 host``, ``3 hosts``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def pods(number: int) -> str:
    """``1 pod``, ``3 pods``."""
    return counted(number, "pod")


def listed(names: Iterable[str], shown: int = _SHOWN) -> str:
    """The first names, and how many more there are."""
    everything = list(dict.fromkeys(names))
    more = len(everything) - shown
    return ", ".join(everything[:shown]) + (f" and {more} more" if more > 0 else "")
