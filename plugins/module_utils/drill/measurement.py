# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real requests through every replica at an even rate, as a load balancer would send them; each one is recorded."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread

from ansible_collections.resilient.traefik.plugins.module_utils.drill.entrances import Leaving, entrances
from ansible_collections.resilient.traefik.plugins.module_utils.drill.figures import RecoveryWatch
from ansible_collections.resilient.traefik.plugins.module_utils.drill.lane import Clock, Lane, Pace
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.sessions import Sessions
from ansible_collections.resilient.traefik.plugins.module_utils.drill.spool import Spool
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import PodPoint
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

__all__ = ["Measurement", "Record", "Visitor"]

_FOLLOW_SECONDS = 0.5
# What the last requests may take beside their own limit: connecting, and the machine's other work.
_LAST_SECONDS = 10.0
# A measurement that has not seen the replicas for so long may ask the wrong ones.
_BLIND_SECONDS = 5.0
_FLUSH_SECONDS = 0.2
# So long is remembered what was answered, for somebody who asks about the recovery a little after the fact.
_RECENT_SECONDS = 30.0
# Spreads any number of replicas evenly over one turn.
_GOLDEN = 0.618034


class Measurement:
    """Sends while its context ``running`` lasts; ``records`` gives everything afterwards.

    ``rate`` is in requests a second and replica, which the visitors take in turn. ``max_seconds``: how long one waits.
    A replica that is going, or not ready, is asked for ``leave_seconds`` more; one that becomes ready is asked from
    then on. At most ``most_waiting`` requests are under way at one replica: more are not sent, and counted.
    ``burst`` is how many requests ``burst_now`` sends at once to each replica.
    """

    def __init__(
        self,
        client: Client,
        workload: Workload,
        entry_point: str,
        visitors: Sequence[Visitor],
        *,
        rate: float,
        max_seconds: float,
        spool: Path,
        burst: int = 0,
        leave_seconds: float = 1.0,
        most_waiting: int = 400,
    ) -> None:
        """Raises BadArgument (no such entry point, visitors), OSError when the spool cannot be made."""
        names = [visitor.name for visitor in visitors]
        if not names or len(set(names)) < len(names):
            raise BadArgument("visitors: there must be at least one, and each needs a name of its own")
        self._client, self._workload, self._port = client, workload, workload.port(entry_point)
        self._visitors = list(visitors)
        self._rate, self._max_seconds, self._most_waiting = rate, max_seconds, most_waiting
        self._burst = burst
        self._leaving = Leaving(leave_seconds)
        self._clock = Clock()
        self._lanes: list[Lane] = []
        self._lock = Lock()
        self._over = Event()
        self._faults: set[str] = set()
        self._recent: deque[Record] = deque()
        self._spool = Spool(spool, names)

    @property
    def replicas(self) -> list[str]:
        """The names of all replicas that were asked so far."""
        return sorted({lane.replica for lane in self._lanes})

    @property
    def not_sent(self) -> int:
        """How many requests could not be sent in their turn."""
        return sum(lane.not_sent for lane in self._lanes)

    @property
    def not_sent_because(self) -> list[str]:
        """Why some could not be sent, each reason once; those that had too many before them give none."""
        return sorted(set[str]().union(*(lane.reasons for lane in self._lanes)))

    @property
    def faults(self) -> list[str]:
        """Why the measurement as a whole is not to be trusted, each reason once; empty when it is."""
        return sorted(self._faults)

    @contextmanager
    def running(self) -> Iterator[Measurement]:
        """Sends until the context ends; every request is answered or given up by then, unless an error ends it.

        Raises BadArgument when no replica is ready, Forbidden, Unreachable.
        """
        present = entrances(self._client, self._workload)
        if not present:
            raise BadArgument(f"{self._workload.ref}: none of its replicas is ready")
        threads = [Thread(target=work, daemon=True) for work in (self._follow, self._write)]
        patience = 0.0
        try:
            self._see(present)
            for lane in self._lanes:
                lane.has_begun(_LAST_SECONDS)
            for thread in threads:
                thread.start()
            yield self
            patience = self._max_seconds + _LAST_SECONDS
        finally:
            self._end(threads, patience)

    def burst_now(self) -> None:
        """The burst, to every replica that is asked now."""
        for lane in self._asked():
            lane.burst(self._burst)

    def sent_until(self, epoch: float) -> None:
        """Waits until every turn before that time (epoch seconds) has been taken."""
        while True:
            now = self._clock.now()
            if now >= epoch and all(lane.due() >= epoch for lane in self._asked()):
                return
            if now > epoch + self._max_seconds:
                self._faults.add("requests were sent much later than planned")
                return
            time.sleep(max(0.01, min(epoch - now, 0.2)))

    def recovered_after(self, moment: float, seconds: float) -> float | None:
        """Seconds from ``moment`` (epoch) until every guarded visitor is answered as before three times in a row.

        Waits for that, at most until ``seconds`` after the moment; None when it has not come.
        """
        while True:
            found = self._recovery(moment)
            if found is not None or self._clock.now() > moment + seconds:
                return found
            time.sleep(_FLUSH_SECONDS)

    def recent(self) -> list[Record]:
        """What was answered lately, also while it runs: at least all of the last half minute."""
        self._flush()
        with self._lock:
            return list(self._recent)

    def records(self) -> Iterator[Record]:
        """Every record, from disk, in the order of the answers. Only after the context."""
        return iter(self._spool)

    def _recovery(self, moment: float) -> float | None:
        watch = RecoveryWatch(self._visitors, moment)
        # First those under way: one that ends meanwhile is seen twice rather than not at all.
        for lane in list(self._lanes):
            for sent, visitor in lane.under_way():
                watch.see_open(sent, visitor)
        self._flush()
        with self._lock:
            for record in self._recent:
                watch.see(record)
        return watch.recovered()

    def _asked(self) -> list[Lane]:
        with self._lock:
            return [lane for lane in self._lanes if lane.replica in self._leaving.present]

    def _see(self, present: set[str]) -> None:
        new, gone = self._leaving.see(present, time.monotonic())
        for lane in [lane for lane in self._lanes if lane.replica in gone]:
            lane.end()
        for name in sorted(new):
            lane = self._lane(name)
            with self._lock:
                self._lanes.append(lane)
            lane.start()

    def _lane(self, replica: str) -> Lane:
        point = PodPoint(self._client, self._workload.ref.namespace, replica, self._port)
        requests = [visitor.request for visitor in self._visitors]
        spare = max(2, round(self._rate / 20), self._burst)
        sessions = Sessions(point, requests, spare=spare, max_seconds=self._max_seconds)
        pace = Pace(self._rate, (len(self._lanes) * _GOLDEN) % 1, self._most_waiting)
        return Lane(replica, self._visitors, sessions, pace, self._clock, self._spool.add)

    def _follow(self) -> None:
        seen = time.monotonic()
        while not self._over.wait(_FOLLOW_SECONDS):
            try:
                self._see(entrances(self._client, self._workload))
                seen = time.monotonic()
            except ResilientError as error:
                if time.monotonic() - seen > _BLIND_SECONDS:
                    self._faults.add(f"the replicas could not be followed: {error}")

    def _write(self) -> None:
        while not self._over.wait(_FLUSH_SECONDS):
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            try:
                self._recent.extend(self._spool.flush())
            except OSError as error:
                self._faults.add(f"{self._spool.path}: {error.strerror}")
            limit = self._clock.now() - _RECENT_SECONDS - self._max_seconds
            while self._recent and self._recent[0].sent < limit:
                self._recent.popleft()

    def _end(self, threads: Sequence[Thread], patience: float) -> None:
        self._over.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for lane in self._lanes:
            lane.end()
        until = time.monotonic() + patience
        for lane in self._lanes:
            if not lane.wait(max(0.0, until - time.monotonic())) and patience:
                self._faults.add(f"replica {lane.replica}: requests without an end")
        self._spool.close()
