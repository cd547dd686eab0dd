"""What visitors meet while the target hangs for ten seconds, and until their sessions count again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.cases import Case, Cluster, Contender, Samples
from bench.even import Reply, Visitors
from bench.playing import BenchFailed
from bench.sites import DIRECT, OURS, PLAIN, Sites, sites_of

RATE, OUTAGE_SECONDS = 50, 10.0
# One request every two seconds: nobody but the checks finds out that the target hangs.
QUIET_RATE, QUIET_SECONDS = 0.5, 20.0
WELL_SECONDS = 1.0
SETTLED_AFTER = 3.0
# Longer than this is slow: somebody who waits notices it.
SLOW_SECONDS = 0.5
BACK_WITHIN = 30.0
WAYS = {"fallback proxy": OURS, "plain nginx": PLAIN}


def outage(cluster: Cluster) -> Case:
    """The fallback proxy and the plain one, at an even rate and on a quiet site."""
    sites = sites_of(cluster)
    return [make(sites, way, host) for make in (_even, _quiet) for way, host in WAYS.items()]


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


def _even(sites: Sites, way: str, host: str) -> Contender:
    name = f"{way}, {RATE} requests a second"

    def run(_: str) -> Samples:
        found = _suffered(sites, host, RATE, OUTAGE_SECONDS)
        return {
            f"longest: {name}": max(reply.seconds for reply in found.replies()),
            f"longest from 3 s on: {name}": max(reply.seconds for reply in found.replies(SETTLED_AFTER)),
            f"share slow: {name}": 100 * len(found.slow()) / len(found.replies()),
            f"back after: {name}": found.back_after() or BACK_WITHIN,
        }

    return Contender(f"{name}, outage", run)


def _quiet(sites: Sites, way: str, host: str) -> Contender:
    name = f"{way}, quiet site"

    def run(_: str) -> Samples:
        found = _suffered(sites, host, QUIET_RATE, QUIET_SECONDS)
        return {
            f"number slow: {name}": float(len(found.slow())),
            f"longest: {name}": max(reply.seconds for reply in found.replies()),
        }

    return Contender(f"{name}, outage", run)


def _suffered(sites: Sites, host: str, rate: float, seconds: float) -> Outage:
    """One outage under so many requests a second. Raises BenchFailed where somebody gets an error of a server."""
    sites.wait_until_well(DIRECT, host)
    found = asyncio.run(_outage(sites, Visitors(sites.addresses, [host], sites.headers(), rate), seconds))
    statuses = found.visitors.statuses()
    if any(status not in (200, 401) for status in statuses):
        raise BenchFailed(f"{host} answered {dict(statuses)} during an outage")
    return found


async def _outage(sites: Sites, visitors: Visitors, seconds: float) -> Outage:
    """Well, then hung for so many seconds, then until sessions count again or that has taken too long."""
    over = False
    coming = asyncio.create_task(visitors.come(lambda: over))
    await asyncio.sleep(WELL_SECONDS)
    began = time.perf_counter()
    try:
        await asyncio.to_thread(sites.switch, "hang")
        await asyncio.sleep(began + seconds - time.perf_counter())
    finally:
        healed = time.perf_counter()
        await asyncio.to_thread(sites.switch, "ok")
    found = Outage(visitors, began, healed)
    while found.back_after() is None and time.perf_counter() < healed + BACK_WITHIN:
        await asyncio.sleep(0.1)
    over = True
    await coming
    return found
