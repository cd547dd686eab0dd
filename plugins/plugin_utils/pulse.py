# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says that a task is still at work where it has said nothing for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from types import TracebackType

# A run that is silent for longer is taken for one that hangs.
SILENCE_SECONDS = 4.0


class Pulse:
    """Passes on what a task tells, and between ``with`` and its end tells something itself after each silence.

    ``tell`` is called from the task's threads and from one of its own, one at a time.
    """

    def __init__(self, tell: Callable[[str], None], silence: float = SILENCE_SECONDS) -> None:
        self._tell = tell
        self._silence = silence
        self._lock = Lock()
        self._over = Event()
        self._begun = self._told = time.monotonic()
        self._beating = Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Pulse:
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._beating.join()

    def tell(self, line: str) -> None:
        """What the task tells."""
        with self._lock:
            self._told = time.monotonic()
            self._tell(line)

    def _beat(self) -> None:
        while not self._over.wait(max(0.05, self._told + self._silence - time.monotonic())):
            now = time.monotonic()
            if now - self._told >= self._silence:
                self.tell(f"still at work after {now - self._begun:.0f} s")
