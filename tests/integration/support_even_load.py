"""Requests at an even rate through every Traefik replica, from the first byte to the last, and what became of them."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

LIMIT_SECONDS = 35


@dataclass(frozen=True)
class Reply:
    """One answer: ``sent`` and ``seconds`` by the monotonic clock; ``status`` is 0 where none came."""

    who: str
    sent: float
    seconds: float
    status: int


@dataclass
class EvenLoad:
    """Runs while its context lasts. ``clients`` are headers by name: each request is by the next of them."""

    addresses: Sequence[str]
    host: str
    clients: Mapping[str, Mapping[str, str]]
    rate: float
    replies: list[Reply] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[EvenLoad]:
        """Send until the context ends; every request is answered or given up by then."""
        over = threading.Event()
        with ThreadPoolExecutor(200) as pool:
            sender = threading.Thread(target=self._send_all, args=(pool, over))
            sender.start()
            try:
                yield self
            finally:
                over.set()
                sender.join()

    def _send_all(self, pool: ThreadPoolExecutor, over: threading.Event) -> None:
        turns = zip(itertools.cycle(self.addresses), itertools.cycle(self.clients.items()), strict=False)
        due = time.monotonic()
        for address, (who, headers) in turns:
            due += 1 / self.rate
            if over.wait(max(0, due - time.monotonic())):
                return
            pool.submit(self._send, address, who, headers)

    def _send(self, address: str, who: str, headers: Mapping[str, str]) -> None:
        connection = http.client.HTTPConnection(address, timeout=LIMIT_SECONDS)
        sent, status = time.monotonic(), 0
        try:
            connection.request("GET", "/get", headers={"Host": self.host, "User-Agent": "Mozilla/5.0", **headers})
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        self.replies.append(Reply(who, sent, time.monotonic() - sent, status))

    def between(self, start: float, end: float, who: str | None = None) -> list[Reply]:
        """What was sent in that time."""
        return [reply for reply in self.replies if start <= reply.sent < end and who in (None, reply.who)]

    def statuses(self, start: float, end: float, who: str | None = None) -> dict[int, int]:
        """How often each status came in that time."""
        return dict(Counter(reply.status for reply in self.between(start, end, who)))
