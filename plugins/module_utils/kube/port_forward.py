# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Byte streams to ports of pods, through the API server's port-forward.

A stream enters the pod from its own loopback, so neither the pod network nor a NetworkPolicy has to let the
controller in. Protocol: websocket, subprotocol ``v4.channel.k8s.io``, one port a connection; the first byte of a
message is its channel, 0 for data and 1 for the kubelet's error text, and the first message of a channel repeats the
port (Kubernetes, pkg/kubelet and staging/src/k8s.io/kubelet, since 1.6).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ansible_collections.resilient.traefik.plugins.module_utils.byte_stream import Stream, seconds_until
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client, api_error
from ansible_collections.resilient.traefik.plugins.module_utils.kube.connection import Connection
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries

with contextlib.suppress(ImportError):  # connect() says what is missing, with the remedy
    import websocket

_SUBPROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_CHUNK = 65536
_PORTS = {"http": 80, "https": 443}


class PodStream(Stream):
    """A connected stream to a pod's port. ``error`` is the kubelet's own text once it reported one.

    A context manager; leaving it closes the stream. The kubelet reports the pod's end of file one second late
    (measured on 1.34): read what the protocol announces, not until the end of file.
    """

    def __init__(self, connection: Any) -> None:
        self.error = ""
        self._connection = connection
        self._opened: set[int] = set()
        self._ended = False

    def __enter__(self) -> PodStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._ended = True
        self._connection.shutdown()

    def explain(self) -> str:
        return self.error

    def send(self, data: bytes, until: float) -> None:
        for start in range(0, len(data), _CHUNK):
            self._connection.settimeout(seconds_until(until))
            try:
                self._connection.send_binary(bytes([_DATA]) + data[start : start + _CHUNK])
            except websocket.WebSocketTimeoutException:
                raise TimeoutError("timed out") from None
            except websocket.WebSocketException as error:
                self._broke(error)
                raise BrokenPipeError(self.error) from None

    def receive(self, until: float) -> bytes:
        while not self._ended:
            self._connection.settimeout(seconds_until(until))
            try:
                opcode, frame = self._connection.recv_data_frame(True)
            except (TimeoutError, websocket.WebSocketTimeoutException):
                raise TimeoutError("timed out") from None
            except (OSError, websocket.WebSocketException) as error:
                self._broke(error)
                return b""
            payload = self._payload(frame.data) if opcode == websocket.ABNF.OPCODE_BINARY else b""
            self._ended = bool(self.error) or opcode == websocket.ABNF.OPCODE_CLOSE
            if payload:
                return payload
        return b""

    def _broke(self, error: Exception) -> None:
        self._ended = True
        self.error = self.error or f"the connection through the API server broke: {error}"

    def _payload(self, message: bytes) -> bytes:
        channel, payload = message[0], message[1:]
        if channel not in self._opened:
            self._opened.add(channel)
            return b""
        if channel == _ERROR:
            text = payload.decode(errors="replace").strip()
            # The runtime wraps its answer in the sandbox's and the namespace's long ids.
            self.error = "connection refused: nothing listens there" if "connection refused" in text else text
            return b""
        return payload


def connect_to_pod(client: Client, namespace: str, pod: str, port: int, timeout: float) -> PodStream:
    """A stream to the pod's port; ``timeout`` seconds bound the way to the kubelet, retries included.

    A port that nobody listens on shows only when the stream is used: it ends, and its ``error`` says why.
    Raises NotFound (no such pod), Forbidden (get and create on pods/portforward), Unreachable.
    """
    about = f"port-forward to Pod {namespace}/{pod} port {port}"
    path = client.path(ObjectRef("v1", "Pod", pod, namespace), "portforward") + f"?ports={port}"
    failure: errors.ResilientError = errors.Unreachable(f"{about}: no time left to connect")
    for left in tries(timeout):
        try:
            return PodStream(_websocket(client, path, max(left, 0.1), about))
        except errors.Unreachable as error:
            failure = error
        except errors.ApiError as error:
            if error.status not in (429, 500, 502, 503, 504):
                raise
            failure = error
    raise failure


def _websocket(client: Client, path: str, timeout: float, about: str) -> Any:
    entry = client.connection
    parts = urlsplit(entry.host + path)
    sslopt: dict[str, Any] = {"context": entry.tls, "server_hostname": _server_name(entry)}
    connection = websocket.WebSocket(sslopt=sslopt)
    connection.settimeout(timeout)
    try:
        connection.connect(
            urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws")),
            header=[f"{name}: {value}" for name, value in entry.headers().iteritems() if name != "Accept"],
            subprotocols=[_SUBPROTOCOL],
            suppress_origin=True,
            **_way(entry, timeout),
        )
    except websocket.WebSocketBadStatusException as error:
        raise api_error(error.status_code, error.resp_body or b"", about) from None
    except (OSError, websocket.WebSocketException) as error:
        raise errors.Unreachable(f"{about}: no answer from the API server {entry.host}: {error}") from None
    connection.settimeout(None)
    return connection


def _way(entry: Connection, timeout: float) -> Mapping[str, Any]:
    """A connected socket, or the pool's proxy in the websocket package's words.

    Without either the package would take the proxy that its environment names.
    """
    if entry.pool.proxy is None and not hasattr(entry.pool, "proxy_url"):
        return {"socket": _direct(entry, timeout)}
    parts = urlsplit(str(entry.configuration.proxy))
    options: dict[str, Any] = {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port or 8080,
        "proxy_type": "http" if parts.scheme in ("http", "https") else parts.scheme,
        # An empty list would be filled from the environment.
        "http_no_proxy": ["-"],
    }
    if parts.username:
        options["http_proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    return options


def _direct(entry: Connection, timeout: float) -> socket.socket:
    parts = urlsplit(entry.host)
    connected = socket.create_connection((parts.hostname, parts.port or _PORTS[parts.scheme]), timeout)
    if parts.scheme != "https":
        return connected
    try:
        return entry.tls.wrap_socket(connected, server_hostname=_server_name(entry))
    except OSError:
        connected.close()
        raise


def _server_name(entry: Connection) -> str:
    return str(entry.configuration.tls_server_name or urlsplit(entry.host).hostname)
