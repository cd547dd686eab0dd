# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One HTTP request over any byte stream: a pod's port or a plain connection, with or without TLS, bounded in time."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.byte_stream import (
    SocketStream,
    Stream,
    TimedSocket,
    TlsStream,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.port_forward import connect_to_pod

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import urllib3

# Bodies are looked at, not stored: what is beyond this many bytes is not read.
BODY_LIMIT = 4_000_000


class NoAnswer(errors.ResilientError):
    """No HTTP answer: refused, dropped, not in time, or no TLS session. The message says which, without the point."""


class NoWay(NoAnswer):
    """Nothing was asked: the API server, which should have carried the request, was not reached."""


class Dropped(NoAnswer):
    """The connection had been opened before and ended without a byte of this answer: a fresh one may well bring it."""


@dataclass(frozen=True)
class Request:
    """What to ask. ``host`` is the Host header and, with ``https``, the server name of the TLS session unless ``sni``.

    ``ca`` is PEM text of the authorities to trust instead of the system's; ``verify`` False trusts anybody.
    """

    host: str
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    https: bool = False
    sni: str = ""
    ca: str = ""
    verify: bool = True
    user: str = ""
    password: str = ""
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {'https' if self.https else 'http'}://{self.host}{self.path}"

    def all_headers(self) -> dict[str, str]:
        """The headers as they are sent."""
        basic = {}
        if self.user or self.password:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            basic = {"Authorization": f"Basic {pair}"}
        return {"Host": self.host, "User-Agent": "resilient.traefik", "Accept": "*/*"} | basic | dict(self.headers)


@dataclass(frozen=True)
class Answer:
    """What came. Header names are in lower case, repeated ones joined by a comma; ``body`` is unpacked (gzip ...).

    ``seconds`` run from the first byte sent to the last byte read, TLS included, the way to the pod not.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises NoAnswer when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise NoAnswer(f"the answer is no JSON: {self.text[:100]!r}") from None


class Point:
    """Where requests go. Safe to use from several threads."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, timeout: float) -> Stream:
        """A new connection. Raises OSError or a ResilientError."""
        raise NotImplementedError


class PodPoint(Point):
    """A port of a pod, through the API server."""

    def __init__(self, client: Client, namespace: str, pod: str, port: int) -> None:
        super().__init__(f"Pod {namespace}/{pod} port {port}")
        self._where = (client, namespace, pod, port)

    def open(self, timeout: float) -> Stream:
        return connect_to_pod(*self._where, timeout)


class AddressPoint(Point):
    """A host and port that the controller reaches itself."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port}")
        self._address = (host, port)

    def open(self, timeout: float) -> Stream:
        return SocketStream(socket.create_connection(self._address, timeout))


class Session:
    """Requests one after the other to one point over one connection, kept open between them. Not thread-safe."""

    def __init__(self, point: Point, *, timeout: float, max_seconds: float, connect_seconds: float = 0) -> None:
        """``timeout`` seconds may pass without a byte, ``max_seconds`` for a whole answer.

        Connecting may take ``timeout``, or ``connect_seconds`` where that is given.
        """
        self._point = point
        self._timeout = timeout
        self._max_seconds = max_seconds
        self._connect_seconds = connect_seconds or timeout
        self._connection: Any = None
        self._stream: Stream | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Whether a connection is open, as far as is known without asking."""
        return self._connection is not None

    def close(self) -> None:
        """Closes the connection. The next request opens a new one."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def connect(self, request: Request) -> None:
        """Opens a connection as the request needs it, unless one is open. Raises NoAnswer, Forbidden, Unauthorized."""
        if self._connection is None:
            self._connection = self._connect(request)

    def ask(self, request: Request) -> Answer:
        """The answer, whatever its status; redirects are answers too. Raises NoAnswer, Forbidden, Unauthorized."""
        self.connect(request)
        near: TimedSocket = self._connection.sock
        near.limit(self._max_seconds)
        received = near.received
        try:
            return self._exchange(request)
        except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            self.close()
            nothing_came = near.received == received and not _is_timeout(error)
            kind = Dropped if nothing_came else NoAnswer
            raise kind(self._reason(error, near.expired)) from None

    def _connect(self, request: Request) -> Any:
        self._stream = self._open()
        carrier = self._secured(self._stream, request) if request.https else self._stream
        connection = urllib3.connection.HTTPConnection(request.host or "localhost", timeout=self._timeout)
        connection.sock = TimedSocket(carrier, self._timeout)
        return connection

    def _open(self) -> Stream:
        try:
            return self._point.open(self._connect_seconds)
        except OSError as error:
            raise NoAnswer(f"no connection: {error}") from None
        except (errors.Forbidden, errors.Unauthorized):
            raise
        except errors.ApiError as error:
            raise NoAnswer(str(error)) from None
        except errors.Unreachable as error:
            raise NoWay(str(error)) from None

    def _secured(self, carrier: Stream, request: Request) -> Stream:
        name = request.sni or host_name(request.host)
        secured = TlsStream(carrier, _tls(request.ca, request.verify), name)
        idle = self._timeout < self._max_seconds
        try:
            secured.handshake(time.monotonic() + min(self._timeout, self._max_seconds))
            return secured
        except OSError as error:
            carrier.close()
            raise NoAnswer(f"no TLS session for {name}: {self._reason(error, not idle)}") from None

    def _exchange(self, request: Request) -> Answer:
        start = time.perf_counter()
        self._connection.request(
            request.method,
            request.path,
            body=request.body or None,
            headers=request.all_headers(),
            preload_content=False,
            decode_content=True,
        )
        response = self._connection.getresponse()
        body = response.read(BODY_LIMIT, decode_content=True)
        seconds = time.perf_counter() - start
        if response.read(1) or response.headers.get("Connection", "").lower() == "close":
            self.close()
        headers = {name.lower(): ", ".join(response.headers.getlist(name)) for name in response.headers}
        return Answer(response.status, headers, body, seconds)

    def _reason(self, error: Exception, expired: bool) -> str:
        if expired and _is_timeout(error):
            return f"no whole answer within {self._max_seconds:g} s (max_seconds)"
        if _is_timeout(error):
            return f"not a byte for {self._timeout:g} s (timeout)"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {error.verify_message}"
        told = self._stream.explain() if self._stream else ""
        if told:
            return told
        if isinstance(error, (http.client.RemoteDisconnected, ssl.SSLEOFError, BrokenPipeError, ConnectionResetError)):
            return "the connection was closed without an answer"
        if isinstance(error, ssl.SSLError):
            return f"the other end speaks no TLS that fits: {error.reason}"
        return str(error) or type(error).__name__


def host_name(host: str) -> str:
    """The Host header's name without port, without the brackets of an IPv6 address."""
    return urlsplit(f"//{host}").hostname or host


# Reading the authorities anew for every connection costs more than the handshake.
@functools.lru_cache(maxsize=64)
def _tls(ca: str, verify: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca:
        context.load_verify_locations(cadata=ca)
    else:
        context.load_default_certs()
    return context


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError))
