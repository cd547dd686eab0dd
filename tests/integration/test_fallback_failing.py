"""Every way of failing of the target, and what the clients get meanwhile. No cluster needed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import IDENTITY, LONGEST, SESSION, USER, Proxy, basic, is_challenge, running
from tests.integration.support_fallback_target import HOST

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


@contextmanager
def _nobody(proxy: Proxy, black_hole: bool) -> Iterator[None]:
    """No pod takes a connection; none refuses one either where it is a black hole."""
    holes: list[socket.socket] = []
    for pod in proxy.pods:
        proxy.loop.run(pod.stop())
        eventually(partial(_refuses, pod.address, pod.port), "nobody listens")
        if not black_hole:
            continue
        hole = socket.socket()
        hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hole.bind((pod.address, pod.port))
        hole.listen(0)
        holes.append(hole)
        for _ in range(3):
            filling = socket.socket()
            filling.setblocking(False)
            filling.connect_ex((pod.address, pod.port))
            holes.append(filling)
    yield
    for one in holes:
        one.close()


def _refuses(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((address, port)) != 0


@contextmanager
def _mode(proxy: Proxy, mode: str) -> Iterator[None]:
    proxy.switch(mode)
    yield
    healed = time.monotonic()
    proxy.switch("ok")
    eventually(lambda: proxy.ask(SESSION).status == 200, "sessions count again", 3)
    assert time.monotonic() - healed < 3


@pytest.mark.parametrize(
    "mode", ["hang", "500", "503", "slow", "reset", "close", "trickle", "drip", "no listener", "no room"]
)
def test_every_way_of_failing_becomes_the_emergency_login(proxy: Proxy, mode: str) -> None:
    """From the first request on: no 5xx, nothing over 2.5 s; from the second second on nobody waits."""
    with _nobody(proxy, mode == "no room") if mode.startswith("no ") else _mode(proxy, mode):
        first = proxy.ask()
        assert is_challenge(first), first
        assert first.seconds < LONGEST
        eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down", 3)
        for answer in [proxy.ask(), proxy.ask(SESSION), proxy.ask(basic(password="wrong"))]:
            assert is_challenge(answer)
            assert answer.seconds < 0.25
            assert not any(answer.header(name) for name in IDENTITY)
        right = proxy.ask(basic())
        assert (right.status, right.header("X-authentik-username")) == (200, USER)
        assert right.header("X-Auth-Fallback") == "true"
        assert not right.header("X-authentik-jwt")
    assert proxy.metric('fallback_proxy_fallbacks_total{reason="down",policy="basic"}') >= 4


@pytest.mark.parametrize("status", ["400", "404"])
def test_400_and_404_count_for_the_check_alone(proxy: Proxy, status: str) -> None:
    """About one request they mean something else; about a host that the target knows they mean that it is ill."""
    for pod in proxy.pods:
        pod.poison = ("x-poison", status)
    seen = [proxy.ask({"x-poison": "1"}) for _ in range(8)]
    assert {answer.status for answer in seen} == {int(status)}
    assert proxy.ask(SESSION).status == 200
    proxy.switch(status)
    assert proxy.ask().status == int(status), "until the check has found out"
    eventually(lambda: is_challenge(proxy.ask()), "the fallback", 5)
    proxy.switch("ok")
    eventually(lambda: proxy.ask(SESSION).status == 200, "sessions count again", 3)


@pytest.mark.parametrize("status", ["400", "404"])
def test_400_and_404_pass_where_the_check_does_not_count_them(nginx: Path, tmp_path: Path, status: str) -> None:
    with running(nginx, tmp_path, check_failures=[]) as proxy:
        proxy.seen_well()
        proxy.switch(status)
        asked = proxy.metric('fallback_proxy_checks_total{result="well"}')
        eventually(lambda: proxy.metric('fallback_proxy_checks_total{result="well"}') >= asked + 6, "three rounds", 10)
        assert proxy.ask().status == int(status)


def test_a_host_that_the_target_does_not_know_any_more_is_no_outage(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, check_host="removed.lab.test", more_check_hosts=[HOST]) as proxy:
        for pod in proxy.pods:
            pod.poison = ("X-Forwarded-Host: removed.lab.test", "404")
        proxy.seen_well()
        asked = proxy.metric('fallback_proxy_checks_total{result="well"}')
        eventually(lambda: proxy.metric('fallback_proxy_checks_total{result="well"}') >= asked + 6, "three rounds", 10)
        assert proxy.ask(SESSION).status == 200
        assert proxy.metric('fallback_proxy_checks_total{result="failed"}') == 0


def test_a_slow_target_that_is_given_the_time_keeps_its_sessions(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, answer_within=2, check_within=1.9, check_every=2.2) as proxy:
        proxy.seen_well()
        proxy.switch("slow")
        asked = proxy.metric('fallback_proxy_checks_total{result="well"}')
        seen = [proxy.ask(SESSION)]
        eventually(lambda: proxy.metric('fallback_proxy_checks_total{result="well"}') >= asked + 4, "two rounds", 15)
        seen.append(proxy.ask(SESSION))
        assert {answer.status for answer in seen} == {200}
        proxy.switch("hang")
        late = proxy.ask()
        assert is_challenge(late)
        # One try, and two rounds of checks.
        assert late.seconds < 2 + 2 * 1.9 + 0.3


def test_a_check_that_is_late_does_no_harm(proxy: Proxy) -> None:
    """Headers that drip in outlast the time-out of nginx, which counts from byte to byte."""
    workers = proxy.workers()
    proxy.switch("drip")
    failed = proxy.metric('fallback_proxy_checks_total{result="failed"}')
    eventually(lambda: proxy.metric('fallback_proxy_checks_total{result="failed"}') >= failed + 12, "six rounds", 20)
    assert proxy.workers() == workers
    proxy.switch("ok")
    proxy.seen_well()
