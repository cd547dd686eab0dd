"""Clients wait but briefly for a target that always was prompt, and as long as the policy says for any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Proxy, is_challenge, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.quiet

PATIENCE = "fallback_proxy_patience_seconds"
SHORT, LONG = 0.25, 0.9
# Less than two tries of the long patience, and more than a short one with the look that follows.
SOON = 1.0


def is_prompt(proxy: Proxy) -> None:
    """Wait until the target is known to be prompt: twenty rounds of checks that nobody had to wait for."""
    eventually(lambda: proxy.metric(PATIENCE) == SHORT, "the target is known to be prompt", 60)


@pytest.fixture
def prompt(nginx: Path, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy that checks often, before two pods that it knows to be prompt."""
    with running(nginx, tmp_path, check_every=0.5, check_within=0.2) as proxy:
        is_prompt(proxy)
        yield proxy


def test_the_first_to_meet_a_silent_target_is_answered_soon(prompt: Proxy) -> None:
    prompt.switch("hang")
    seen = prompt.ask_all([SESSION] * 16, 16)
    assert all(is_challenge(answer) for answer in seen)
    assert max(answer.seconds for answer in seen) < SOON
    eventually(lambda: prompt.metric("fallback_proxy_target_up") == 0, "down", 5)
    prompt.switch("ok")
    prompt.seen_well()
    assert prompt.metric(PATIENCE) == LONG, "who has just failed is given time"


def test_a_pod_that_hangs_costs_nobody_his_session_and_little_time(prompt: Proxy) -> None:
    prompt.pods[0].mode = "hang"
    seen = prompt.ask_all([SESSION] * 16, 16)
    assert {answer.status for answer in seen} == {200}
    assert max(answer.seconds for answer in seen) < SOON


def test_a_slow_request_to_a_target_that_is_well_gets_its_time(prompt: Proxy) -> None:
    for pod in prompt.pods:
        pod.poison, pod.slow_seconds = ("x-slow", "slow"), 0.6
    answer = prompt.ask({**SESSION, "x-slow": "1"})
    assert answer.status == 200
    assert answer.seconds >= 0.6
    seen = [prompt.ask({**SESSION, "x-slow": "1"}) for _ in range(8)]
    assert {answer.status for answer in seen} == {200}
    assert prompt.metric(PATIENCE) == LONG, "one who lets clients wait is not asked twice each time"


def test_a_target_that_takes_its_time_is_given_it(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, check_every=0.7, check_within=0.45) as proxy:
        is_prompt(proxy)
        for pod in proxy.pods:
            pod.slow_seconds = 0.15
        proxy.switch("slow")
        eventually(lambda: proxy.metric(PATIENCE) == LONG, "the checks find out", 10)
        for pod in proxy.pods:
            pod.slow_seconds = 0.4
        assert {answer.status for answer in proxy.ask_all([SESSION] * 8, 8)} == {200}
