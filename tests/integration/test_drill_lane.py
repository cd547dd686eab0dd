"""Requests to one place, each in its turn whatever becomes of the others. No cluster needed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.lane import Clock, Lane, Pace
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.sessions import Sessions
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import AddressPoint, Request
from tests.integration.lab_cluster import eventually
from tests.integration.support_site import Site
from tests.integration.support_unruly_site import UnrulySite

pytestmark = pytest.mark.loopback

MAX_SECONDS = 1.0
Run = Callable[..., "Running"]


class Running:
    """A lane at work, and what it has recorded."""

    def __init__(self, port: int, paths: list[str], rate: float, most_waiting: int, spare: int) -> None:
        self.records: list[Record] = []
        visitors = [Visitor(path, Request(host="a.test", path=path)) for path in paths]
        requests = [visitor.request for visitor in visitors]
        sessions = Sessions(AddressPoint("127.0.0.1", port), requests, spare=spare, max_seconds=MAX_SECONDS)
        self.lane = Lane("r", visitors, sessions, Pace(rate, 0.0, most_waiting), Clock(), self.records.append)
        self.lane.start()
        assert self.lane.has_begun(10)
        self.began, self.ended = self.lane.due(), 0.0

    def lasts(self, seconds: float) -> None:
        """Waits until the turns of so many seconds are over, and all answers are there."""
        eventually(lambda: self.lane.due() >= self.began + seconds, "turns", seconds + 10)
        self.ended = time.time()
        self.lane.end()
        assert self.lane.wait(MAX_SECONDS + 10)

    def of(self, visitor: int) -> list[Record]:
        """That visitor's records."""
        return [record for record in self.records if record.visitor == visitor]


@pytest.fixture
def run() -> Iterator[Run]:
    """Begins to send to a port."""
    lanes: list[Lane] = []

    def begin(port: int, paths: list[str], rate: float, *, most_waiting: int = 400, spare: int = 4) -> Running:
        running = Running(port, paths, rate, most_waiting, spare)
        lanes.append(running.lane)
        return running

    yield begin
    for lane in lanes:
        lane.end()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        yield served


def port_of(site: Site) -> int:
    return urlsplit(site.url).port or 0


def test_what_hangs_holds_nothing_up(run: Run, site: Site) -> None:
    running = run(port_of(site), ["/well", "/hang"], 40.0)
    running.lasts(3)
    well, hung = running.of(0), running.of(1)
    assert abs(len(well) - len(hung)) <= 1
    assert abs(len(running.records) - (running.ended - running.began) * 40) <= 5
    assert {record.status for record in well} == {200}
    assert {(record.status, record.error) for record in hung} == {(0, "no whole answer within 1 s (max_seconds)")}
    assert all(record.seconds >= MAX_SECONDS * 0.95 for record in hung)
    assert running.lane.not_sent == 0


def test_turns_are_even(run: Run, site: Site) -> None:
    running = run(port_of(site), ["/"], 50.0)
    running.lasts(2)
    turns = sorted(record.sent - record.late for record in running.records)
    gaps = [after - before for before, after in pairwise(turns)]
    assert all(abs(gap - 0.02) < 0.001 for gap in gaps)
    assert abs(turns[0] - running.began) < 0.1


def test_what_cannot_be_sent_is_counted(run: Run, site: Site) -> None:
    running = run(port_of(site), ["/hang"], 50.0, most_waiting=5)
    running.lasts(3)
    begun = [record.sent for record in running.records]
    assert all(sum(1 for sent in begun if moment <= sent < moment + 0.9) <= 5 for moment in begun)
    turns = (running.ended - running.began) * 50
    assert abs(len(begun) + running.lane.not_sent - turns) <= 5
    assert running.lane.not_sent > 50


def test_a_kept_connection_that_has_ended_is_no_failure(run: Run) -> None:
    with UnrulySite(answers=3) as site:
        running = run(site.port, ["/"], 30.0)
        running.lasts(2)
        assert {(record.status, record.error) for record in running.records} == {(200, "")}
        assert site.connections > 10


def test_a_fresh_connection_that_ends_is_a_failure(run: Run) -> None:
    with UnrulySite(answers=0) as site:
        running = run(site.port, ["/"], 30.0)
        running.lasts(1)
        assert {(record.status, record.error) for record in running.records} == {
            (0, "the connection was closed without an answer")
        }


def test_nobody_listens(run: Run) -> None:
    running = run(9, ["/"], 20.0)
    running.lasts(1)
    assert {record.status for record in running.records} == {0}
    assert {record.error for record in running.records} == {"no connection: [Errno 111] Connection refused"}


def test_a_burst_comes_at_once_and_beside(run: Run, site: Site) -> None:
    running = run(port_of(site), ["/"], 5.0, spare=20)
    eventually(lambda: len(running.records) > 3, "the even ones", 10)
    began = time.time()
    running.lane.burst(20)
    eventually(lambda: len(running.records) > 28, "the burst", 10)
    running.lane.end()
    assert running.lane.wait(10)
    half_seconds = Counter(int((record.sent - began) // 0.5) for record in running.records)
    assert half_seconds[0] >= 20
    assert all(count <= 5 for half, count in half_seconds.items() if half != 0)


def test_threads_go_when_they_are_of_no_use(run: Run, site: Site) -> None:
    running = run(port_of(site), ["/"], 20.0, spare=2)
    running.lane.burst(60)
    eventually(lambda: len(running.records) > 70, "the burst", 10)
    # The site itself has a thread for each connection.
    eventually(lambda: visiting() <= 12, "few are left", 10)
    running.lane.end()
    assert running.lane.wait(10)
    eventually(lambda: visiting() == 0, "none is left", 10)


def visiting() -> int:
    """Threads of lanes."""
    return sum(thread.name.startswith("visitor of") for thread in threading.enumerate())
