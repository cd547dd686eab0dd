"""A web site on loopback that ends its connections when a client least expects it."""

from __future__ import annotations

import socket
from threading import Thread
from types import TracebackType

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class UnrulySite:
    """Answers ``answers`` requests of each connection, then closes it without a word; ``connections`` counts them."""

    def __init__(self, answers: int) -> None:
        self.connections = 0
        self._answers = answers
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> UnrulySite:
        Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listening.accept()
            except OSError:
                # The site is closed.
                return
            self.connections += 1
            Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as arriving:
            for _ in range(self._answers):
                while (line := arriving.readline()) not in (b"\r\n", b""):
                    pass
                if not line:
                    return
                connection.sendall(_ANSWER)
            if not self._answers:
                arriving.readline()
