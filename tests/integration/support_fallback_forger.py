"""Somebody who stands on the proxies' network: speaks to the neighbours' port, and answers in a neighbour's place."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/neighbours"


def signed(key: str, body: str, seconds_ago: float = 0, nonce: str = "") -> dict[str, str]:
    """The headers of a question as a neighbour with that key asks it."""
    own = hmac.new(key.encode(), b"resilient.traefik questions", hashlib.sha256).hexdigest()
    when, nonce = str(round((time.time() - seconds_ago) * 1000)), nonce or secrets.token_hex(16)
    digest = _base64(hashlib.sha256(body.encode()).digest())
    mac = hmac.new(own.encode(), f"{when}\n{nonce}\n{digest}".encode(), hashlib.sha256).digest()
    parts = {"Time": when, "Nonce": nonce, "Digest": digest, "Mac": _base64(mac)}
    return {f"X-Neighbour-{name}": value for name, value in parts.items()}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def hash_of(key: str, kind: str, text: str) -> str:
    """By what name neighbours with that key know a session."""
    own = hmac.new(key.encode(), b"resilient.traefik sessions", hashlib.sha256).hexdigest()
    return _base64(hmac.new(own.encode(), f"{kind}\n{text}".encode(), hashlib.sha256).digest())


def say(address: str, port: int, body: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and body of the answer; 0 where the connection is closed without one."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("POST", PATH, body=body, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (http.client.BadStatusLine, ConnectionError):
        return 0, ""
    finally:
        connection.close()


def raw(address: str, port: int, data: bytes, seconds: float = 5) -> bytes:
    """What comes back until the other side closes. Raises TimeoutError where it does not."""
    with socket.create_connection((address, port), timeout=seconds) as connection:
        with suppress(ConnectionError):
            connection.sendall(data)
        found = b""
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                found += part
        return found


class Forger:
    """Stands at an address as a neighbour: passes greetings on to a real one, and answers questions as it is told.

    ``answer`` is replay (the sealed answer to a question before), clear (what it would have said, unsealed) or relay.
    """

    def __init__(self, address: str, port: int, real: str) -> None:
        self.answer = "relay"
        self.asked: list[tuple[dict[str, str], str]] = []
        self.sealed: list[str] = []
        forger = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                forger.reply(self, body, real, port)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((address, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def reply(self, handler: BaseHTTPRequestHandler, body: str, real: str, port: int) -> None:
        """Answer one question."""
        headers = {name: value for name, value in handler.headers.items() if name.lower().startswith("x-neighbour")}
        is_question = "session" in json.loads(body)
        if is_question:
            self.asked.append((headers, body))
        if not is_question or self.answer == "relay":
            status, text = say(real, port, body, headers)
            if is_question:
                self.sealed.append(text)
        elif self.answer == "replay":
            status, text = 200, self.sealed[-1]
        else:
            told = json.dumps({"X-Authentik-Username": "admin"})
            status, text = 200, json.dumps({"me": "other", "age": 1, "text": told})
        handler.send_response(status or 502)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        with suppress(ConnectionError):
            handler.wfile.write(text.encode())

    def close(self) -> None:
        """Nobody is there any more."""
        self._server.shutdown()
        self._server.server_close()
