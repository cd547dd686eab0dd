"""An HTTPS server on this machine whose every connection goes as a test says: silent, slow, reset or answered."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from lab.certificates import Authority

# A request without a body, or with the two bytes of an empty object.
_WHOLE = re.compile(rb"GET .*\r\n\r\n$|\r\n\r\n{}$", re.DOTALL)


@dataclass
class Faulty:
    """Where it listens, and how many connections came; ``ended`` is set when the test is over."""

    port: int
    tls: ssl.SSLContext
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.port}"

    def client(self) -> Client:
        """A client of it that trusts anybody."""
        return Client({"host": self.url, "api_key": "t", "validate_certs": False})

    def secured(self, connection: socket.socket) -> socket.socket:
        """The connection after the TLS handshake, and after a whole request was read."""
        wrapped = self.tls.wrap_socket(connection, server_side=True)
        read = b""
        # What is left unread when a connection is closed resets it, and the answer is lost.
        while not _WHOLE.search(read):
            read += wrapped.recv(65536)
        return wrapped


Fault = Callable[[Faulty, socket.socket], None]


@contextmanager
def faulty(folder: Path, fault: Fault) -> Iterator[Faulty]:
    """A server whose connections are all handled by the fault, each in a thread of its own."""
    key, certificate = Authority().issue("api.cluster.test")
    (folder / "server.pem").write_text(key + certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Faulty(listener.getsockname()[1], tls)

        def handle(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                fault(server, connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    server.connections += 1
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        server.ended.set()
        listener.shutdown(socket.SHUT_RDWR)


def silent(server: Faulty, _connection: socket.socket) -> None:
    """Accepts, and says nothing: not even a handshake."""
    server.ended.wait()


def silent_after_the_request(server: Faulty, connection: socket.socket) -> None:
    """Shakes hands, reads, and says nothing."""
    with server.secured(connection):
        server.ended.wait()


def silent_after_headers(server: Faulty, connection: socket.socket) -> None:
    """Promises a body that does not come."""
    with server.secured(connection) as wrapped:
        wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        server.ended.wait()


def slow_headers(server: Faulty, connection: socket.socket) -> None:
    """A byte of a header ten times a second, for ever."""
    with server.secured(connection) as wrapped:
        wrapped.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not server.ended.wait(0.1):
            wrapped.sendall(b"a")


def slow_body(server: Faulty, connection: socket.socket) -> None:
    """A byte of the body ten times a second, for ever."""
    with server.secured(connection) as wrapped:
        wrapped.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.ended.wait(0.1):
            wrapped.sendall(b"1\r\n \r\n")


def reset(server: Faulty, connection: socket.socket) -> None:
    """Reads the request and resets the connection."""
    wrapped = server.secured(connection)
    wrapped.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wrapped.close()


def answered(status: str, *headers: str) -> Fault:
    """Answers every request in the same way, without a body."""

    def fault(server: Faulty, connection: socket.socket) -> None:
        with server.secured(connection) as wrapped:
            lines = [f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "Connection: close", "", ""]
            wrapped.sendall("\r\n".join(lines).encode())

    return fault
