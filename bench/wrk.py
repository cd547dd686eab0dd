"""Closed load by wrk, which takes less of the machine's cores than anything that counts every status would."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.playing import BenchFailed

SCRIPT = Path(__file__).parent / "wrk.lua"
# A plain proxy lets its clients wait for five seconds.
TIMEOUT_SECONDS = 10


@dataclass
class Saturated:
    """What came back in ``seconds``: how many answers, how many of them with a status from 400 on, and their times.

    ``latencies`` counts the answers by microseconds.
    """

    seconds: float = 0.0
    requests: int = 0
    failed: int = 0
    latencies: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    def percentile(self, percent: float) -> float:
        """Seconds that so many percent of the answers did not exceed."""
        left = math.ceil(self.latencies.total() * percent / 100)
        for microseconds in sorted(self.latencies):
            left -= self.latencies[microseconds]
            if left <= 0:
                break
        return microseconds / 1e6


def saturate(
    addresses: Sequence[str], hosts: Sequence[str], headers: Mapping[str, str], connections: int, seconds: float
) -> Saturated:
    """So many connections, spread over the addresses, each asking for the hosts in turn as quickly as it is answered.

    Raises BenchFailed when wrk is missing or a request was lost.
    """
    shares = [len(range(place, connections, len(addresses))) for place in range(len(addresses))]
    used = [(address, share) for address, share in zip(addresses, shares, strict=True) if share]
    with ThreadPoolExecutor(len(used)) as pool:
        parts = list(pool.map(lambda one: _told(_command(one[0], hosts, headers, one[1], seconds)), used))
    if any(part["lost"] for part in parts):
        raise BenchFailed(f"requests to {', '.join(hosts)} were lost: {[part['lost'] for part in parts]}")
    return _together([(share, part) for (_, share), part in zip(used, parts, strict=True)])


def version() -> str:
    """wrk's own version."""
    ended = subprocess.run([_program(), "-v"], capture_output=True, text=True, check=False)
    return ended.stdout.split()[1].removeprefix("debian/").partition("-")[0]


def _together(parts: Sequence[tuple[int, Mapping[str, Any]]]) -> Saturated:
    whole = Saturated(seconds=max(part["microseconds"] for _, part in parts) / 1e6)
    for connections, part in parts:
        whole.requests += part["requests"]
        whole.failed += part["failed"]
        if part["requests"] >= connections:
            usual = part["microseconds"] // (part["requests"] // connections)
            whole.latencies.update(as_measured(dict(part["latencies"]), usual))
    return whole


def as_measured(told: Mapping[int, int], usual: int) -> Counter[int]:
    """Answers by microseconds without those that wrk makes up: what would have been sent while a client waited.

    For each answer that took twice the usual time or more it adds (4.1.0, stats.c, stats_correct) one that took the
    usual time less, and so on down to the usual time.
    """
    counts: Counter[int] = Counter(told)
    for microseconds in sorted(counts, reverse=True):
        for earlier in range(microseconds - usual, usual, -usual):
            counts[earlier] -= counts[microseconds]
    return +counts


def _command(
    address: str, hosts: Sequence[str], headers: Mapping[str, str], connections: int, seconds: float
) -> list[str]:
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    amount = ["-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}", "--timeout", str(TIMEOUT_SECONDS)]
    return [_program(), *amount, *given, "-s", str(SCRIPT), f"http://{address}/status/200", "--", *hosts]


def _told(command: Sequence[str]) -> dict[str, Any]:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode != 0 or not ended.stdout:
        raise BenchFailed(f"wrk failed: {ended.stderr or ended.stdout}")
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def _program() -> str:
    found = shutil.which("wrk")
    if not found:
        raise BenchFailed("The load generator wrk is not installed. On Debian and Ubuntu: apt-get install wrk")
    return found
