# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a drill may begin at all: the allowed time of the week, production, and time enough to heal. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")


def window_fault(windows: Iterable[Mapping[str, Any]], now: datetime) -> str:
    """Why a drill may not begin at this time (with its time zone), empty when it may.

    A window has ``days`` (all by default), ``from``, ``to`` (the next day's when not later) and ``timezone``.
    Raises BadArgument for one that cannot be read.
    """
    given = list(windows)
    if not given or any(_is_inside(window, now) for window in given):
        return ""
    listed = "; ".join(_in_words(window) for window in given)
    return f"window: it is {now.astimezone(_zone(given[0])).strftime('%a %H:%M %Z')}, and drills are allowed {listed}"


def production_fault(production: bool, confirm: str, cluster: str) -> str:
    """Why a drill may not begin on a production cluster, empty when it may."""
    if not production or confirm == cluster:
        return ""
    given = f", not {confirm!r}" if confirm else ""
    return f"confirm: this is a production cluster; to break something there give its name, confirm={cluster}{given}"


def expiry_fault(expiry: float, needed: float) -> str:
    """Why the time after which the cluster heals itself is too short, empty when it is not."""
    if expiry >= needed:
        return ""
    return (
        f"expiry: the drill takes up to {needed:g} s, and would be healed after {expiry:g} s: give {needed:g} or more"
    )


def _is_inside(window: Mapping[str, Any], now: datetime) -> bool:
    local = now.astimezone(_zone(window))
    begin, end = _minutes(window, "from", "00:00"), _minutes(window, "to", "24:00")
    days, today, minute = _days(window), DAYS[local.weekday()], local.hour * 60 + local.minute
    if begin < end:
        return today in days and begin <= minute < end
    yesterday = DAYS[local.weekday() - 1]
    return (today in days and minute >= begin) or (yesterday in days and minute < end)


def time_zone_problem(name: str) -> str:
    """Return why a text names no time zone, in words that follow it; empty when it names one."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "is no time zone such as Europe/Berlin"
    return ""


def time_of_day_problem(text: str) -> str:
    """Return why a text is no time of the day, in words that follow it; empty when it is one."""
    return "" if _TIME.fullmatch(text) else "is no time such as 09:30"


def weekday_problem(text: str) -> str:
    """Return why a text is no day of the week, in words that follow it; empty when it is one."""
    return "" if text.lower()[:3] in DAYS else f"is none of {', '.join(DAYS)}"


def _zone(window: Mapping[str, Any]) -> ZoneInfo:
    name = str(window.get("timezone") or "UTC")
    _hold("timezone", name, time_zone_problem)
    return ZoneInfo(name)


def _days(window: Mapping[str, Any]) -> set[str]:
    given = [str(day) for day in window.get("days") or DAYS]
    for day in given:
        _hold("days", day, weekday_problem)
    return {day.lower()[:3] for day in given}


def _hold(key: str, text: str, problem_of: Callable[[str], str]) -> None:
    if problem := problem_of(text):
        raise BadArgument(f"window.{key}: {text!r} {problem}")


def _minutes(window: Mapping[str, Any], key: str, default: str) -> int:
    text = str(window.get(key) or default)
    _hold(key, text, time_of_day_problem)
    if text == "24:00":
        return 24 * 60
    moment = time.fromisoformat(text.rjust(5, "0"))
    return moment.hour * 60 + moment.minute


def _in_words(window: Mapping[str, Any]) -> str:
    days = _days(window)
    named = "every day" if len(days) == len(DAYS) else " ".join(day for day in DAYS if day in days)
    return f"{named} {window.get('from') or '00:00'} to {window.get('to') or '24:00'} {_zone(window)}"
