"""Real faults between a client and the API server: a proxy that cuts connections, and one that answers itself."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client


@dataclass
class CuttingProxy:
    """Passes bytes both ways. The first ``cuts`` connections end after ``after`` bytes of the server's answer."""

    upstream: tuple[str, int]
    cuts: int
    after: int
    connections: int = 0
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, client: socket.socket) -> None:
        """Handles one connection until either side ends it."""
        with self._lock:
            self.connections += 1
            limit = self.after if self.connections <= self.cuts else None
        if limit == 0:
            client.close()
            return
        with socket.create_connection(self.upstream) as server, client:
            threading.Thread(target=_pump, args=(client, server, None), daemon=True).start()
            _pump(server, client, limit)


def _pump(source: socket.socket, sink: socket.socket, limit: int | None) -> None:
    """Ends both when one ends, or when the limit of bytes is reached."""
    passed = 0
    with suppress(OSError):
        while data := source.recv(65536):
            if limit is not None and passed + len(data) > limit:
                break
            sink.sendall(data)
            passed += len(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(upstream: tuple[str, int], *, cuts: int, after: int = 0) -> Iterator[CuttingProxy]:
    """A proxy on a free port of this machine."""
    proxy = CuttingProxy(upstream, cuts, after)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.port = listener.getsockname()[1]

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _address = listener.accept()
                    threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Seen:
    """A request that reached the proxy, and the status that it got."""

    method: str
    path: str
    status: int


@dataclass(frozen=True)
class Injected:
    """What the proxy answers itself instead of asking the API server."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


# Passed on, and the API server's answer thrown away with the connection.
LOST = Injected(0)

# Asked for every request: an answer of its own, or None to pass it on. The number counts requests from 0.
Inject = Callable[[int, str, str], Injected | None]


@contextmanager
def answering(upstream: Client, inject: Inject, folder: Path) -> Iterator[tuple[str, list[Seen]]]:
    """The URL of a proxy that ends TLS, and what it saw. What it passes on, it asks as the upstream client."""
    seen: list[Seen] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the test has the list."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            injected = inject(len(seen), self.command, self.path)
            if injected is LOST:
                seen.append(Seen(self.command, self.path, _passed_on(upstream, self, body).status))
                self.close_connection = True
                return
            injected = injected or _passed_on(upstream, self, body)
            seen.append(Seen(self.command, self.path, injected.status))
            self.send_response(injected.status)
            for name, value in {"Content-Type": "application/json", **injected.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(injected.body)))
            self.end_headers()
            self.wfile.write(injected.body)

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = _tls(folder).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def _passed_on(upstream: Client, request: BaseHTTPRequestHandler, body: bytes) -> Injected:
    headers = upstream.connection.headers()
    for name in ("Content-Type", "Accept"):
        if request.headers.get(name):
            headers[name] = request.headers[name]
    response = upstream.connection.pool.request(
        request.command, upstream.host + request.path, body=body or None, headers=headers, retries=False
    )
    return Injected(response.status, body=response.data)


def status_object(code: int, reason: str, message: str) -> bytes:
    """A failure as the API server writes it."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return json.dumps(status | {"message": message}).encode()


def _tls(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proxy.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "proxy.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
