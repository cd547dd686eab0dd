# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What proxies, Traefik and stand-ins count themselves, second by second, beside what visitors saw."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread

from ansible_collections.resilient.traefik.plugins.module_utils.drill.healer_files import STAND_IN_METRIC, ready_port
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer, PodPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import read_pods
from ansible_collections.resilient.traefik.plugins.module_utils.metrics_text import samples
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import metrics
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

# The fallback proxy's own port (docs/fallback_proxy.md).
PROXY_PORT = 9113
_LIST_SECONDS = 2.0
_ANSWER_SECONDS = 2.0

# What is counted: the proxies' fallbacks by reason and all that they were asked, Traefik's answers by status.
FALLBACKS, ASKED, TRAEFIK = "fallbacks", "asked", "traefik"

Totals = Mapping[str, int]
# Rises by family, by the pod's uid and by epoch second. A pod without any has answered all the same.
Counts = Mapping[str, Mapping[str, Mapping[int, Totals]]]


@dataclass(frozen=True)
class StandIns:
    """Pods of the drill's own that count by visitor what they are asked: ``mode`` is hang or well."""

    mode: str
    workload: Object
    port: int


def family_of(mode: str) -> str:
    """The name under which the requests to stand-ins of a mode are counted."""
    return f"stand_in_{mode}"


def fallbacks(text: str) -> Totals:
    """How often a proxy fell back, by reason, out of its metrics."""
    found = Counter[str]()
    for _name, labels, value in samples(text, "fallback_proxy_fallbacks_total"):
        found[labels.get("reason", "")] += int(value)
    return found


def asked(text: str) -> Totals:
    """How often a proxy was asked by Traefik, out of its metrics. Its own checks are not among these."""
    return {"": sum(int(value) for _name, _labels, value in samples(text, "fallback_proxy_requests_total"))}


def stood_in(text: str) -> Totals:
    """How often a stand-in was asked, by the visitor's number (``other``: by no visitor), out of its metrics."""
    return {labels.get("visitor", ""): int(value) for _name, labels, value in samples(text, STAND_IN_METRIC)}


def answers(text: str, entry_point: str = "") -> Totals:
    """How many answers a replica gave at an entry point (or at all of them), by status, out of its metrics."""
    found = Counter[str]()
    for _name, labels, value in samples(text, "traefik_entrypoint_requests_total"):
        if entry_point.lower() in ("", labels.get("entrypoint", "").lower()):
            found[labels.get("code", "")] += int(value)
    return found


class Differences:
    """What rising totals of pods have risen by, by epoch second. A pod that restarts begins at zero again."""

    def __init__(self) -> None:
        self._last: dict[str, Totals] = {}
        self._risen: dict[str, dict[int, Counter[str]]] = {}
        self._lock = Lock()

    def see(self, pod: str, totals: Totals, moment: float, new: bool) -> None:
        """A pod's totals at a moment. Of one that is ``new``, the first totals count too: it began after us."""
        with self._lock:
            before = self._last.get(pod, {} if new else totals)
            # Restarted: no total of a pod falls otherwise.
            if any(totals.get(name, 0) < count for name, count in before.items()):
                before = {}
            self._last[pod] = dict(totals)
            risen = {name: count - before.get(name, 0) for name, count in totals.items()}
            by_second = self._risen.setdefault(pod, {}).setdefault(int(moment), Counter())
            by_second.update({name: count for name, count in risen.items() if count})

    def by_second(self) -> dict[int, dict[str, int]]:
        """The sums over all pods, by epoch second."""
        found: dict[int, Counter[str]] = {}
        for by_second in self.by_pod().values():
            for second, risen in by_second.items():
                found.setdefault(second, Counter()).update(risen)
        return {second: dict(risen) for second, risen in found.items()}

    def by_pod(self) -> dict[str, dict[int, dict[str, int]]]:
        """By each pod that has answered, and by epoch second."""
        with self._lock:
            return {
                pod: {second: dict(risen) for second, risen in by_second.items() if risen}
                for pod, by_second in self._risen.items()
            }


@dataclass(frozen=True)
class _Source:
    """The pods of a workload that are asked for the same thing; what their answer tells is of several families."""

    workload: Object
    port: int
    request: Request
    families: Mapping[str, Callable[[str], Totals]]


class Counters:
    """Asks every pod once a second while ``running`` lasts. A pod without metrics leaves its numbers out."""

    def __init__(
        self,
        client: Client,
        workload: Workload,
        proxies: Sequence[Object] = (),
        entry_point: str = "",
        stand_ins: Sequence[StandIns] = (),
    ) -> None:
        """``proxies`` are the fallback proxies' Deployments. Of Traefik one entry point counts, or all without a name.

        Its counters are left out where they are off.
        """
        self._client = client
        request = Request(host="localhost", path="/metrics")
        of_proxy = {FALLBACKS: fallbacks, ASKED: asked}
        self._sources = [_Source(proxy, PROXY_PORT, request, of_proxy) for proxy in proxies]
        self._sources += [
            _Source(each.workload, ready_port(each.port), request, {family_of(each.mode): stood_in})
            for each in stand_ins
        ]
        try:
            port, request = metrics.where(workload)
        except NoAnswer:
            self.traefik = False
        else:
            self.traefik = True
            of_traefik = {TRAEFIK: lambda text: answers(text, entry_point)}
            self._sources.append(_Source(workload.item, port, request, of_traefik))
        self._differences = {family: Differences() for source in self._sources for family in source.families}
        self._over = Event()
        self._asked: dict[str, Thread] = {}
        self._first: dict[str, Event] = {}
        self._present: set[str] = set()

    @contextmanager
    def running(self) -> Iterator[Counters]:
        """Polls until the context ends. Raises Forbidden, Unreachable when the pods cannot be listed at first."""
        self._look(new=False)
        for baseline in self._first.values():
            baseline.wait(2 * _ANSWER_SECONDS)
        looking = Thread(target=self._look_again, name="counters", daemon=True)
        looking.start()
        try:
            yield self
        finally:
            self._over.set()
            # First the one that adds to the others.
            looking.join()
            for thread in self._asked.values():
                thread.join()

    def by_second(self) -> dict[int, dict[str, dict[str, int]]]:
        """By epoch second: ``fallbacks`` by reason and ``traefik`` by status, where there were any."""
        found: dict[int, dict[str, dict[str, int]]] = {}
        for family in (FALLBACKS, TRAEFIK):
            if family in self._differences:
                for second, risen in self._differences[family].by_second().items():
                    found.setdefault(second, {})[family] = risen
        return found

    def counts(self) -> Counts:
        """All that has been counted until now, also while it runs."""
        return {family: differences.by_pod() for family, differences in self._differences.items()}

    def _look_again(self) -> None:
        while not self._over.wait(_LIST_SECONDS):
            # Until the next look, those that are known are asked.
            with contextlib.suppress(ResilientError):
                self._look(new=True)

    def _look(self, new: bool) -> None:
        """Begins to ask the pods that have come, and ends with those that have gone."""
        found = [(source, pod) for source in self._sources for pod in read_pods(self._client, source.workload)]
        self._present = {pod["metadata"]["uid"] for _source, pod in found}
        for source, pod in found:
            key = pod["metadata"]["uid"]
            if key not in self._asked and pod.get("status", {}).get("podIP"):
                self._first[key] = Event()
                self._asked[key] = Thread(target=self._ask, args=(source, pod, new, self._first[key]), daemon=True)
                self._asked[key].start()

    def _ask(self, source: _Source, pod: Object, new: bool, first: Event) -> None:
        """At once, every second until the pod is no more, and a last time when all is over."""
        metadata = pod["metadata"]
        point = PodPoint(self._client, metadata["namespace"], metadata["name"], source.port)
        with Session(point, timeout=_ANSWER_SECONDS, max_seconds=_ANSWER_SECONDS) as session:
            over = False
            while not over and metadata["uid"] in self._present:
                self._poll(session, source, metadata["uid"], new)
                first.set()
                over = self._over.wait(_left())
            if over:
                self._poll(session, source, metadata["uid"], new)

    def _poll(self, session: Session, source: _Source, pod: str, new: bool) -> None:
        try:
            answer = session.ask(source.request)
        except ResilientError:
            # What it counts meanwhile is in the next answer, unless it is gone: then nobody can know.
            return
        if answer.status == 200:
            moment = time.time() - 0.5
            for family, totals in source.families.items():
                self._differences[family].see(pod, totals(answer.text), moment, new)


def _left() -> float:
    """Until just after the next second has begun: what is found then belongs to the one that has ended."""
    return 1.02 - time.time() % 1
