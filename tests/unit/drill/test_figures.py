"""What records come to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.figures import (
    KINDS,
    RecoveryWatch,
    by_replica,
    by_visitor,
    figures_of,
    kind_of,
    quantile,
    timeline_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request

ASKED = Request(host="a.test", user="alice", password="open-sesame")


def visitor(
    name: str = "stranger",
    before: tuple[int, ...] = (302,),
    credentials: str = "none",
    guarded: bool = True,
    open: bool = False,
) -> Visitor:
    return Visitor(name, ASKED, credentials, guarded, open, before)


def record(status: int, sent: float = 100.0, **more: Any) -> Record:
    return replace(Record(sent, 0.1, 0.0, "r1", 0, status), **more)


STRANGER = visitor()
MEMBER = visitor("member", (200,), credentials="session")
LOGIN = visitor("login", (302,), credentials="login")


@pytest.mark.parametrize(
    ("who", "status", "fallback", "kind"),
    [
        (STRANGER, 302, False, "as_before"),
        (STRANGER, 0, False, "none"),
        (STRANGER, 401, True, "fallback"),
        (STRANGER, 401, False, "failed"),
        (STRANGER, 200, False, "let_in"),
        # The policy would have let nobody in: whoever says it was the fallback, it is a stranger inside.
        (STRANGER, 200, True, "let_in"),
        (STRANGER, 502, False, "failed"),
        (visitor(open=True), 200, True, "fallback"),
        (visitor(guarded=False, before=(200,)), 200, False, "as_before"),
        (visitor(guarded=False, before=(404,)), 200, False, "failed"),
        (visitor(before=(200,)), 200, False, "as_before"),
        (MEMBER, 200, False, "as_before"),
        (MEMBER, 302, False, "failed"),
        (MEMBER, 401, True, "fallback"),
        (LOGIN, 302, False, "as_before"),
        (LOGIN, 200, False, "fallback"),
        (LOGIN, 503, False, "failed"),
    ],
)
def test_kinds(who: Visitor, status: int, fallback: bool, kind: str) -> None:
    assert kind_of(record(status, fallback=fallback), who) == kind
    assert kind in KINDS


def test_a_visitor_shows_no_secret() -> None:
    assert "open-sesame" not in repr(STRANGER)


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_quantiles_are_by_nearest_rank(share: float, value: float) -> None:
    assert quantile([float(number) for number in range(1, 101)], share) == value


def test_a_quantile_of_one() -> None:
    assert quantile([7.0], 0.5) == quantile([7.0], 0.99) == 7.0


def test_figures() -> None:
    records = [
        record(302, 99.0, seconds=3.0),
        record(0, 100.0, seconds=2.0),
        record(401, 102.9, fallback=True, seconds=0.6),
        record(401, 103.0, fallback=True, seconds=0.4, late=0.007),
        record(302, 111.0, seconds=9.0),
    ]
    figures = figures_of(records, [STRANGER], 100.0, 110.0, not_sent=3)
    assert figures == {
        "requests": 5,
        "kinds": {"as_before": 2, "fallback": 2, "let_in": 0, "failed": 0, "none": 1},
        "statuses": {"0": 1, "302": 2, "401": 2},
        "longest_ms": 9000.0,
        "p50_ms": 2000.0,
        "p95_ms": 9000.0,
        "p99_ms": 9000.0,
        "settled_longest_ms": 400.0,
        "slow": 2,
        "slow_percent": 66.667,
        "recovery_seconds": None,
        "not_sent": 3,
        "lateness_p99_ms": 7.0,
    }


def test_figures_of_nothing() -> None:
    figures = figures_of([], [STRANGER], None, None)
    assert figures["requests"] == 0
    assert figures["longest_ms"] is None
    assert figures["slow_percent"] == 0.0


def test_without_a_fault_nothing_is_slow() -> None:
    assert figures_of([record(302, seconds=5.0)], [STRANGER], None, None)["slow"] == 0


def test_recovery_is_the_last_visitors_first_of_three_in_a_row() -> None:
    watch = RecoveryWatch([STRANGER, MEMBER, visitor("plain", (200,), guarded=False)], 100.0)
    for sent in (101.0, 102.0, 103.0):
        watch.see(record(302, sent))
    assert watch.recovered() is None
    # Out of order, as answers come; before the moment nothing counts; the one at 103 breaks the row.
    for sent, status in ((106.0, 200), (99.0, 200), (103.0, 401), (102.0, 200), (104.5, 200), (101.0, 200)):
        watch.see(record(status, sent, visitor=1))
    assert watch.recovered() is None
    watch.see(record(200, 107.0, visitor=1))
    assert watch.recovered() == 4.5


def test_one_under_way_breaks_the_row() -> None:
    watch = RecoveryWatch([STRANGER], 100.0)
    watch.see(record(302, 101.0))
    watch.see_open(102.0, 0)
    watch.see(record(302, 103.0))
    watch.see(record(302, 104.0))
    assert watch.recovered() is None
    watch.see(record(302, 105.0))
    assert watch.recovered() == 3.0


def test_an_answer_of_the_fallback_is_no_recovery() -> None:
    watch = RecoveryWatch([LOGIN], 100.0)
    for sent in (101.0, 102.0, 103.0):
        watch.see(record(200, sent))
    assert watch.recovered() is None


def test_groups() -> None:
    visitors = [STRANGER, MEMBER]
    records = [record(302), record(200, visitor=1, replica="r2", seconds=0.25), record(502, replica="r2")]
    replicas = by_replica(records, visitors)
    assert {name: (group["requests"], group["longest_ms"]) for name, group in replicas.items()} == {
        "r1": (1, 100.0),
        "r2": (2, 250.0),
    }
    assert replicas["r2"]["kinds"] == {"as_before": 1, "fallback": 0, "let_in": 0, "failed": 1, "none": 0}
    assert {name: group["requests"] for name, group in by_visitor(records, visitors).items()} == {
        "stranger": 2,
        "member": 1,
    }


def test_a_timeline_has_every_second() -> None:
    counted = {99: {"traefik": {"302": 4}}, 102: {"fallbacks": {"timeout": 2}}, 300: {"traefik": {"200": 1}}}
    records = [record(302, 98.9), record(302, 100.5), record(0, 100.6, seconds=2.0), record(302, 103.2)]
    timeline = timeline_of(records, [STRANGER], 100.0, counted)
    assert [entry["second"] for entry in timeline] == [-2, -1, 0, 1, 2, 3]
    assert [entry["requests"] for entry in timeline] == [1, 0, 2, 0, 0, 1]
    assert timeline[1]["p50_ms"] is timeline[1]["longest_ms"] is None
    assert timeline[1]["traefik"] == {"302": 4}
    assert timeline[2]["kinds"]["none"] == 1
    assert timeline[2]["longest_ms"] == 2000.0
    assert timeline[4]["fallbacks"] == {"timeout": 2}


def test_a_timeline_of_nothing() -> None:
    assert timeline_of([], [STRANGER], 100.0) == []
