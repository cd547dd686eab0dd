"""Trouble with DNS, at the start and later. No cluster needed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Proxy, is_challenge, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("mode", ["silent", "servfail", "refused", "nxdomain", "empty"])
def test_starts_without_dns_and_finds_the_target_later(nginx: Path, tmp_path: Path, mode: str) -> None:
    with running(nginx, tmp_path, names=mode) as proxy:
        assert is_challenge(proxy.ask())
        proxy.names.mode = "ok"
        eventually(lambda: proxy.ask(SESSION).status == 200, "found", 6 if mode == "silent" else 4)


@pytest.mark.parametrize("mode", ["silent", "servfail", "refused"])
def test_addresses_are_kept_while_dns_itself_is_in_trouble(proxy: Proxy, mode: str) -> None:
    proxy.names.mode = mode
    asked = proxy.names.asked
    eventually(lambda: proxy.names.asked >= asked + 4, "DNS was asked again", 15)
    seen = [proxy.ask(SESSION) for _ in range(5)]
    assert {answer.status for answer in seen} == {200}
    assert max(answer.seconds for answer in seen) < 0.5


@pytest.mark.parametrize("mode", ["nxdomain", "empty"])
def test_an_answer_without_addresses_costs_nobody_his_session(proxy: Proxy, mode: str) -> None:
    """The pods that were well are asked by their addresses for five seconds."""
    proxy.names.mode = mode
    asked = proxy.names.asked
    until = time.monotonic() + 10
    while proxy.names.asked < asked + 2:
        assert proxy.ask(SESSION).status == 200
        assert time.monotonic() < until
    proxy.names.mode = "ok"
    eventually(lambda: proxy.names.asked >= asked + 4, "DNS was asked again", 10)
    seen = [proxy.ask(SESSION) for _ in range(20)]
    assert {answer.status for answer in seen} == {200}
    assert proxy.metric('fallback_proxy_transitions_total{to="down"}') == 0


@pytest.mark.parametrize("mode", ["nxdomain", "empty"])
def test_a_name_that_stays_away_is_an_outage(proxy: Proxy, mode: str) -> None:
    proxy.names.mode = mode
    eventually(lambda: is_challenge(proxy.ask(SESSION)), "the fallback", 12)
    proxy.names.mode = "ok"
    eventually(lambda: proxy.ask(SESSION).status == 200, "found again", 6)
