# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a fleet is taken: the canaries first, then the rest in batches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# For Ansible's `serial`: all that are left.
ALL = 0


def batches(canaries: int, serial: Any = None) -> list[int | str]:
    """Sizes of batches as the keyword ``serial`` takes them: numbers, or percentages as texts. The last one repeats.

    ``canaries`` is how many hosts the first batch has, 0 where there are none. ``serial`` is a size or a list.
    """
    given: Sequence[Any] = serial if isinstance(serial, list) else [serial]
    rest = [_size(each) for each in given if each not in (None, "")]
    first: list[int | str] = [canaries] if canaries else []
    return [*first, *(rest or [ALL])]


def _size(value: Any) -> int | str:
    """Raises ValueError for what is neither a number nor a percentage."""
    text = str(value).strip()
    number = int(text.removesuffix("%"))
    if number < 0:
        raise ValueError(f"{text} is less than none")
    return text if text.endswith("%") else number
