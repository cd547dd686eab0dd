"""Requests at fixed moments, whether earlier ones were answered or not, as visitors come."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.load import answer_of, request_for

# Whoever has no answer by then has none.
LIMIT_SECONDS = 12.0
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Reply:
    """One answer: ``sent`` by time.perf_counter, ``seconds`` it took, and its status, 0 where none came."""

    sent: float
    seconds: float
    status: int


@dataclass
class Visitors:
    """So many requests a second to the addresses in turn, over connections that are kept where they can be.

    ``hosts`` are asked for in turn.
    """

    addresses: Sequence[str]
    hosts: Sequence[str]
    headers: Mapping[str, str]
    rate: float
    replies: list[Reply] = field(default_factory=list)
    _idle: dict[str, list[Connection]] = field(default_factory=dict)

    async def come(self, until: Callable[[], bool]) -> None:
        """Send until that is so, and wait for the answers."""
        requests = [request_for("/status/200", {"Host": host, **self.headers}) for host in self.hosts]
        sending: list[asyncio.Task[None]] = []
        due = time.perf_counter()
        for address, request in zip(itertools.cycle(self.addresses), itertools.cycle(requests), strict=False):
            if until():
                break
            await asyncio.sleep(due - time.perf_counter())
            sending.append(asyncio.create_task(self._send(address, request)))
            due += 1 / self.rate
        await asyncio.gather(*sending)
        for _, writer in itertools.chain.from_iterable(self._idle.values()):
            writer.close()
        self._idle.clear()

    async def _send(self, address: str, request: bytes) -> None:
        sent, status = time.perf_counter(), 0
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                status = await self._ask(address, request)
        except (OSError, asyncio.IncompleteReadError):
            # No answer is an answer too: its status is 0.
            status = 0
        self.replies.append(Reply(sent, time.perf_counter() - sent, status))

    async def _ask(self, address: str, request: bytes) -> int:
        idle = self._idle.setdefault(address, [])
        reader, writer = idle.pop() if idle else await asyncio.open_connection(address, 80)
        stays = False
        try:
            writer.write(request)
            status, stays = await answer_of(reader)
        finally:
            if stays:
                idle.append((reader, writer))
            else:
                writer.close()
        return status

    def between(self, start: float, end: float = math.inf) -> list[Reply]:
        """What was sent in that time."""
        return [reply for reply in self.replies if start <= reply.sent < end]

    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return Counter(reply.status for reply in self.replies)


def percentile(replies: Sequence[Reply], percent: float) -> float:
    """Seconds that so many percent of the answers did not exceed."""
    ordered = sorted(reply.seconds for reply in replies)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def offered(
    addresses: Sequence[str], hosts: Sequence[str], headers: Mapping[str, str], rate: float, seconds: float
) -> Visitors:
    """Visitors for so many seconds."""
    visitors, over = Visitors(addresses, hosts, headers, rate), time.perf_counter() + seconds
    asyncio.run(visitors.come(lambda: time.perf_counter() >= over))
    return visitors
