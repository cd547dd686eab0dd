"""The checks of registered results."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proof.collected import collect, title_of

GOOD: dict[str, Any] = {"name": "good", "passed": True, "expected": "a", "found": "a"}
BAD: dict[str, Any] = {"name": "bad", "passed": False, "expected": "a", "found": "b"}


def _item(*checks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"ansible_loop_var": "item", "checks": list(checks)} | more


def _told(results: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(each.area, each.check.name, each.check.passed) for each in collect(results).checks]


def test_what_was_not_checked_at_all_claims_nothing() -> None:
    assert title_of("all of it", collect({}, [{"name": "a", "looked_at": False}])) == "Not proved: all of it"


def test_checks_keep_the_order_of_areas_and_results() -> None:
    results = {"b": [{"checks": [GOOD, BAD]}, {"checks": [GOOD]}], "a": [{"checks": [BAD]}]}
    assert _told(results) == [("b", "good", True), ("b", "bad", False), ("b", "good", True), ("a", "bad", False)]
    collected = collect(results)
    assert (collected.passed, len(collected.failed), collected.unchecked) == (2, 2, [])


def test_one_result_needs_no_list() -> None:
    assert _told({"a": {"checks": [GOOD]}}) == [("a", "good", True)]


@pytest.mark.parametrize("nothing", [None, [], {}, "", [None, {}], {"skipped": True}, [{"skipped": True, "msg": "x"}]])
def test_what_was_skipped_adds_nothing_and_is_named(nothing: Any) -> None:
    collected = collect({"a": [{"checks": [GOOD]}], "b": nothing})
    assert (collected.passed, collected.failed, collected.unchecked) == (1, [], ["b"])


def test_a_loop_adds_the_checks_of_its_items() -> None:
    assert _told({"a": [{"results": [_item(GOOD), _item(BAD, failed=True)], "failed": True, "msg": "One failed"}]}) == [
        ("a", "good", True),
        ("a", "bad", False),
    ]
    skipped = {"results": [{"ansible_loop_var": "item", "skipped": True}], "skipped": True}
    assert collect({"a": [skipped], "b": [{"checks": [GOOD]}]}).unchecked == ["a"]


@pytest.mark.parametrize(
    ("registered", "found"),
    [
        ({"failed": True, "msg": "no answer from the API server"}, "no answer from the API server"),
        # As failed_when: false leaves it.
        ({"failed": False, "failed_when_result": False, "msg": "no answer"}, "no answer"),
        ({"failed": True, "checks": [GOOD], "msg": "broke later"}, "broke later"),
        ({"changed": False}, "it told none, and gave no message"),
    ],
)
def test_a_task_that_could_not_tell_did_not_pass(registered: dict[str, Any], found: str) -> None:
    (failed,) = collect({"a": [registered]}).failed
    assert (failed.check.name, failed.check.found) == ("the checks could be made", found)


@pytest.mark.parametrize("results", [{}, {"a": []}, {"a": [{"checks": []}], "b": [{"skipped": True}]}])
def test_an_empty_proof_is_no_proof(results: dict[str, Any]) -> None:
    collected = collect(results)
    assert collected.passed == 0
    assert [each.check.name for each in collected.failed] == ["something was checked"]
    assert collected.unchecked == list(results)


@pytest.mark.parametrize("passed", ["False", "true", 1, None, "yes"])
def test_only_true_is_a_pass(passed: Any) -> None:
    assert len(collect({"a": [{"checks": [GOOD | {"passed": passed}]}]}).failed) == 1


@pytest.mark.parametrize(
    "registered", ["text", 7, [3], {"checks": ["text"]}, {"checks": [{"name": "x"}]}, {"checks": [{"passed": True}]}]
)
def test_what_is_no_registered_result(registered: Any) -> None:
    with pytest.raises(BadArgument, match=r"results\.a"):
        collect({"a": registered})


AREAS = [{"name": name, "proves": f"{name} holds"} for name in ("a", "b")]


def _of(results: dict[str, Any], *areas: dict[str, Any]) -> tuple[list[str], str]:
    collected = collect(results, areas)
    return [area.state for area in collected.areas], title_of("all of it", collected)


def test_the_title_claims_what_was_proved() -> None:
    good, bad = {"a": {"checks": [GOOD]}}, {"a": {"checks": [GOOD]}, "b": {"checks": [BAD]}}
    unasked = AREAS[1] | {"looked_at": False}
    assert _of(good | {"b": {"checks": [GOOD]}}, *AREAS) == (["passed", "passed"], "all of it")
    assert _of(good, AREAS[0], unasked) == (["passed", "not_looked_at"], "a holds (a)")
    assert _of(bad, *AREAS) == (["passed", "failed"], "Not proved: b holds (b)")
    assert _of(good, AREAS[0], AREAS[1] | {"absent": "no such thing here"}) == (["passed", "not_there"], "all of it")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "nothing was checked, and an empty proof is no proof"),
        ({"findings": "no right to list"}, "nothing was checked, and an empty proof is no proof: no right to list"),
        ({"error": "the API server said no"}, "the API server said no"),
        ({"error": "it broke", "absent": "nothing there"}, "it broke"),
    ],
)
def test_an_area_that_could_not_be_looked_at_did_not_pass(given: dict[str, Any], found: str) -> None:
    collected = collect({"a": [{"checks": [GOOD]}], "b": []}, [AREAS[0], AREAS[1] | given])
    assert [each.check.found for each in collected.failed] == [found]
    assert collected.areas[1].state == "failed"


def test_what_broke_after_its_checks_passed_did_not_pass_either() -> None:
    collected = collect({"a": {"checks": [GOOD]}}, [AREAS[0] | {"error": "later"}])
    assert [each.check.name for each in collected.failed] == ["it could be looked at"]
    told = collect({"a": {"checks": [BAD]}}, [AREAS[0] | {"error": "1 of 1 checks did not pass"}])
    assert [each.check.name for each in told.failed] == ["bad"]
