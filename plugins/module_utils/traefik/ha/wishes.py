# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Traefik is to be like, as the module's options say it, and which of it cannot be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DO_NOT_SCHEDULE, SCHEDULE_ANYWAY = "DoNotSchedule", "ScheduleAnyway"
WISHES: dict[str, dict[str, Any]] = {
    "replicas": {"type": "int"},
    "when_unsatisfiable": {"type": "str", "choices": [DO_NOT_SCHEDULE, SCHEDULE_ANYWAY], "default": DO_NOT_SCHEDULE},
    "min_available": {"type": "int", "default": 2},
    "max_unavailable": {"type": "int"},
    "max_surge": {"type": "int"},
    "min_ready_seconds": {"type": "int", "default": 5},
    "readiness_delay": {"type": "int", "default": 5},
    "priority_class": {"type": "str", "default": ""},
    "dial_timeout": {"type": "str", "default": "2s"},
    "response_header_timeout": {"type": "str", "default": "30s"},
    "pre_stop_sleep": {"type": "int", "default": 5},
    "request_accept_grace_timeout": {"type": "int", "default": 10},
    "grace_timeout": {"type": "int", "default": 30},
    "termination_grace_period": {"type": "int", "default": 60},
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class Wishes:
    """The options of the same names. None and empty leave what is there, and so do ``min_available`` and
    ``pre_stop_sleep`` of 0. Numbers with a time in their name are seconds.
    """

    replicas: int | None
    when_unsatisfiable: str
    min_available: int
    max_unavailable: int | None
    max_surge: int | None
    min_ready_seconds: int
    readiness_delay: int
    priority_class: str
    dial_timeout: str
    response_header_timeout: str
    pre_stop_sleep: int
    request_accept_grace_timeout: int
    grace_timeout: int
    termination_grace_period: int

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Wishes:
        """Out of a module's parameters."""
        return cls(**{name: params[name] for name in WISHES})

    def faults(self) -> list[str]:
        """Which values cannot be meant, or do not add up: a sentence each, the option first."""
        numbers = {name: value for name in WISHES if isinstance(value := getattr(self, name), int)}
        found = [f"{name}: {value} is negative: give 0 or more" for name, value in numbers.items() if value < 0]
        if self.replicas == 0:
            found.append("replicas: 0 would take every site off the net: give 2 or more")
        return [*found, *self._timeout_faults(), *self._grace_faults()]

    def _timeout_faults(self) -> Iterator[str]:
        for name in ("dial_timeout", "response_header_timeout"):
            text = getattr(self, name)
            if (timeout := seconds_of(text)) is None:
                yield f"{name}: {text!r} is no time such as 30s or 1m30s; an empty one leaves it as it is"
            elif timeout == 0 and text:
                yield f"{name}: 0 means for ever: give a time, or an empty one to leave it as it is"

    def _grace_faults(self) -> list[str]:
        """Kubernetes counts its grace period from before the preStop hook; then Traefik runs its own two."""
        parts = ("pre_stop_sleep", "request_accept_grace_timeout", "grace_timeout")
        needed = sum(getattr(self, name) for name in parts)
        if needed < self.termination_grace_period:
            return []
        sums = " + ".join(f"{name} {getattr(self, name)} s" for name in parts)
        return [
            f"termination_grace_period: {self.termination_grace_period} s is not more than {sums} = {needed} s, so "
            f"Traefik would be killed while it still answers: give {needed + 5} or more, or shorten one of the others"
        ]


def seconds_of(duration: str) -> float | None:
    """The seconds of a time as Traefik reads it: Go's (``1m30s``) or a bare number of seconds; 0 for an empty one.

    None for what is neither.
    """
    text = duration.strip()
    if not text:
        return 0.0
    if text.isdigit():
        return float(text)
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
