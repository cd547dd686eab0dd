# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How authentik and its PgBouncer are to run, as the module's options say it, and which of that contradicts itself.

No I/O. Keys and defaults of authentik as its configuration reference has them: docs/authentik.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DO_NOT_SCHEDULE, SCHEDULE_ANYWAY = "DoNotSchedule", "ScheduleAnyway"
_RESOURCES: dict[str, Any] = {
    "type": "dict",
    "default": {},
    "options": {"requests": {"type": "dict", "default": {}}, "limits": {"type": "dict", "default": {}}},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "conn_max_age": {"type": "int"},
    "conn_health_checks": {"type": "bool"},
    "cache_timeout_flows": {"type": "int"},
    "cache_timeout_policies": {"type": "int"},
    "web_workers": {"type": "int"},
    "web_threads": {"type": "int"},
    "worker_processes": {"type": "int"},
    "worker_threads": {"type": "int"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "server_replicas": {"type": "int", "default": 3},
    "worker_replicas": {"type": "int", "default": 3},
    "when_unsatisfiable": {"type": "str", "choices": [DO_NOT_SCHEDULE, SCHEDULE_ANYWAY], "default": SCHEDULE_ANYWAY},
    "priority_class": {"type": "str", "default": ""},
    "termination_grace_period": {"type": "int", "default": 0},
    "server_resources": _RESOURCES,
    "worker_resources": _RESOURCES,
    "settings": {"type": "dict", "default": {}, "options": SETTINGS},
    "pool": {"type": "bool", "default": True},
    "pool_min_available": {"type": "str", "default": "2"},
    "pool_resources": _RESOURCES,
}
# At least one of each is needed to do anything at all.
_AT_LEAST_ONE = ("web_workers", "web_threads", "worker_processes", "worker_threads")


@dataclass(frozen=True)
class DesiredState:
    """The options of the same names. ``replicas`` of 0, and what is empty, are left as they are.

    ``settings`` has only those that were given. ``termination_grace_period`` is in seconds.
    """

    server_replicas: int
    worker_replicas: int
    when_unsatisfiable: str
    priority_class: str
    termination_grace_period: int
    server_resources: Mapping[str, Mapping[str, Any]]
    worker_resources: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]
    pool: bool
    pool_min_available: str
    pool_resources: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> DesiredState:
        """Return it out of a module's parameters."""
        given = {name: value for name, value in (params["settings"] or {}).items() if value is not None}
        return cls(**{name: params[name] for name in OPTIONS if name != "settings"}, settings=given)

    def faults(self) -> list[str]:
        """Return which values cannot be meant: a sentence each, the option first."""
        return list(self._faults())

    def _faults(self) -> Iterator[str]:
        for name in ("server_replicas", "worker_replicas", "termination_grace_period"):
            if getattr(self, name) < 0:
                yield f"{name}: {getattr(self, name)} is negative: give 0 or more"
        for name, value in self.settings.items():
            least = 1 if name in _AT_LEAST_ONE else 0
            if not isinstance(value, bool) and value < least:
                yield f"settings: {name} {value} is too low: give {least} or more"
