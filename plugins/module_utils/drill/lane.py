# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requests to one replica, each in its turn whatever became of those before (an open loop)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread

from ansible_collections.resilient.traefik.plugins.module_utils.drill.asking import ask
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.sessions import Sessions

# More workers than these that wait for a turn are of no use.
_IDLE_WORKERS = 8
_WARM_SECONDS = 5.0


@dataclass(frozen=True)
class Pace:
    """``rate`` is in requests a second; ``shift`` (0 to 1) moves the turns, so that replicas are not asked together."""

    rate: float
    shift: float
    most_waiting: int


class Clock:
    """The monotonic clock, told in epoch seconds: nothing jumps when the machine's time is set."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def epoch(self, moment: float) -> float:
        """Epoch seconds of a moment of the monotonic clock."""
        return moment + self._ahead

    def now(self) -> float:
        """Epoch seconds now."""
        return self.epoch(time.monotonic())


class Lane:
    """Workers, one of which waits for the next turn. It leaves the wait to another one before it sends.

    A new worker comes when none is left to wait, up to ``most_waiting``; the turns that nobody takes then are counted.
    """

    def __init__(
        self,
        replica: str,
        visitors: Sequence[Visitor],
        sessions: Sessions,
        pace: Pace,
        clock: Clock,
        done: Callable[[Record], None],
    ) -> None:
        self.replica = replica
        self.not_sent = 0
        self.reasons: set[str] = set()
        self._visitors = visitors
        self._sessions = sessions
        self._pace = pace
        self._clock = clock
        self._done = done
        self._turn, self._lock, self._nudge = Lock(), Lock(), Event()
        self._due = math.inf
        self._ended = False
        self._extra = 0
        self._count = 0
        self._workers = 0
        self._full = False
        self._under_way: dict[int, tuple[float, int]] = {}
        self._begun, self._finished = Event(), Event()

    def start(self) -> None:
        """Opens connections ahead, then begins with the first turn."""
        self._sessions.start()
        self._workers = 1
        Thread(target=self._begin, name=f"visitor of {self.replica}", daemon=True).start()

    def has_begun(self, seconds: float) -> bool:
        """Waits until its turns have begun; False when they have not within ``seconds``."""
        return self._begun.wait(seconds)

    def burst(self, requests: int) -> None:
        """So many requests at once, beside the even ones."""
        with self._lock:
            self._extra += requests
        self._nudge.set()

    def end(self) -> None:
        """No more turns from now on."""
        with self._lock:
            self._skip_missed(time.monotonic())
            self._ended = True
        self._nudge.set()

    def wait(self, seconds: float) -> bool:
        """Waits until all that was sent is answered or given up; False when it is not within ``seconds``."""
        return self._finished.wait(seconds)

    def due(self) -> float:
        """The epoch second of the next turn, infinity when there is none, not yet or not any more."""
        if self._ended:
            return math.inf
        # Turns pass although nobody is there to take them.
        return self._clock.epoch(max(self._due, time.monotonic()) if self._full else self._due)

    def under_way(self) -> list[tuple[float, int]]:
        """When each request was sent (epoch seconds) that has not been answered yet, and by which visitor."""
        with self._lock:
            return list(self._under_way.values())

    def _begin(self) -> None:
        self._sessions.warm(_WARM_SECONDS)
        self._due = time.monotonic() + self._pace.shift / self._pace.rate
        self._begun.set()
        self._work()

    def _work(self) -> None:
        while True:
            with self._turn:
                taken = self._next()
            if taken is None:
                break
            self._carry_out(*taken)
            if not self._stays():
                return
        with self._lock:
            self._workers -= 1
            last = not self._workers
        if last:
            self._sessions.close()
            self._finished.set()

    def _next(self) -> tuple[int, float] | None:
        """The number of the request whose turn it is, and when it was due; None when there are no more turns."""
        while True:
            with self._lock:
                if self._ended:
                    return None
                now = time.monotonic()
                self._skip_missed(now)
                if self._extra or self._due <= now:
                    return self._take(now)
                left = self._due - now
            self._nudge.wait(left)
            self._nudge.clear()

    def _skip_missed(self, now: float) -> None:
        """The turns that passed while all workers were waiting for answers."""
        if self._full:
            missed = max(0, math.floor((now - self._due) * self._pace.rate))
            self.not_sent += missed
            self._due += missed / self._pace.rate
            self._full = False

    def _take(self, now: float) -> tuple[int, float]:
        due = now
        if self._extra:
            self._extra -= 1
        else:
            due = self._due
            self._due += 1 / self._pace.rate
        self._count += 1
        self._under_way[self._count] = (self._clock.epoch(now), self._count % len(self._visitors))
        if len(self._under_way) == self._workers:
            self._another()
        return self._count, due

    def _another(self) -> None:
        self._full = self._workers >= self._pace.most_waiting
        if not self._full:
            self._workers += 1
            Thread(target=self._work, name=f"visitor of {self.replica}", daemon=True).start()

    def _carry_out(self, number: int, due: float) -> None:
        visitor = number % len(self._visitors)
        asked = ask(self._sessions, self._visitors[visitor].request)
        if asked.own_fault:
            with self._lock:
                self.not_sent += 1
                self.reasons.add(asked.own_fault)
        else:
            late = max(0.0, asked.begun - due)
            sent = self._clock.epoch(asked.begun)
            self._done(
                Record(sent, asked.seconds, late, self.replica, visitor, asked.status, asked.fallback, asked.error)
            )
        with self._lock:
            del self._under_way[number]

    def _stays(self) -> bool:
        with self._lock:
            stays = self._workers - len(self._under_way) <= _IDLE_WORKERS or self._ended
            self._workers -= not stays
            return stays
