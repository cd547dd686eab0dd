"""What visitors meet while the target hangs for ten seconds, and until their sessions count again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.cases import Case, Cluster, Contender, Samples
from bench.even import Reply, Visitors
from bench.playing import BenchFailed
from bench.sites import DIRECT, OURS, PLAIN, Sites, sites_of

RATE, OUTAGE_SECONDS = 50, 10.0
# One request every two seconds: nobody but the checks finds out that the target hangs.
QUIET_RATE, QUIET_SECONDS = 0.5, 20.0
# A target that has been well for so long is known to be prompt, if it is.
WELL_SECONDS = 25.0
SETTLED_AFTER = 3.0
# Longer than this is slow: somebody who waits notices it.
SLOW_SECONDS = 0.5
BACK_WITHIN = 30.0
WAYS = {"fallback proxy": OURS, "plain nginx": PLAIN}


def outage(cluster: Cluster) -> Case:
    """The fallback proxy and the plain one in the same outages: at an even rate, and on a quiet site."""
    sites = sites_of(cluster)

    def even(_: str) -> Samples:
        found = _suffered(sites, RATE, OUTAGE_SECONDS)
        return _merged(_felt(outage, f"{way}, {RATE} requests a second") for way, outage in found.items())

    def quiet(_: str) -> Samples:
        found = _suffered(sites, QUIET_RATE, QUIET_SECONDS)
        return {f"number slow: {way}, quiet site": float(len(outage.slow())) for way, outage in found.items()}

    return [Contender(f"outage, {RATE} requests a second", even), Contender("outage, quiet site", quiet)]


@dataclass(frozen=True)
class Outage:
    """All replies, and when the first pod of the target began to hang and to answer again."""

    visitors: Visitors
    began: float
    healed: float

    def replies(self, after: float = 0.0) -> list[Reply]:
        """What was sent during the outage, so many seconds after its beginning or later."""
        return self.visitors.between(self.began + after, self.healed)

    def slow(self) -> list[Reply]:
        """Answers that took long."""
        return [reply for reply in self.replies() if reply.seconds > SLOW_SECONDS]

    def back_after(self) -> float | None:
        """Seconds from the healing to the first of three answers in a row that members got by their sessions."""
        sent = sorted(self.visitors.between(self.healed), key=lambda reply: reply.sent)
        for three in zip(sent, sent[1:], sent[2:], strict=False):
            if all(reply.status == 200 and reply.seconds < SLOW_SECONDS for reply in three):
                return three[0].sent - self.healed
        return None


def _felt(outage: Outage, name: str) -> Samples:
    return {
        f"longest: {name}": max(reply.seconds for reply in outage.replies()),
        f"longest from 3 s on: {name}": max(reply.seconds for reply in outage.replies(SETTLED_AFTER)),
        f"share slow: {name}": 100 * len(outage.slow()) / len(outage.replies()),
        f"back after: {name}": outage.back_after() or BACK_WITHIN,
    }


def _merged(parts: Iterable[Samples]) -> Samples:
    return {name: value for part in parts for name, value in part.items()}


def _suffered(sites: Sites, rate: float, seconds: float) -> dict[str, Outage]:
    """One outage by way, so many requests a second each. Raises BenchFailed where a server's error is answered."""
    sites.wait_until_well(DIRECT, *WAYS.values())
    everybody = {way: Visitors(sites.addresses, [host], sites.headers(), rate) for way, host in WAYS.items()}
    began, healed = asyncio.run(_outage(sites, list(everybody.values()), seconds))
    for way, visitors in everybody.items():
        statuses = visitors.statuses()
        if any(status not in (200, 401) for status in statuses):
            raise BenchFailed(f"{way} answered {dict(statuses)} during an outage")
    return {way: Outage(visitors, began, healed) for way, visitors in everybody.items()}


async def _outage(sites: Sites, everybody: Sequence[Visitors], seconds: float) -> tuple[float, float]:
    """Well, then hung for so many seconds, then until sessions count again or that has taken too long."""
    over = False
    coming = asyncio.gather(*(visitors.come(lambda: over) for visitors in everybody))
    await asyncio.sleep(WELL_SECONDS)
    began = time.perf_counter()
    try:
        await asyncio.to_thread(sites.switch, "hang")
        await asyncio.sleep(began + seconds - time.perf_counter())
    finally:
        healed = time.perf_counter()
        await asyncio.to_thread(sites.switch, "ok")
    outages = [Outage(visitors, began, healed) for visitors in everybody]
    while time.perf_counter() < healed + BACK_WITHIN and any(outage.back_after() is None for outage in outages):
        await asyncio.sleep(0.1)
    over = True
    await coming
    return began, healed
