"""Some replicas of the target fail, come or go: sessions last while one answers. No cluster needed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import LONGEST, SESSION, Proxy, is_challenge, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def test_a_session_lasts_while_one_replica_answers(proxy: Proxy) -> None:
    for mode in ("hang", "500", "reset"):
        proxy.pods[0].mode = mode
        seen = [proxy.ask(SESSION) for _ in range(10)]
        assert {answer.status for answer in seen} == {200}, mode
        assert max(answer.seconds for answer in seen) < LONGEST
        proxy.seen_well(1, 4)
        assert max(proxy.ask(SESSION).seconds for _ in range(10)) < 0.25, mode
        proxy.switch("ok")
        proxy.seen_well()


def test_replicas_come_and_go(proxy: Proxy) -> None:
    everybody = proxy.names.addresses
    proxy.names.addresses = everybody[:1]
    proxy.seen_well(1, 5)
    assert proxy.ask(SESSION).status == 200
    proxy.names.addresses = []
    eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "scaled to 0", 12)
    assert is_challenge(proxy.ask())
    proxy.names.addresses = everybody
    proxy.seen_well(2, 5)


def test_pods_that_are_gone_before_the_check_finds_out_mean_the_fallback(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, pods=3, check_every=5) as proxy:
        proxy.seen_well()
        asked = proxy.names.asked
        proxy.names.mode = "nxdomain"
        eventually(lambda: proxy.names.asked >= asked + 2, "DNS was asked again", 10)
        # The last known pods are asked for five seconds after the round that found none: it may take two more rounds.
        eventually(lambda: is_challenge(proxy.ask()), "the fallback", 20)
        assert {proxy.ask().status for _ in range(20)} == {401}


@pytest.mark.parametrize(("pods", "hung"), [(2, 1), (3, 2), (4, 2), (5, 4)])
def test_no_session_meets_the_challenge_while_others_hang(nginx: Path, tmp_path: Path, pods: int, hung: int) -> None:
    with running(nginx, tmp_path, pods=pods) as proxy:
        proxy.seen_well()
        for pod in proxy.pods[:hung]:
            pod.mode = "hang"
        until = time.monotonic() + 4
        seen = []
        while time.monotonic() < until:
            seen += proxy.ask_all([SESSION] * 16, 16)
        assert {answer.status for answer in seen} == {200}
        assert max(answer.seconds for answer in seen) < LONGEST
        proxy.seen_well(pods - hung, 4)
        settled = proxy.ask_all([SESSION] * 64, 16)
        assert {answer.status for answer in settled} == {200}
        assert max(answer.seconds for answer in settled) < 0.9, "nobody is sent to a pod that is known to hang"


def test_checks_of_many_hung_pods_do_not_overlap(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, pods=8) as proxy:
        proxy.seen_well()
        proxy.switch("hang")
        eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down", 5)
        failed = proxy.metric('fallback_proxy_checks_total{result="failed"}')
        eventually(lambda: proxy.metric('fallback_proxy_checks_total{result="failed"}') >= failed + 32, "rounds", 15)
        assert "already running" not in proxy.log()
        proxy.switch("ok")
        proxy.seen_well()
