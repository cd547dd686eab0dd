# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signals that would end the process, held back while something is put back in order."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Interrupted(BaseException):
    """A signal that ends the process, on its way through the blocks that clean up."""


@contextlib.contextmanager
def signals_deferred() -> Iterator[Callable[[], contextlib.AbstractContextManager[None]]]:
    """Turns SIGTERM, SIGINT and SIGHUP into an exception inside ``interruptible``, and only notes them elsewhere.

    At the end the former handlers are back and get the signal. In a thread of its own nothing is done: signals reach
    the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield contextlib.nullcontext
        return
    noted: list[int] = []
    inside: list[bool] = []

    def note(number: int, _frame: FrameType | None) -> None:
        noted.append(number)
        if inside:
            inside.clear()
            raise _Interrupted

    @contextlib.contextmanager
    def interruptible() -> Iterator[None]:
        if noted:
            raise _Interrupted
        inside.append(True)
        try:
            yield
        finally:
            inside.clear()

    # What is ignored (a shell's background job) would not have ended the process.
    ending = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, note) for number in ending}
    try:
        yield interruptible
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        if noted:
            os.kill(os.getpid(), noted[0])
