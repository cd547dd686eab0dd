"""A drill passes only where requests met what was broken and reach it again; without either it proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill import alerts
from ansible_collections.resilient.traefik.plugins.module_utils.drill.evidence import EVIDENCE, shown
from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import Expectations
from ansible_collections.resilient.traefik.plugins.module_utils.drill.facts import Gone
from ansible_collections.resilient.traefik.plugins.module_utils.drill.judging import Measured, judge
from ansible_collections.resilient.traefik.plugins.module_utils.drill.moments import MOMENTS
from ansible_collections.resilient.traefik.plugins.module_utils.drill.result import Phases, Result
from ansible_collections.resilient.traefik.plugins.module_utils.drill.scenarios import SCENARIOS
from ansible_collections.resilient.traefik.plugins.module_utils.drill.stage import Stage
from tests.unit.drill import worlds
from tests.unit.drill.worlds import BARE, BEGUN, BROKEN, ENDED, NEW, PUBLIC, RESTORED, WHOLE, World, rises

# Whatever visitors get is expected: only what is shown decides.
ANYTHING = Expectations(longest_wait=None, recovery=None, failed_at_most=10**6)
SUBJECT = "Middleware traefik/forward-auth, which asks Service authentik/server"


@dataclass
class Unfought:
    """A stage on which nobody undid anything."""

    fights: list[str] = field(default_factory=list)


def judged(
    scenario: str,
    world: World,
    expected: Expectations = ANYTHING,
    *,
    late: float = 0.0,
    not_sent: int = 0,
    bare: Sequence[str] = (),
) -> Result:
    """The result with its verdict. Every request was sent ``late`` seconds after its turn."""
    told = Result(scenario, "something fails", {}, subject=SUBJECT, bare=bare)
    told.visitors = world.visitors
    told.phases = Phases(BEGUN, BROKEN, RESTORED, RESTORED + 1, ENDED)
    records = [replace(each, late=late) for each in world.records()]
    measured = Measured(lambda: iter(records), not_sent, [], {}, world.facts())
    judge(cast(Stage, Unfought()), expected, told, measured, alerts.AlertWatch({}, set))
    return told


def test_every_scenario_says_what_its_evidence_is() -> None:
    assert set(EVIDENCE) == set(SCENARIOS) == set(WHOLE)
    for scenario, wanted in EVIDENCE.items():
        assert set(wanted) == set(MOMENTS), scenario
        assert all(each.words and each.groups and each.remedy.endswith((".", "?")) for each in wanted.values())


def test_a_site_that_asks_without_the_proxy_is_not_proved() -> None:
    told = judged("forward_auth_hung", WHOLE["forward_auth_hung"], bare=["admin.test"])
    assert told.verdict == "deviated"
    assert told.reasons == ["sites that ask without a proxy: expected none; found admin.test: not measured"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_with_all_of_its_evidence_it_passes(scenario: str) -> None:
    told = judged(scenario, WHOLE[scenario])
    assert (told.verdict, told.reasons) == ("passed", [])
    assert [each["seen"] for each in told.evidence] == [True, True, True]


@pytest.mark.parametrize("scenario", BARE)
def test_without_proxies_visitors_see_it_themselves(scenario: str) -> None:
    told = judged(scenario, BARE[scenario])
    assert (told.verdict, told.reasons) == ("passed", [])
    # What was not expected is a deviation then, not a lack of evidence.
    assert judged(scenario, BARE[scenario], Expectations()).verdict == "deviated"


@pytest.mark.parametrize("not_sent", [0, 100])
@pytest.mark.parametrize("scenario", BARE)
def test_wrong_answers_stay_wrong_where_requests_were_sent_late_or_not_at_all(scenario: str, not_sent: int) -> None:
    """Where all sites hang, many requests wait: what sends them is late because of what it measures."""
    told = judged(scenario, BARE[scenario], Expectations(), late=2.0, not_sent=not_sent)
    assert told.verdict == "deviated"
    assert any("sent more than 1 s late" in reason for reason in told.reasons)
    assert any("could not be sent" in reason for reason in told.reasons) == bool(not_sent)


@pytest.mark.parametrize("expected", [ANYTHING, replace(ANYTHING, longest_wait=0.001)], ids=["all well", "slow"])
@pytest.mark.parametrize(("late", "not_sent"), [(2.0, 0), (0.0, 100)])
def test_good_answers_prove_nothing_where_requests_were_late_and_their_waits_neither(
    expected: Expectations, late: float, not_sent: int
) -> None:
    told = judged("forward_auth_down", WHOLE["forward_auth_down"], expected, late=late, not_sent=not_sent)
    assert told.verdict == "inconclusive"


PROXIED = ("forward_auth_down", "forward_auth_hung", "forward_auth_unreachable", "bot_block_down")
NOBODY: dict[str, Any] = {"asked": {"proxy-1": {}}, "fallbacks": {"proxy-1": {}}}
CHECKS_ONLY = {"hung-1": rises(BROKEN, RESTORED, other=9)}
LATE_WELL = {"well-1": rises(RESTORED + 1, ENDED, **{"3": 2})}
EARLY_WELL = {"well-1": rises(BEGUN, BROKEN, **{"3": 2})}


def still_there(world: World) -> World:
    """The pods did not go."""
    return world.without(went=[Gone(each.uid, each.name, each.replica, False) for each in world.went])


TAKEN_AWAY = [
    *(
        (each, "before", WHOLE[each].without(counts=NOBODY), "0 requests were answered by the target")
        for each in PROXIED
    ),
    *(
        (
            each,
            "before",
            WHOLE[each].without(counts={"fallbacks": {"proxy-1": rises(BEGUN, RESTORED + 1, timeout=7)}}),
            "0 requests were answered by the target before the fault",
        )
        for each in PROXIED
    ),
    *(
        (
            each,
            "fault",
            # A proxy's checks reach the pods that hang too.
            WHOLE[each].without(meets=worlds.as_before, counts={"fallbacks": {"p": {}}, "stand_in_hang": CHECKS_ONLY}),
            "0 requests were answered by the fallback",
        )
        for each in PROXIED
    ),
    *(
        (
            each,
            "fault",
            # One in vain in each second, as on any day.
            WHOLE[each].without(counts={"fallbacks": {"p": rises(BROKEN, RESTORED, timeout=1)}, "stand_in_hang": {}}),
            "0 requests were answered by the fallback",
        )
        for each in PROXIED
    ),
    *(
        (
            each,
            "recovery",
            # Visitors cannot tell: they get what they got.
            WHOLE[each].without(counts={"fallbacks": {"proxy-1": rises(BROKEN + 1, ENDED, down=7)}}),
            "0 requests were answered by the target since the last fallback",
        )
        for each in PROXIED
    ),
    *(
        (
            each,
            "fault",
            BARE[each].without(meets=worlds.as_before, counts={"stand_in_hang": {}}),
            "0 requests to it were",
        )
        for each in BARE
    ),
    (
        "proxy_restart",
        "before",
        WHOLE["proxy_restart"].without(counts={"asked": {"uid-proxy-1": {}, "proxy-2": rises(BEGUN, ENDED, any=7)}}),
        "0 requests to the proxies that were to go",
    ),
    ("proxy_restart", "fault", still_there(WHOLE["proxy_restart"]), "0 of 1 pods are gone"),
    (
        "proxy_restart",
        "recovery",
        WHOLE["proxy_restart"].without(counts={"asked": {"uid-proxy-1": rises(BEGUN, ENDED, any=7)}}),
        "0 requests were answered by the target through new proxies",
    ),
    (
        "proxies_all_lost",
        "before",
        WHOLE["proxies_all_lost"].without(counts={"asked": {"proxy-2": rises(RESTORED + 1, ENDED, any=7)}}),
        "0 requests were answered by the target before",
    ),
    ("proxies_all_lost", "fault", still_there(WHOLE["proxies_all_lost"]), "0 of 1 pods are gone"),
    (
        "proxies_all_lost",
        "fault",
        WHOLE["proxies_all_lost"].without(meets=worlds.as_before),
        "1 of 1 pods are gone; 0 requests to it were answered otherwise",
    ),
    (
        "proxies_all_lost",
        "recovery",
        WHOLE["proxies_all_lost"].without(counts={"fallbacks": {"proxy-2": rises(RESTORED + 1, ENDED, down=7)}}),
        "0 requests were answered by the target since",
    ),
    *(
        case
        for each in ("replica_lost", "node_drain")
        for case in (
            (
                each,
                "before",
                WHOLE[each].without(replica=lambda number, at: worlds.through(number, at).replace(worlds.LOST, "")),
                "0 requests through the replica that was to go",
            ),
            (each, "fault", still_there(WHOLE[each]), " pods are gone"),
            (
                each,
                "recovery",
                WHOLE[each].without(replica=lambda number, at: worlds.through(number, at).replace(NEW, "")),
                "0 requests answered as before through replicas that came",
            ),
        )
    ),
    *(
        (
            each,
            "before",
            WHOLE[each].without(counts={"stand_in_well": LATE_WELL}),
            "0 requests of visitors reached its pods before",
        )
        for each in ("backend_hung", "backend_restart")
    ),
    (
        "backend_hung",
        "fault",
        WHOLE["backend_hung"].without(counts={"stand_in_hang": CHECKS_ONLY}),
        "0 requests of visitors reached the pods that hang",
    ),
    (
        "backend_hung",
        "recovery",
        WHOLE["backend_hung"].without(counts={"stand_in_well": EARLY_WELL}),
        "0 requests of visitors reached its pods afterwards",
    ),
    ("backend_restart", "fault", still_there(WHOLE["backend_restart"]), "0 of 1 pods are gone"),
    (
        "backend_restart",
        "fault",
        WHOLE["backend_restart"].without(
            counts={"stand_in_well": {"uid-well-1": rises(BEGUN, ENDED, **{"3": 2}), "well-2": {}}}
        ),
        "1 of 1 pods are gone; 1 retry middlewares of its route ask again; 0 requests of visitors reached new pods",
    ),
    (
        "backend_restart",
        "fault",
        WHOLE["backend_restart"].without(retries=0),
        "1 of 1 pods are gone; 0 requests met a pod that was gone (no retry stands before it)",
    ),
    (
        "backend_restart",
        "recovery",
        WHOLE["backend_restart"].without(
            counts={"stand_in_well": {"uid-well-1": rises(BEGUN, BROKEN, **{"3": 2}), "well-2": {1005: {"3": 2}}}}
        ),
        "0 requests of visitors reached its pods afterwards",
    ),
]


@pytest.mark.parametrize(("scenario", "moment", "world", "words"), TAKEN_AWAY)
def test_without_it_nothing_is_proved(scenario: str, moment: str, world: World, words: str) -> None:
    told = judged(scenario, world)
    assert told.verdict == "inconclusive"
    unseen = [each for each in told.evidence if not each["seen"]]
    assert unseen[0]["moment"] == moment
    assert words in unseen[0]["found"]
    (reason,) = told.reasons
    wanted = EVIDENCE[scenario][moment]
    assert reason == f"nothing shows that {wanted.words} ({SUBJECT}): {unseen[0]['found']}. {wanted.remedy}"


def test_every_moment_of_every_scenario_is_taken_away() -> None:
    assert {(scenario, moment) for scenario, moment, _world, _words in TAKEN_AWAY} == {
        (scenario, moment) for scenario in SCENARIOS for moment in MOMENTS
    }


def test_one_kind_of_counter_is_enough_where_there_are_two() -> None:
    """The proxies' checks may notice the pods that hang before any visitor does."""
    assert (
        judged("forward_auth_hung", WHOLE["forward_auth_hung"].without(counts={"stand_in_hang": {}})).verdict
        == "passed"
    )
    first = WHOLE["forward_auth_hung"].without(counts={"fallbacks": {"proxy-1": {}}})
    assert judged("forward_auth_hung", first).verdict == "passed"


def test_where_counters_cannot_be_read_visitors_have_to_have_seen_it() -> None:
    unread = WHOLE["forward_auth_down"].without(counts={"asked": {}, "fallbacks": {}})
    assert judged("forward_auth_down", unread).verdict == "passed"
    assert judged("bot_block_down", WHOLE["bot_block_down"].without(counts={"asked": {}, "fallbacks": {}})).verdict == (
        "inconclusive"
    )


def test_a_recovery_that_did_not_come_stays_a_deviation() -> None:
    lasting = WHOLE["forward_auth_down"].without(
        meets=lambda visitor, at: (
            (500, False, 0.02) if at > BROKEN and visitor.guarded else worlds.as_before(visitor, at)
        ),
        counts={"fallbacks": {"proxy-1": rises(BROKEN + 1, ENDED, down=7)}},
    )
    told = judged("forward_auth_down", lasting, Expectations(failed_at_most=10**6))
    assert told.verdict == "deviated"
    assert [each["seen"] for each in told.evidence] == [True, True, False]


def test_a_deviation_that_nobody_met_proves_nothing_either() -> None:
    other = WHOLE["forward_auth_down"].without(
        meets=worlds.in_fault(502, who=lambda visitor: visitor is PUBLIC), counts={"fallbacks": {"proxy-1": {}}}
    )
    assert judged("forward_auth_down", other, Expectations()).verdict == "inconclusive"


def test_the_requests_of_others_do_not_stand_for_the_visitors() -> None:
    """The proxies count fallbacks, and not one visitor asks a site behind them."""
    strangers = WHOLE["bot_block_down"].without(visitors=(PUBLIC,), asking=frozenset())
    told = judged("bot_block_down", strangers)
    assert told.verdict == "inconclusive"
    assert told.reasons == ["none of the 1 visitors met what was broken: what they got proves nothing about it"]


def test_a_replica_with_the_name_of_the_one_that_went_is_another_one() -> None:
    """As a StatefulSet has it."""
    same = WHOLE["replica_lost"].without(
        replica=lambda number, at: worlds.through(number, at).replace(NEW, worlds.LOST)
    )
    assert judged("replica_lost", same).verdict == "passed"


def test_fewer_replicas_came_than_went() -> None:
    two = worlds.REPLICAS[:2]

    def one_came(number: int, at: float) -> str:
        name = worlds.REPLICAS[number % 3]
        return name if name not in two or at < BROKEN else NEW if at > RESTORED else ""

    both = WHOLE["node_drain"].without(went=[Gone(f"uid-{name}", name, True, True) for name in two])
    (before, fault, recovery) = shown("node_drain", both.without(replica=one_came).facts())
    assert (before.seen, fault.seen, recovery.seen) == (True, True, False)


def test_slow_answers_are_evidence_only_where_they_are_no_accident() -> None:
    def slow(times: int) -> worlds.Meets:
        late = [BROKEN + 1 + number for number in range(times)]
        return lambda visitor, at: (
            visitor.before[0],
            False,
            1.5 if visitor.guarded and any(abs(at - moment) < 0.05 for moment in late) else 0.01,
        )

    down = BARE["forward_auth_down"]
    assert judged("forward_auth_down", down.without(meets=slow(9))).verdict == "passed"
    assert judged("forward_auth_down", down.without(meets=slow(2))).verdict == "inconclusive"
