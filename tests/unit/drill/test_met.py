"""Which visitors met what was broken."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.met import met, nobody_met
from ansible_collections.resilient.traefik.plugins.module_utils.drill.scenarios import SCENARIOS
from tests.unit.drill import worlds
from tests.unit.drill.worlds import BARE, BEGUN, BROKEN, RESTORED, WHOLE, World, rises

GUARDED = [True, True, False]
# The login's answers show it, or its marks; the others of these scenarios are told by the proxies' counters.
EXPECTED = dict.fromkeys(SCENARIOS, GUARDED) | {
    "replica_lost": [True, True, True],
    "node_drain": [True, True, True],
    "backend_hung": [False, False, False, True],
    "backend_restart": [False, False, False, True],
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_who_met_it(scenario: str) -> None:
    assert met(scenario, WHOLE[scenario].facts()) == EXPECTED[scenario]


@pytest.mark.parametrize("scenario", BARE)
def test_who_met_it_without_proxies(scenario: str) -> None:
    assert met(scenario, BARE[scenario].facts()) == GUARDED


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        # Only a part of what those two asked fell back: of one whose answers stay the same it cannot be told.
        (
            WHOLE["bot_block_down"].without(counts={"fallbacks": {"p": rises(BROKEN, RESTORED, down=1)}}),
            [None, None, False],
        ),
        (WHOLE["bot_block_down"].without(counts={"fallbacks": {"p": {}}}), [False, False, False]),
        # What changed without a fallback changed because of something else.
        (
            WHOLE["bot_block_down"].without(counts={"fallbacks": {"p": {}}}, meets=worlds.in_fault(502)),
            [False, False, False],
        ),
        # Who says of itself that a fallback answered is told apart whatever its route tells.
        (
            WHOLE["bot_block_down"].without(
                asking=frozenset(), meets=worlds.in_fault(401, by_fallback=True, who=lambda v: v is worlds.PUBLIC)
            ),
            [False, False, True],
        ),
    ],
)
def test_what_the_proxies_count_is_the_visitors_where_it_is_enough(world: World, expected: list[bool | None]) -> None:
    assert met("bot_block_down", world.facts()) == expected


def test_marks_tell_visitors_apart_at_pods_that_hang() -> None:
    hung = BARE["forward_auth_hung"].without(
        meets=worlds.as_before, counts={"stand_in_hang": {"hung-1": rises(BROKEN, RESTORED, **{"1": 1, "other": 5})}}
    )
    assert met("forward_auth_hung", hung.facts()) == [False, True, False]


def test_a_visitor_that_never_came_through_the_lost_replica() -> None:
    def avoids(number: int, at: float) -> str:
        name = worlds.through(number, at)
        return "" if (number // 3) % 3 == 1 and name == worlds.LOST else name

    assert met("replica_lost", WHOLE["replica_lost"].without(replica=avoids).facts()) == [True, False, True]


def test_an_application_of_which_nobody_asked_the_new_pods() -> None:
    old = WHOLE["backend_restart"].without(counts={"stand_in_well": {"uid-well-1": rises(BEGUN, RESTORED, **{"3": 2})}})
    assert met("backend_restart", old.facts())[3] is False
    unread = WHOLE["backend_restart"].without(counts={"stand_in_well": {}})
    assert met("backend_restart", unread.facts()) == [False, False, False, None]


def test_nobody() -> None:
    assert nobody_met([False, False]).startswith("none of the 2 visitors met what was broken")
    assert nobody_met([False, None]) == nobody_met([True, False]) == ""
