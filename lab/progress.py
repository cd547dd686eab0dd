"""Says what the lab does: a line a step, with the time elapsed and what is left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

HEARTBEAT_SECONDS = 30.0


@dataclass(frozen=True)
class Figure:
    """How long a finished step took, in seconds."""

    step: str
    seconds: float


@dataclass
class Progress:
    """Steps of one run. Safe to call from several threads; `total` may grow while the plan becomes known."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    clock: Callable[[], float] = time.monotonic
    figures: list[Figure] = field(default_factory=list)
    _left: list[str] = field(default_factory=list)
    _running: dict[str, float] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._start = self.clock()
        self._said = self._start

    def plan(self, *steps: str, before_others: bool = False) -> None:
        """Announce steps to come, so that the lines can say what is left."""
        with self._lock:
            new = [step for step in steps if step not in self._left]
            self._left = new + self._left if before_others else self._left + new

    def skip(self, step: str) -> None:
        """Take a planned step back."""
        with self._lock:
            self._left = [name for name in self._left if name != step]

    def say(self, text: str) -> None:
        """One line, behind the elapsed time."""
        with self._lock:
            self._said = self.clock()
            print(f"[{self.elapsed():6.1f} s] {text}", file=self.out, flush=True)

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock() - self._start

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run the body as a step: a line when it starts and one when it is done."""
        with self._lock:
            self.plan(name)
            begun = self._running[name] = self.clock()
            self.say(f"{name} ...")
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(name, None)
                self.skip(name)
        with self._lock:
            took = self.clock() - begun
            self.figures.append(Figure(name, took))
            self.say(f"{name}: done in {took:.1f} s{self._what_is_left()}")

    def beat(self) -> None:
        """Name the running steps when nothing was said for a while: a long compile looks like a hang otherwise."""
        with self._lock:
            now = self.clock()
            if self._running and now - self._said >= HEARTBEAT_SECONDS:
                running = ", ".join(f"{name} ({now - begun:.0f} s)" for name, begun in self._running.items())
                self.say(f"still at it: {running}")

    def _what_is_left(self) -> str:
        if not self._left:
            return ""
        names = ", ".join(self._left[:4]) + (", ..." if len(self._left) > 4 else "")
        return f"; {len(self._left)} left: {names}"


def summary(figures: list[Figure]) -> list[str]:
    """The steps that took time, longest first, as lines of a table."""
    worth_telling = sorted((figure for figure in figures if figure.seconds >= 0.1), key=lambda figure: -figure.seconds)
    return [f"{figure.seconds:8.1f} s  {figure.step}" for figure in worth_telling]
