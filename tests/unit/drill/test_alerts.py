"""Alerts during a drill: what is expected, when they were seen, and the verdict on it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from threading import Thread
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.alerts import (
    AlertTimes,
    AlertWatch,
    alerts_from,
    judged,
    told,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

FALLBACK = "ForwardAuthFallbackActive"
FAULT, RESTORED = 100.0, 130.0


def watched(
    looks: Iterable[tuple[float, set[str]]], expected: Mapping[str, AlertTimes], before: Iterable[str] = ()
) -> AlertWatch:
    """A watch that saw at each moment what fires."""
    given = list(looks)
    answers, moments = iter([firing for _moment, firing in given]), iter([moment for moment, _firing in given])
    watch = AlertWatch(expected, read=lambda: next(answers), clock=lambda: next(moments), before=set(before))
    for _look in given:
        watch.look()
    return watch


def failed(watch: AlertWatch) -> dict[str, str]:
    """What was found where it was not as expected."""
    return {check.name: check.found for check in judged(watch, FAULT, RESTORED) if not check.passed}


def test_it_fires_and_resolves_in_time() -> None:
    watch = watched([(110, set()), (120, {FALLBACK}), (140, {FALLBACK}), (160, set())], {FALLBACK: AlertTimes(30, 60)})
    assert failed(watch) == {}
    assert watch.have_fired()
    assert watch.are_resolved()
    assert told(watch, FAULT, RESTORED) == [
        {"name": FALLBACK, "expected": True, "fired_after_seconds": 20.0, "resolved_after_seconds": 30.0}
    ]


@pytest.mark.parametrize(
    ("looks", "name", "found"),
    [
        ([(120, set())], f"alert {FALLBACK} fires", "not at all"),
        ([(131, {FALLBACK}), (140, set())], f"alert {FALLBACK} fires", "31 s"),
        ([(120, {FALLBACK}), (150, {FALLBACK})], f"alert {FALLBACK} resolves", "not at all"),
        ([(120, {FALLBACK}), (191, set())], f"alert {FALLBACK} resolves", "61 s"),
        ([(120, {FALLBACK, "TraefikDown"}), (140, set())], "other alerts", "TraefikDown"),
    ],
)
def test_what_is_not_as_expected(looks: list[tuple[float, set[str]]], name: str, found: str) -> None:
    assert failed(watched(looks, {FALLBACK: AlertTimes(30, 60)})) == {name: found}


def test_one_that_fires_again_is_not_resolved() -> None:
    looks = [(110, {FALLBACK}), (115, set()), (120, {FALLBACK})]
    watch = watched(looks, {FALLBACK: AlertTimes()})
    assert not watch.are_resolved()
    assert failed(watch) == {f"alert {FALLBACK} resolves": "not at all"}


def test_nobody_waits_for_one_that_looks_back_for_long() -> None:
    expected = alerts_from({FALLBACK: {"resolves": None}})
    watch = watched([(110, {FALLBACK}), (140, {FALLBACK})], expected)
    assert (watch.are_resolved(), watch.longest_wait("resolves")) == (True, 0)
    assert failed(watch) == {}


def test_what_fired_before_counts_for_nothing() -> None:
    watch = watched([(110, {FALLBACK, "Other"})], {FALLBACK: AlertTimes()}, before=[FALLBACK, "Other"])
    assert failed(watch) == {f"alert {FALLBACK}": "it fired before the fault already"}
    assert watch.have_fired(), "nobody waits for it"
    assert watch.are_resolved()


def test_nothing_expected_is_nothing_looked_at() -> None:
    watch = AlertWatch({}, read=lambda: pytest.fail("nobody may be asked"))
    with watch.running():
        assert watch.have_fired()
    assert judged(watch, FAULT, RESTORED) == []
    assert (watch.longest_wait("fires"), told(watch, FAULT, RESTORED)) == (0, [])


def test_the_watch_looks_while_it_runs() -> None:
    answers = iter([set(), {FALLBACK}])
    watch = AlertWatch({FALLBACK: AlertTimes()}, read=lambda: next(answers, {FALLBACK}))
    with watch.running():
        deadline = 200
        while not watch.have_fired() and deadline:
            watch._over.wait(0.05)
            deadline -= 1
    assert set(watch.seen) == {FALLBACK}


def test_options_are_read() -> None:
    assert alerts_from({"A": {"fires": 60}, "B": None}) == {"A": AlertTimes(60, 180), "B": AlertTimes()}
    assert AlertWatch(alerts_from({"A": {"fires": 60}, "B": {"fires": 90}}), set).longest_wait("fires") == 90


@pytest.mark.parametrize(
    "given", [["A"], {"A": {"fired": 60}}, {"A": 60}, {"A": {"fires": "soon"}}, {"A": {"fires": None}}]
)
def test_what_cannot_be_read_is_refused(given: Any) -> None:
    with pytest.raises(BadArgument, match="alerts"):
        alerts_from(given)


def test_who_asks_meanwhile_does_not_meet_a_look_half_done() -> None:
    firing: set[str] = set()

    def read() -> set[str]:
        firing.update(f"A{len(firing) + number}" for number in range(50))
        return set(firing)

    watch = AlertWatch({FALLBACK: AlertTimes()}, read=read)

    def look_often() -> None:
        for _look in range(40):
            watch.look()

    looking = Thread(target=look_often)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        looking.start()
        while looking.is_alive():
            # All are resolved, so that every one of them is looked at.
            for seen in list(watch.seen.values()):
                seen.resolved = 1.0
            watch.are_resolved()
    finally:
        sys.setswitchinterval(interval)
        looking.join()
