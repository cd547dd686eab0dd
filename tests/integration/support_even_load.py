"""Requests at an even rate through every Traefik replica, from the first byte to the last, and what became of them."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.lab_cluster import eventually

LIMIT_SECONDS = 35
# Longer than this is slow: somebody who waits notices it.
SLOW_SECONDS = 0.5


@dataclass(frozen=True)
class Reply:
    """One answer: ``sent`` and ``seconds`` by the monotonic clock; ``status`` is 0 where none came.

    ``headers`` are the answer's, ``seen`` the ones that reached the site, both by their names in small letters.
    """

    who: str
    sent: float
    seconds: float
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def fell_back(self) -> bool:
        """Whether a fallback made this answer, by what it says to the client or to the site."""
        told = (self.headers.get("x-auth-fallback"), *self.seen.get("x-auth-fallback", ()))
        return bool({"true", "grace"}.intersection(told))


@dataclass
class EvenLoad:
    """Runs while its context lasts. ``clients`` are headers by name, ``turns`` the order in which they ask.

    A client asks ``/headers`` unless ``paths`` names another, of ``host`` unless its own headers do.
    """

    addresses: Sequence[str]
    host: str
    clients: Mapping[str, Mapping[str, str]]
    rate: float
    turns: Sequence[str] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    _waiting: dict[int, float] = field(default_factory=dict)

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
        order = itertools.cycle(self.turns or self.clients)
        due = time.monotonic()
        for number, address, who in zip(itertools.count(), itertools.cycle(self.addresses), order, strict=False):
            due += 1 / self.rate
            if over.wait(max(0, due - time.monotonic())):
                return
            self._waiting[number] = time.monotonic()
            pool.submit(self._send, number, address, who)

    def _send(self, number: int, address: str, who: str) -> None:
        connection = http.client.HTTPConnection(address, timeout=LIMIT_SECONDS)
        given = {"Host": self.host, "User-Agent": "Mozilla/5.0", **self.clients[who]}
        sent, status, headers, body = time.monotonic(), 0, {}, b""
        try:
            connection.request("GET", self.paths.get(who, "/headers"), headers=given)
            response = connection.getresponse()
            body = response.read()
            status = response.status
            headers = {name.lower(): value for name, value in response.getheaders()}
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        seconds = time.monotonic() - sent
        self.replies.append(Reply(who, sent, seconds, status, headers, seen_by_site(headers, body)))
        del self._waiting[number]

    def between(self, start: float, end: float, who: str | None = None) -> list[Reply]:
        """What was sent in that time."""
        return [reply for reply in self.replies if start <= reply.sent < end and who in (None, reply.who)]

    def statuses(self, start: float, end: float, who: str | None = None) -> dict[int, int]:
        """How often each status came in that time."""
        return dict(Counter(reply.status for reply in self.between(start, end, who)))

    def longest(self, who: str) -> float:
        """Seconds of that client's slowest answer."""
        return max(reply.seconds for reply in self.replies if reply.who == who)

    def sent_until(self, moment: float) -> None:
        """Wait until a request that was sent at that time or later has been answered."""
        left = moment - time.monotonic() + 40
        eventually(lambda: any(reply.sent >= moment for reply in self.replies), "load until then", left)

    def answered_until(self, moment: float) -> None:
        """Wait until everything has been answered that was sent before that time."""

        def done() -> bool:
            return time.monotonic() > moment and all(sent >= moment for sent in list(self._waiting.values()))

        eventually(done, "everything until then is answered", moment - time.monotonic() + 40)

    def first(self, condition: Callable[[Reply], bool], start: float, what: str, seconds: float) -> float:
        """When the first request from ``start`` on was sent whose reply meets the condition; waits for it."""

        def found() -> list[float]:
            return [reply.sent for reply in self.between(start, float("inf")) if condition(reply)]

        eventually(found, what, seconds)
        return min(found())


def seen_by_site(headers: Mapping[str, str], body: bytes) -> dict[str, list[str]]:
    """The headers that reached the site, as its ``/headers`` tells them; nothing where the answer is not the site's."""
    if not is_of_site(headers) or not headers.get("content-type", "").startswith("application/json"):
        return {}
    return {name.lower(): values for name, values in json.loads(body).get("headers", {}).items()}


def is_of_site(headers: Mapping[str, str]) -> bool:
    """Whether the site itself answered: go-httpbin sets this header on whatever it answers."""
    return "access-control-allow-credentials" in headers


def slow(load: EvenLoad, start: float, end: float) -> list[str]:
    """Answers of guarded sites that took long, though the site ``plain``, which asks nobody, answered quickly then.

    Passwords that are looked at, those of ``wrong``, are not among them: bcrypt takes its time.
    """
    replies = load.between(start, end)
    allowed = max(SLOW_SECONDS, 1.5 * max(reply.seconds for reply in replies if reply.who == "plain"))
    found = [reply for reply in replies if reply.who not in ("plain", "wrong") and reply.seconds > allowed]
    return [f"{reply.who} waited {reply.seconds:.2f} s at {reply.sent - start:.1f} s" for reply in found]
