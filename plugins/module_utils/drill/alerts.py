# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which alerts fire during a drill and when they resolve, as Prometheus itself tells every second."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check

# Of one alert: seconds from the fault until it fires, and from the restoring until it is resolved.
_TIMES = ("fires", "resolves")
_EVERY_SECONDS = 1.0
# The names of the alerts of this collection that fire now.
Reader = Callable[[], set[str]]


@dataclass(frozen=True)
class AlertTimes:
    """The most that it may take: ``fires`` seconds from the fault, ``resolves`` seconds from the restoring.

    ``resolves`` is None where nobody waits for that: some alerts fire on for as long as they look back.
    """

    fires: float = 180.0
    resolves: float | None = 180.0


@dataclass
class Seen:
    """When an alert was first seen firing and first seen resolved after that, in epoch seconds."""

    fired: float | None = None
    resolved: float | None = None


def alerts_from(given: object) -> dict[str, AlertTimes]:
    """What the user expects by alert, as ``{NAME: {fires: 60, resolves: 120}}``. Raises BadArgument."""
    if not isinstance(given, Mapping):
        raise BadArgument(f"alerts: {given!r} must say by the alert's name what is expected of it")
    return {str(name): _times(str(name), times) for name, times in given.items()}


def _times(name: str, given: object) -> AlertTimes:
    if given is not None and (not isinstance(given, Mapping) or set(given) - set(_TIMES)):
        raise BadArgument(f"alerts.{name}: {given!r} may have {' and '.join(_TIMES)}, in seconds")
    try:
        return AlertTimes(**{key: _seconds(key, value) for key, value in (given or {}).items()})
    except (TypeError, ValueError):
        raise BadArgument(f"alerts.{name}: {given!r} must give seconds") from None


def _seconds(key: str, value: Any) -> Any:
    return None if value is None and key == "resolves" else float(value)


@dataclass
class AlertWatch:
    """Looks while ``running`` lasts. ``expected`` by name; ``read`` asks Prometheus, now and then in vain.

    What fires before the fault is left out, and said in ``before``.
    """

    expected: Mapping[str, AlertTimes]
    read: Reader
    clock: Callable[[], float] = time.time
    before: set[str] = field(default_factory=set)
    seen: dict[str, Seen] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _over: Event = field(default_factory=Event)
    # One thread adds to ``seen`` while another goes through it.
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def running(self) -> Iterator[AlertWatch]:
        """Looks every second. Raises ResilientError where Prometheus cannot be asked at first."""
        if not self.expected:
            yield self
            return
        self.before = self.read()
        looking = Thread(target=self._look_again, name="alerts", daemon=True)
        looking.start()
        try:
            yield self
        finally:
            self._over.set()
            looking.join()

    def look(self) -> None:
        """One look."""
        firing, now = self.read(), self.clock()
        with self._lock:
            for name in firing - self.before:
                seen = self.seen.setdefault(name, Seen())
                seen.fired = seen.fired or now
                seen.resolved = None
            for name, seen in self.seen.items():
                if name not in firing and seen.resolved is None:
                    seen.resolved = now

    def have_fired(self) -> bool:
        """Whether all that are expected have fired."""
        return all(name in self.seen or name in self.before for name in self.expected)

    def are_resolved(self) -> bool:
        """Whether nothing that began to fire still fires, but for what nobody waits for."""
        with self._lock:
            return all(seen.resolved for name, seen in self.seen.items() if self._is_waited_for(name))

    def longest_wait(self, of: str) -> float:
        """The longest of the expected times ``fires`` or ``resolves``, in seconds; 0 when nothing is expected."""
        return max((getattr(times, of) or 0.0 for times in self.expected.values()), default=0.0)

    def _is_waited_for(self, name: str) -> bool:
        return name not in self.expected or self.expected[name].resolves is not None

    def _look_again(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            # Prometheus may be where the fault is: what it tells next counts.
            with contextlib.suppress(ResilientError):
                self.look()


def judged(watch: AlertWatch, fault: float | None, restored: float | None) -> list[Check]:
    """The checks of an ended watch: each expected alert fires and resolves in time, and no other fires."""
    if not watch.expected:
        return []
    checks = []
    for name, times in watch.expected.items():
        seen = watch.seen.get(name, Seen())
        if name in watch.before:
            found = "it fired before the fault already"
            checks.append(Check(f"alert {name}", passed=False, expected="silent before the fault", found=found))
            continue
        checks.append(_in_time(f"alert {name} fires", times.fires, fault, seen.fired))
        if seen.fired is not None and times.resolves is not None:
            checks.append(_in_time(f"alert {name} resolves", times.resolves, restored, seen.resolved))
    others = sorted(set(watch.seen) - set(watch.expected))
    checks.append(Check("other alerts", not others, "none", ", ".join(others) or "none"))
    return checks


def told(watch: AlertWatch, fault: float | None, restored: float | None) -> list[dict[str, object]]:
    """The entries ``alerts`` of the result: every alert that was expected or fired, with its seconds."""
    return [
        {
            "name": name,
            "expected": name in watch.expected,
            "fired_after_seconds": _after(fault, watch.seen.get(name, Seen()).fired),
            "resolved_after_seconds": _after(restored, watch.seen.get(name, Seen()).resolved),
        }
        for name in _in_order(watch)
    ]


def _in_order(watch: AlertWatch) -> Sequence[str]:
    return [*watch.expected, *sorted(set(watch.seen) - set(watch.expected))]


def _in_time(name: str, limit: float, since: float | None, moment: float | None) -> Check:
    after = _after(since, moment)
    found = "not at all" if after is None else f"{after:.3g} s"
    return Check(name, after is not None and after <= limit, f"within {limit:g} s", found)


def _after(since: float | None, moment: float | None) -> float | None:
    return None if since is None or moment is None else round(max(0.0, moment - since), 3)
