# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections of urllib3 whose every wait also ends at a moment that holds for a request as a whole.

The timeouts of urllib3 begin anew with every byte that comes: a server that sends one now and then is never given up.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

# One TLS record: a wait for room for more than that could be several waits.
_PIECE = 16384

# The moment by the monotonic clock at which the request of a thread ends; without it only urllib3's timeouts count.
_OF_THREAD = threading.local()


@contextlib.contextmanager
def ending_at(moment: float) -> Iterator[None]:
    """Let no wait of this thread on a bounded pool go beyond the moment: TimeoutError then, as urllib3 wraps it."""
    _OF_THREAD.moment = moment
    try:
        yield
    finally:
        del _OF_THREAD.moment


def bound(pool: Any) -> None:
    """Have the connections of a pool manager heed ``ending_at``, those through a proxy too."""
    pool.pool_classes_by_scheme = {
        scheme: _heeding(pool_class) for scheme, pool_class in pool.pool_classes_by_scheme.items()
    }


def _heeding(pool_class: Any) -> Any:
    connection = type("BoundedConnection", (_Bounding, pool_class.ConnectionCls), {})
    return type(pool_class.__name__, (pool_class,), {"ConnectionCls": connection})


class _Bounding:
    """Comes before a connection class of urllib3."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = _BoundedSocket(self.sock)


class _BoundedSocket:
    """What http.client and urllib3 use of a socket. All but waiting is the socket's own."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        self._idle = connected.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected, name)

    def settimeout(self, seconds: float | None) -> None:
        """Set how long one wait may take."""
        self._idle = seconds
        self._connected.settimeout(seconds)

    def sendall(self, data: Any) -> None:
        """Send all of it. Raises TimeoutError, OSError."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _PIECE):
            self.shorten()
            self._connected.sendall(view[start : start + _PIECE])

    def makefile(self, _mode: str, *_buffering: int) -> io.BufferedReader:
        """Make a reader that keeps the connection open for itself, as a socket's does."""
        return io.BufferedReader(_Reader(self, self._connected.makefile("rb", buffering=0)))

    def shorten(self) -> None:
        """Limit the next wait. Raises TimeoutError when no time is left."""
        moment = getattr(_OF_THREAD, "moment", None)
        if moment is None:
            self._connected.settimeout(self._idle)
            return
        left = moment - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connected.settimeout(left if self._idle is None else min(self._idle, left))


class _Reader(io.RawIOBase):
    def __init__(self, near: _BoundedSocket, raw: Any) -> None:
        self._near = near
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._near.shorten()
        return int(self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()
