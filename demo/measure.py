"""What visitors of the lab's sites meet while nothing, authentik or the bot blocker fails."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.integration.http_in_pod import Answer, Door, ask_all
from tests.integration.lab_cluster import LabCluster
from tests.integration.standin import StandIn
from tests.integration.support_login import log_in_through_traefik

TRAEFIK = "app.kubernetes.io/name=traefik,app.kubernetes.io/instance=traefik-traefik"
OUTPOST = "app.kubernetes.io/name=authentik,app.kubernetes.io/component=server"
CRAWLER = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
NOBODY, LOGGED_IN, EMERGENCY = "nobody", "logged in", "emergency login"


@dataclass(frozen=True)
class Visit:
    """Who asks for which site."""

    host: str
    who: str


@dataclass(frozen=True)
class Measured:
    """One visit through all replicas under one failure: the statuses, and the seconds of the slowest answer."""

    failure: str
    visit: Visit
    statuses: tuple[int, ...]
    longest: float


PUBLIC = (Visit("public.lab.test", "a person"), Visit("public.lab.test", "a crawler"))
PRIVATE = tuple(Visit("private.lab.test", who) for who in (NOBODY, LOGGED_IN, EMERGENCY))


@dataclass(frozen=True)
class Lab:
    """The lab's cluster, and the header of the emergency login where there is one."""

    cluster: LabCluster
    emergency: str = ""

    def doors(self) -> list[Door]:
        """The entry point `web` of each Ready replica."""
        return [Door(self.cluster, "traefik", pod, 8000) for pod in self.cluster.ready_pods("traefik", TRAEFIK)]

    def measure(self, progress: Callable[[str], None]) -> Iterator[Measured]:
        """Each failure in its turn, all visits at once; everything is well again at the end."""
        cookie = log_in_through_traefik(self.doors()[0], "private.lab.test")
        outpost = StandIn(self.cluster, "authentik", OUTPOST, 9000)
        blocker = StandIn(self.cluster, "poison-fountain", "app=poison-fountain", 8080)
        failures: list[tuple[str, AbstractContextManager[None], Sequence[Visit]]] = [
            ("all is well", nullcontext(), PUBLIC + PRIVATE),
            ("authentik hangs", outpost.failing("hang"), PRIVATE),
            ("the bot blocker hangs", blocker.failing("hang"), (PUBLIC[0], PRIVATE[1])),
        ]
        for failure, failing, visits in failures:
            progress(f"measuring: {failure} ...")
            with failing, ThreadPoolExecutor(len(visits)) as pool:
                answers = list(pool.map(lambda visit: self._visit(visit, cookie), visits))
            yield from (_measured(failure, *pair) for pair in zip(visits, answers, strict=True))

    def _visit(self, visit: Visit, cookie: str) -> list[Answer]:
        headers = {
            "a crawler": {"User-Agent": CRAWLER},
            LOGGED_IN: {"Cookie": cookie},
            EMERGENCY: {"Authorization": self.emergency} if self.emergency else {},
        }.get(visit.who, {})
        return list(ask_all(self.doors(), visit.host, "/get", headers=headers).values())


def _measured(failure: str, visit: Visit, answers: Sequence[Answer]) -> Measured:
    statuses = tuple(sorted({answer.status for answer in answers}))
    return Measured(failure, visit, statuses, max(answer.seconds for answer in answers))


def basic(name: str, password: str) -> str:
    """The header of a Basic login."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
