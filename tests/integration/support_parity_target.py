"""What the parity exporter on loopback asks: replicas that route as they are told, and an API server."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token-of-the-exporter"
SITES = ("a.test", "b.test", "c.test")


@dataclass
class FakeReplica:
    """A pod of Traefik. ``routed`` are the hosts it has a router for; ``routers`` what its API tells, None when closed.

    ``flips`` are hosts whose application answers like Traefik every other time, ``slow`` those whose application is.
    ``unreachable`` is the entry point of sites only, ``hangs`` the whole replica.
    """

    name: str
    address: str
    routed: set[str] = field(default_factory=lambda: set(SITES))
    routers: list[dict[str, Any]] | None = None
    flips: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    status: int = 200
    hangs: bool = False
    unreachable: bool = False
    ready: bool = True
    ready_for: float = 3600
    leaving: bool = False
    owner: str = "traefik-6cc865896b"
    asked: list[tuple[str, str]] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def pod(self) -> dict[str, Any]:
        """The pod as the API server lists it."""
        since = (datetime.now(UTC) - timedelta(seconds=self.ready_for)).strftime("%Y-%m-%dT%H:%M:%SZ")
        conditions = [{"type": "Ready", "status": str(self.ready), "lastTransitionTime": since}]
        metadata: dict[str, Any] = {"name": self.name, "ownerReferences": [{"kind": "ReplicaSet", "name": self.owner}]}
        if self.leaving:
            metadata["deletionTimestamp"] = since
        return {"metadata": metadata, "status": {"phase": "Running", "podIP": self.address, "conditions": conditions}}

    def routes(self, host: str) -> bool:
        """Whether this request finds a router, or an application that does not say otherwise."""
        if host in self.flips:
            times = sum(1 for _method, asked in self.asked if asked == host)
            return Random(f"{self.name} {times}").random() < 0.5
        return host in self.routed


class Quiet(BaseHTTPRequestHandler):
    """One question. It says nothing about it: the tests read what nginx writes."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        """Sends a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body if self.command != "HEAD" else b"")

    def no_router(self) -> None:
        """What Traefik says by itself."""
        self.reply(
            404, b"404 page not found\n", Content_Type="text/plain; charset=utf-8", X_Content_Type_Options="nosniff"
        )


Answer = Callable[[Quiet], None]


def web(replica: FakeReplica) -> Answer:
    """What the replica says at an entry point of sites."""

    def answer(asked: Quiet) -> None:
        host = str(asked.headers["Host"])
        replica.asked.append((asked.command, host))
        if replica.hangs or replica.unreachable:
            replica.over.wait(30)
        elif replica.routes(host):
            replica.over.wait(5 if host in replica.slow else 0)
            asked.reply(replica.status, b"hello\n", Content_Type="text/plain")
        else:
            asked.no_router()

    return answer


def api(replica: FakeReplica) -> Answer:
    """What the replica says at its internal entry point."""

    def answer(asked: Quiet) -> None:
        url = urlsplit(asked.path)
        if replica.hangs:
            replica.over.wait(30)
        elif replica.routers is None:
            asked.no_router()
        else:
            _page(asked, replica.routers if url.path == "/api/http/routers" else [], url.query)

    return answer


def _page(asked: Quiet, routers: list[dict[str, Any]], query: str) -> None:
    wanted = parse_qs(query)
    size, page = int(wanted["per_page"][0]), int(wanted["page"][0])
    following = page + 1 if page * size < len(routers) else 1
    body = json.dumps(routers[(page - 1) * size : page * size]).encode()
    asked.reply(200, body, Content_Type="application/json", X_Next_Page=str(following))


@dataclass
class FakeCluster:
    """The API server. ``refuses`` is a status that it answers instead.

    ``objects`` are those that it has besides pods, by their paths. To ``refused`` paths it answers this status, or
    nothing for as long as somebody waits when it is 0.
    """

    replicas: list[FakeReplica]
    refuses: int = 0
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    over: Event = field(default_factory=Event)
    paths: list[str] = field(default_factory=list)

    def answer(self, asked: Quiet) -> None:
        """Lists the pods, or gives an object, to whom has the token."""
        self.paths.append(asked.path)
        allowed = asked.headers["Authorization"] == f"Bearer {TOKEN}"
        path = urlsplit(asked.path).path
        if self.refused.get(path) == 0:
            self.over.wait(30)
        status = self.refuses or self.refused.get(path) or (200 if allowed else 401)
        found: Any = self.objects.get(path)
        if path.endswith("/pods"):
            found = {"items": [replica.pod() for replica in self.replicas]}
        if status == 200 and found is None:
            status = 404
        body = found if status == 200 else {"kind": "Status", "message": "no"}
        asked.reply(status, json.dumps(body).encode(), Content_Type="application/json")


@contextmanager
def served(answer: Answer, address: str, port: int, context: ssl.SSLContext | None = None) -> Iterator[None]:
    """GET and HEAD are answered at that address while the context lasts."""
    # A function, because only those become methods of a class.
    both = dict.fromkeys(("do_GET", "do_HEAD"), lambda asked: answer(asked))
    handler = type("Handler", (Quiet,), both)
    server = ThreadingHTTPServer((address, port), handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
