"""What one client's requests make fail opens nothing, for nobody, whatever the policy. No cluster needed.

Every kind of request that the target fails at by its own fault, with every policy, while the target is well, half well
and down, one at a time and many at once. While a pod is well, each gets its own error; when none is, what the policy
says and no more. Meanwhile others get what they always got.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.integration.support_attack_suite import (
    POISONS,
    POLICIES,
    REQUESTS,
    STATES,
    attack,
    others,
    put_into,
    wrong_in_a_well_target,
    wrong_in_an_outage,
)
from tests.integration.support_fallback import LONGEST, Proxy, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

DOWN = 'fallback_proxy_transitions_total{to="down"}'
STAGES = [(policy, state) for policy in POLICIES for state in STATES]
# What `make test` tries: each kind where anything that opens lets everybody in, and a few of the other stages.
SHORT: dict[tuple[str, str], Collection[str]] = {
    ("allow", "well"): POISONS,
    ("allow", "down"): ["a URI that the target refuses"],
    ("basic", "half well"): ["a URI that the target refuses", "never answered", "reset"],
}
SHORT_AT_ONCE = 8


@dataclass(frozen=True)
class Stage:
    """A proxy with one policy for all hosts, before a target in one state."""

    proxy: Proxy
    policy: str
    state: str


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Each policy in each state, brought up once."""
    policy, state = request.param
    with running(nginx, tmp_path_factory.mktemp("proxy"), default=policy) as proxy:
        proxy.seen_well()
        put_into(proxy, state)
        yield Stage(proxy, policy, state)


def cases() -> Iterator[ParameterSet]:
    """Every stage with every kind of request, one, 8 and 32 at once."""
    every_case = pytest.mark.variation("every attack with every policy, in every state of the target")
    for stage, name, at_once in itertools.product(STAGES, POISONS, REQUESTS):
        is_short = at_once == SHORT_AT_ONCE and name in SHORT.get(stage, ())
        yield pytest.param(
            stage, name, at_once, marks=() if is_short else every_case, id=f"{'-'.join(stage)}-{name}-{at_once}"
        )


CASES = list(cases())


def test_the_suite_is_large() -> None:
    assert sum(REQUESTS[int(str(case.values[2]))] for case in CASES) >= 5_000


@pytest.mark.parametrize(("stage", "name", "at_once"), CASES, indirect=["stage"])
def test_what_one_client_makes_fail_opens_nothing(stage: Stage, name: str, at_once: int) -> None:
    proxy, poison = stage.proxy, POISONS[name]
    went_down = proxy.metric(DOWN)
    for pod in proxy.pods:
        pod.exchanged.clear()
    with others(proxy) as seen:
        answers = attack(proxy, poison, at_once)
    assert len(answers) == REQUESTS[at_once]
    if stage.state == "down":
        assert not wrong_in_an_outage(stage.policy, answers)
        return
    assert not wrong_in_a_well_target(poison, answers)
    assert not seen.wrong(LONGEST)
    assert proxy.metric(DOWN) == went_down
    if poison.once:
        assert set(sum((pod.exchanged for pod in proxy.pods), Counter()).values()) == {1}, "a code is used up"
