"""A proxy that tunnels (HTTP CONNECT), as companies put one before their clusters."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
from threading import Thread
from types import TracebackType


class ConnectProxy:
    """Listens on a port of its own on loopback while the context lasts; counts the tunnels."""

    def __init__(self) -> None:
        self.tunnels = 0
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                method, target, _version = self.rfile.readline().decode().split()
                while self.rfile.readline().strip():
                    continue
                host, _colon, port = target.rpartition(":")
                assert method == "CONNECT", method
                proxy.tunnels += 1
                with socket.create_connection((host, int(port)), 5) as far:
                    self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    _carry(self.request, far)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> ConnectProxy:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _carry(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while True:
            for source in select.select([near, far], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                other[source].sendall(data)
