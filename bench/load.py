"""Closed load over HTTP: so many connections, each sending its next request when the last one was answered."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Loaded:
    """What came back in ``seconds``: ``times`` of each answer, in seconds too, and how often each status came."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_thousand(self) -> float:
        """Seconds that a thousand requests took."""
        return 1000 * self.seconds / len(self.times)

    @property
    def median(self) -> float:
        """Seconds of the median answer."""
        return statistics.median(self.times)


def load(
    addresses: Sequence[str], headers: Mapping[str, str], connections: int, seconds: float, path: str = "/status/200"
) -> Loaded:
    """Ask the addresses in turn, port 80. Raises OSError when a connection cannot be made."""
    return asyncio.run(_load(addresses, request_for(path, headers), connections, seconds))


def request_for(path: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of one request."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _load(addresses: Sequence[str], request: bytes, connections: int, seconds: float) -> Loaded:
    found, began = Loaded(), time.perf_counter()
    clients = [
        _client(addresses[number % len(addresses)], request, began + seconds, found) for number in range(connections)
    ]
    await asyncio.gather(*clients)
    found.seconds = time.perf_counter() - began
    return found


async def _client(address: str, request: bytes, until: float, found: Loaded) -> None:
    reader, writer = await asyncio.open_connection(address, 80)
    while (sent := time.perf_counter()) < until:
        writer.write(request)
        status, stays = await answer_of(reader)
        found.times.append(time.perf_counter() - sent)
        found.statuses[status] += 1
        if not stays:
            writer.close()
            reader, writer = await asyncio.open_connection(address, 80)
    writer.close()
    await writer.wait_closed()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status, and whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length:
        await reader.readexactly(int(length[1]))
    elif b"chunked" in head.lower():
        await reader.readuntil(b"0\r\n\r\n")
    return int(head[9:12]), b"connection: close" not in head.lower()
