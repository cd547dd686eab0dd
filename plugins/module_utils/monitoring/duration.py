# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Durations as Prometheus takes them (model.ParseDuration of prometheus/common). Pure."""

from __future__ import annotations

import re

_DURATION = re.compile(r"0|(?=.)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?")


def duration_problem(given: str) -> str:
    """Why Prometheus takes it for no duration, in words that follow it; empty when it does."""
    return "" if _DURATION.fullmatch(given) else "is no duration such as 2m or 1h30m"
