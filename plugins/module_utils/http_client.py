# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One HTTP request over any byte stream: a pod's port or a plain connection, with or without TLS, bounded in time."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.port_forward import connect_to_pod

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import urllib3

# Bodies are looked at, not stored: what is beyond this many bytes is not read.
BODY_LIMIT = 4_000_000


class NoAnswer(errors.ResilientError):
    """No HTTP answer: refused, dropped, not in time, or no TLS session. The message says which, without the point."""


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


@dataclass(frozen=True)
class Link:
    """One open connection. ``explain`` gives what is known of why it ended early, empty when nothing is."""

    near: socket.socket
    explain: Callable[[], str] = lambda: ""


class Point:
    """Where requests go. Safe to use from several threads."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, timeout: float) -> Link:
        """A new connection. Raises OSError or a ResilientError."""
        raise NotImplementedError


class PodPoint(Point):
    """A port of a pod, through the API server."""

    def __init__(self, client: Client, namespace: str, pod: str, port: int) -> None:
        super().__init__(f"Pod {namespace}/{pod} port {port}")
        self._where = (client, namespace, pod, port)

    def open(self, timeout: float) -> Link:
        stream = connect_to_pod(*self._where, timeout)
        return Link(stream.socket, lambda: stream.error)


class AddressPoint(Point):
    """A host and port that the controller reaches itself."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port}")
        self._address = (host, port)

    def open(self, timeout: float) -> Link:
        return Link(socket.create_connection(self._address, timeout))


class Session:
    """Requests one after the other to one point over one connection, kept open between them. Not thread-safe."""

    def __init__(self, point: Point, *, timeout: float, max_seconds: float) -> None:
        """``timeout`` seconds may pass without a byte (connecting included), ``max_seconds`` for a whole answer."""
        self._point = point
        self._timeout = timeout
        self._max_seconds = max_seconds
        self._connection: Any = None
        self._link: Link | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection. The next request opens a new one."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def ask(self, request: Request) -> Answer:
        """The answer, whatever its status; redirects are answers too. Raises NoAnswer, Forbidden, Unauthorized."""
        if self._connection is None:
            self._connection = self._connect(request)
        expired: list[bool] = []
        try:
            with _limit(self._connection.sock, self._max_seconds, expired):
                return self._exchange(request)
        except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            self.close()
            raise NoAnswer(self._reason(error, bool(expired))) from None

    def _connect(self, request: Request) -> Any:
        self._link = self._open()
        self._link.near.settimeout(self._timeout)
        connection = urllib3.connection.HTTPConnection(request.host or "localhost", timeout=self._timeout)
        connection.sock = self._secured(self._link.near, request) if request.https else self._link.near
        return connection

    def _open(self) -> Link:
        try:
            return self._point.open(self._timeout)
        except OSError as error:
            raise NoAnswer(f"no connection: {error}") from None
        except (errors.Forbidden, errors.Unauthorized):
            raise
        except (errors.ApiError, errors.Unreachable) as error:
            raise NoAnswer(str(error)) from None

    def _secured(self, near: socket.socket, request: Request) -> ssl.SSLSocket:
        name = request.sni or host_name(request.host)
        expired: list[bool] = []
        secured = _tls(request).wrap_socket(near, server_hostname=name, do_handshake_on_connect=False)
        try:
            with _limit(secured, self._max_seconds, expired):
                secured.do_handshake()
            return secured
        except OSError as error:
            secured.close()
            raise NoAnswer(f"no TLS session for {name}: {self._reason(error, bool(expired))}") from None

    def _exchange(self, request: Request) -> Answer:
        start = time.perf_counter()
        self._connection.request(
            request.method, request.path, headers=request.all_headers(), preload_content=False, decode_content=True
        )
        response = self._connection.getresponse()
        body = response.read(BODY_LIMIT, decode_content=True)
        seconds = time.perf_counter() - start
        if response.read(1) or response.headers.get("Connection", "").lower() == "close":
            self.close()
        headers = {name.lower(): ", ".join(response.headers.getlist(name)) for name in response.headers}
        return Answer(response.status, headers, body, seconds)

    def _reason(self, error: Exception, expired: bool) -> str:
        if expired:
            return f"no whole answer within {self._max_seconds:g} s (max_seconds)"
        if isinstance(error, (TimeoutError, urllib3.exceptions.ReadTimeoutError)):
            return f"not a byte for {self._timeout:g} s (timeout)"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {error.verify_message}"
        told = self._link.explain() if self._link else ""
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


def _tls(request: Request) -> ssl.SSLContext:
    context = _authorities(request.ca)
    if not request.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _authorities(ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if ca:
        context.load_verify_locations(cadata=ca)
    else:
        context.load_default_certs()
    return context


@contextlib.contextmanager
def _limit(near: socket.socket, seconds: float, expired: list[bool]) -> Iterator[None]:
    """Ends the connection after ``seconds``: a socket's own time limit starts anew with every byte that arrives."""

    def expire() -> None:
        expired.append(True)
        with contextlib.suppress(OSError):  # it has ended by itself in this very moment
            # Not the TLS socket's own shutdown, which takes the session away from under its reader.
            socket.socket.shutdown(near, socket.SHUT_RDWR)

    timer = Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
