# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Byte streams whose every wait ends at a moment: a socket, TLS over any other stream, and the face that HTTP needs."""

from __future__ import annotations

import io
import socket
import ssl
import time
from typing import Any

_CHUNK = 65536


class Stream:
    """A connected way for bytes. Moments are of the monotonic clock. One reader and one writer at a time."""

    def send(self, data: bytes, until: float) -> None:
        """Sends all of it. Raises TimeoutError, OSError."""
        raise NotImplementedError

    def receive(self, until: float) -> bytes:
        """What has arrived, at least a byte; empty at the stream's end. Raises TimeoutError, OSError."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the stream in both directions. May be called more than once."""
        raise NotImplementedError

    def explain(self) -> str:
        """What is known of why it ended early, empty when nothing is."""
        return ""


def seconds_until(moment: float) -> float:
    """Seconds left. Raises TimeoutError when there are none: 0 would make a socket non-blocking."""
    left = moment - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class SocketStream(Stream):
    """A connection that the controller makes itself."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def send(self, data: bytes, until: float) -> None:
        self._socket.settimeout(seconds_until(until))
        self._socket.sendall(data)

    def receive(self, until: float) -> bytes:
        self._socket.settimeout(seconds_until(until))
        return self._socket.recv(_CHUNK)

    def close(self) -> None:
        self._socket.close()


class TlsStream(Stream):
    """A TLS session over another stream, which need not be a socket."""

    def __init__(self, carrier: Stream, context: ssl.SSLContext, server_name: str) -> None:
        self._carrier = carrier
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._arrived, self._leaving, server_hostname=server_name)

    def handshake(self, until: float) -> None:
        """Agrees on a session. Raises ssl.SSLError, TimeoutError, OSError."""
        while True:
            try:
                self._session.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._exchange(until)
            finally:
                self._flush(until)

    def send(self, data: bytes, until: float) -> None:
        self._session.write(data)
        self._flush(until)

    def receive(self, until: float) -> bytes:
        while True:
            try:
                return self._session.read(_CHUNK)
            except ssl.SSLWantReadError:
                self._exchange(until)
            except ssl.SSLZeroReturnError:
                return b""

    def close(self) -> None:
        self._carrier.close()

    def explain(self) -> str:
        return self._carrier.explain()

    def _exchange(self, until: float) -> None:
        self._flush(until)
        data = self._carrier.receive(until)
        if data:
            self._arrived.write(data)
        else:
            self._arrived.write_eof()

    def _flush(self, until: float) -> None:
        data = self._leaving.read()
        if data:
            self._carrier.send(data, until)


class TimedSocket:
    """What ``http.client`` takes for a socket. No wait exceeds ``idle`` seconds, nor do all together exceed a limit.

    ``received`` counts bytes, ``expired`` tells that the limit was what ended a wait.
    """

    def __init__(self, stream: Stream, idle: float) -> None:
        self.received = 0
        self.expired = False
        self._stream = stream
        self._idle = idle
        self._end = 0.0
        self._rest = b""

    def limit(self, seconds: float) -> None:
        """From now on, all waits together may take so long."""
        self._end = time.monotonic() + seconds
        self.expired = False

    def sendall(self, data: bytes) -> None:
        """Sends all of it. Raises TimeoutError, OSError."""
        self._timed(self._stream.send, data)

    def recv_into(self, buffer: memoryview) -> int:
        """How many bytes it put there; 0 at the end. Raises TimeoutError, OSError."""
        data = self._rest or self._timed(self._stream.receive)
        count = min(len(data), len(buffer))
        buffer[:count], self._rest = data[:count], data[count:]
        self.received += count
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A reader of what arrives."""
        return io.BufferedReader(_Reader(self))

    def settimeout(self, _seconds: float | None) -> None:
        """Nothing: the limits are set otherwise."""

    def close(self) -> None:
        """Ends the connection."""
        self._stream.close()

    def _timed(self, work: Any, *given: bytes) -> Any:
        now = time.monotonic()
        try:
            return work(*given, min(now + self._idle, self._end))
        except TimeoutError:
            self.expired = self._end <= now + self._idle
            raise


class _Reader(io.RawIOBase):
    def __init__(self, near: TimedSocket) -> None:
        self._near = near

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._near.recv_into(memoryview(buffer))
