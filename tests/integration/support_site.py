"""A web site on loopback that misbehaves as it is told, and counts what it is asked."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType


class Site:
    """Serves while the context lasts. ``well_after`` requests are answered 503 first; ``asked`` lists method and path.

    ``/drip`` sends a byte every tenth of a second for ever, ``/hang`` nothing, ``/cookie`` a cookie, ``/echo`` the
    request's headers, ``/moved`` a redirect; everything else answers 200.
    """

    def __init__(self, well_after: int = 0) -> None:
        self.asked: list[str] = []
        self.well_after = well_after
        self._over = Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                """Any method: the base class would look for a method of its own for each."""
                try:
                    self.raw_requestline = self.rfile.readline(65537)
                    if self.raw_requestline and self.parse_request():
                        site.answer(self)
                    else:
                        self.close_connection = True
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *_arguments: object) -> None:
                """Not on the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Site:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One answer."""
        self.asked.append(f"{request.command} {request.path}")
        if len(self.asked) <= self.well_after:
            self._send(request, 503, {}, b"not yet")
        elif request.path == "/hang":
            self._over.wait(60)
        elif request.path == "/drip":
            self._drip(request)
        elif request.path == "/moved":
            self._send(request, 302, {"Location": "https://elsewhere.test/"}, b"")
        elif request.path == "/cookie":
            self._send(request, 200, {"Set-Cookie": "session=chocolate-chip; Path=/"}, b"you have chocolate-chip")
        elif request.path == "/echo":
            self._send(request, 200, {}, str(request.headers).encode())
        else:
            self._send(request, 200, {"X-Kind": "well"}, b"all is well")

    def _send(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        request.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        while not self._over.wait(0.1):
            request.wfile.write(b".")
