"""Expectations of a drill: as data, and judged."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import (
    Expectations,
    Seen,
    expectations_from,
    judged,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

WELL = {"longest_ms": 1200.0, "settled_longest_ms": 20.0, "slow_percent": 1.0, "recovery_seconds": 0.5}


def seen(kinds: dict[str, int], failed: dict[int, int] | None = None, **other: Any) -> Seen:
    """A stranger at a guarded site."""
    given: dict[str, Any] = {"name": "stranger", "host": "a.test", "credentials": "none", "guarded": True} | other
    return Seen(**given, kinds=kinds, failed=failed or {})


def failed(expected: Expectations, figures: dict[str, Any], *visitors: Seen) -> dict[str, str]:
    """What was found where it was not as expected."""
    return {check.name: check.found for check in judged(expected, figures, visitors) if not check.passed}


def test_as_before_and_by_the_fallback_are_both_well() -> None:
    assert failed(Expectations(), WELL, seen({"as_before": 3, "fallback": 9})) == {}


@pytest.mark.parametrize(
    ("figures", "name", "found"),
    [
        ({"longest_ms": 30020.0}, "longest wait", "30 s"),
        ({"longest_ms": None}, "longest wait", "not at all"),
        ({"recovery_seconds": 15.1}, "sign-on and sites as before", "15.1 s"),
        ({"recovery_seconds": None}, "sign-on and sites as before", "not at all"),
    ],
)
def test_a_figure_beyond_its_limit(figures: dict[str, Any], name: str, found: str) -> None:
    assert failed(Expectations(), WELL | figures, seen({"as_before": 1})) == {name: found}


def test_figures_that_are_not_expected_are_not_looked_at() -> None:
    expected = Expectations(longest_wait=None, recovery=None)
    assert failed(expected, WELL | {"longest_ms": 99999.0, "recovery_seconds": None}, seen({"as_before": 1})) == {}
    strict = Expectations(settled_wait=0.01, slow_percent=0.5)
    assert set(failed(strict, WELL, seen({}))) == {"longest wait from 3 s on", "slow answers (> 0.5 s)"}


def test_failures_are_counted_by_visitor_and_status() -> None:
    visitors = [seen({"failed": 3, "none": 2}, {500: 2, 404: 1}), seen({"failed": 1}, {502: 1}, name="member")]
    found = failed(Expectations(), WELL, *visitors)["answers"]
    assert found == "2 x stranger: no answer; 1 x stranger: 404; 2 x stranger: 500; 1 x member: 502"
    assert failed(Expectations(failed_at_most=6), WELL, *visitors) == {}
    assert "answers" in failed(Expectations(failed_at_most=5), WELL, *visitors)


def test_allowed_statuses_hold_for_whom_they_are_meant() -> None:
    expected = Expectations(statuses=({"guarded": True, "credentials": "none", "status": [500]},))
    assert failed(expected, WELL, seen({"failed": 2}, {500: 2})) == {}
    assert "answers" in failed(expected, WELL, seen({"failed": 2}, {500: 2}, guarded=False))
    assert "answers" in failed(expected, WELL, seen({"failed": 2}, {500: 2}, credentials="login"))
    # What is as before does not excuse what failed.
    assert "answers" in failed(expected, WELL, seen({"as_before": 9, "failed": 1}, {502: 1}))


def test_nobody_may_be_let_in_whatever_else_is_allowed() -> None:
    expected = Expectations(failed_at_most=100, statuses=({"status": [200]},))
    assert failed(expected, WELL, seen({"let_in": 1})) == {"strangers let in": "1 x stranger"}


def test_what_the_user_expects_wins() -> None:
    given = {"longest_wait": 1, "recovery": None, "statuses": [{"host": "a.test", "status": ["503"]}]}
    expected = expectations_from(Expectations(failed_at_most=2), given)
    assert (expected.longest_wait, expected.recovery, expected.failed_at_most) == (1, None, 2)
    assert expected.statuses == ({"host": "a.test", "status": [503]},)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"longest": 1}, "longest"),
        ({"longest_wait": "soon"}, "longest_wait"),
        ({"recovery": -1}, "recovery"),
        ({"failed_at_most": True}, "failed_at_most"),
        ({"statuses": [{"host": "a.test"}]}, "statuses"),
        ({"statuses": [{"hots": "a.test", "status": [1]}]}, "statuses"),
        ({"statuses": ["503"]}, "statuses"),
    ],
)
def test_an_expectation_that_cannot_be_meant(given: dict[str, Any], name: str) -> None:
    with pytest.raises(BadArgument, match=rf"^expect\.{name}: "):
        expectations_from(Expectations(), given)


def test_a_remark_stands_beside_what_is_expected_and_changes_no_verdict() -> None:
    remarked = Expectations(remark="by the retry alone")
    visitors = [seen({"as_before": 3, "failed": 1}, {502: 1})]
    for expected in (Expectations(), remarked):
        assert failed(expected, WELL, *visitors)["answers"] == "1 x stranger: 502"
    answers = judged(remarked, WELL, visitors)[0]
    assert answers.expected == "as before, by the fallback, or allowed (by the retry alone)"
    with pytest.raises(BadArgument, match=r"^expect.remark: there is no such expectation"):
        expectations_from(Expectations(), {"remark": "anything goes"})


AT_MOST_TWO = Expectations(statuses=({"visitor": "shop", "status": [502, 504], "at_most": 2},))


@pytest.mark.parametrize(
    ("visitor", "found", "passed"),
    [
        ({"name": "shop", "failed": {502: 1}}, "all but 1 x shop: 502, which is allowed", True),
        ({"name": "shop", "failed": {502: 1, 504: 1}}, "all but 1 x shop: 502; 1 x shop: 504, which is allowed", True),
        ({"name": "shop", "failed": {502: 3}}, "3 x shop: 502", False),
        ({"name": "shop", "failed": {502: 2, 504: 1}}, "1 x shop: 504", False),
        ({"name": "shop", "failed": {500: 1}}, "1 x shop: 500", False),
        ({"name": "other", "failed": {502: 1}}, "1 x other: 502", False),
    ],
)
def test_so_many_are_allowed_and_are_told(visitor: dict[str, Any], found: str, passed: bool) -> None:
    kinds = {"failed": sum(visitor["failed"].values())}
    answers = judged(AT_MOST_TWO, WELL, [seen(kinds, visitor["failed"], name=visitor["name"])])[0]
    assert (answers.found, answers.passed) == (found, passed)


def test_what_is_allowed_without_end_uses_up_nothing() -> None:
    both = Expectations(statuses=(*AT_MOST_TWO.statuses, {"status": [504]}))
    visitor = seen({"failed": 11}, {502: 2, 504: 9}, name="shop")
    assert failed(both, WELL, visitor) == {}


def test_how_many_are_allowed_is_a_number() -> None:
    with pytest.raises(BadArgument, match=r"^expect\.statuses: at_most: 'few' is no number of 0 or more"):
        expectations_from(Expectations(), {"statuses": [{"status": [502], "at_most": "few"}]})
