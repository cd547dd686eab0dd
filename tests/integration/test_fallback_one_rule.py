"""What the requests of one client do opens nothing: only two rounds of checks that find no pod well do."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Proxy, running
from tests.integration.support_fallback_target import HOST

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

START = "/outpost.goauthentik.io/start?rd=%2F"


@pytest.mark.parametrize(("mode", "answer"), [("500", 500), ("reset", 502), ("slow", 504)])
def test_a_request_that_fails_by_itself_gets_an_error_of_its_own(
    nginx: Path, tmp_path: Path, mode: str, answer: int
) -> None:
    with running(nginx, tmp_path, default="allow") as proxy:
        proxy.seen_well()
        for pod in proxy.pods:
            pod.poison = ("x-poison", mode)
        seen = proxy.ask_all([{"x-poison": "1"}] * 24, 24)
        assert {reply.status for reply in seen} == {answer}
        assert not any(reply.header("X-Auth-Fallback") for reply in seen)
        assert max(reply.seconds for reply in seen) < 2.5 + 0.3
        assert proxy.ask(SESSION).status == 200
        assert proxy.ask().status == 302
        reason = {"500": "500", "reset": "network", "slow": "timeout"}[mode]
        assert proxy.metric(f'fallback_proxy_passed_total{{reason="{reason}"}}') == 24
        assert "X-Auth-Fallback" not in str(seen)


def test_a_pause_of_all_pods_is_no_outage(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, default="allow") as proxy:
        proxy.seen_well()
        for pod in proxy.pods:
            pod.slow_seconds = 0.7
        proxy.switch("slow")
        ending = threading.Timer(0.7, lambda: proxy.switch("ok"))
        ending.start()
        seen = proxy.ask_all([{}, SESSION] * 8, 16)
        ending.join()
        assert {reply.status for reply in seen[::2]} == {302}
        assert {reply.status for reply in seen[1::2]} == {200}


@pytest.mark.parametrize("mark", ["X-authentik-auth-callback=true", "x-authentik%2Dauth-callback=TRUE"])
def test_the_end_of_a_login_is_asked_once_and_has_its_time(proxy: Proxy, mark: str) -> None:
    callback = f"/page?code=c0de&{mark}"
    for pod in proxy.pods:
        pod.poison, pod.slow_seconds = (callback, "slow"), 3
    answer = proxy.ask(uri=callback)
    assert (answer.status, answer.seconds > 3) == (302, True)
    asked = [head for pod in proxy.pods for head in pod.heads if callback in head]
    assert len(asked) == 1
    for pod in proxy.pods:
        pod.poison = (callback, "reset")
    assert proxy.ask(uri=callback).status == 502
    asked = [head for pod in proxy.pods for head in pod.heads if callback in head]
    assert len(asked) == 2


def test_a_login_page_comes_from_another_pod_when_one_hangs(proxy: Proxy) -> None:
    proxy.pods[0].mode = "hang"
    until = time.monotonic() + 3
    while time.monotonic() < until:
        answer = proxy.ask(path=START)
        assert answer.status == 302
        assert answer.seconds < 2


def test_the_login_itself_is_never_sent_twice(proxy: Proxy) -> None:
    path = "/outpost.goauthentik.io/callback?code=c0de&state=s"
    for pod in proxy.pods:
        pod.poison = ("/callback?code", "close")
    assert proxy.ask(path=path).status == 503
    assert len([head for pod in proxy.pods for head in pod.heads if "/callback?code" in head]) == 1


def test_the_check_makes_no_session_for_each_question(proxy: Proxy) -> None:
    for pod in proxy.pods:
        pod.heads.clear()
    asked = proxy.metric('fallback_proxy_checks_total{result="well"}')
    while proxy.metric('fallback_proxy_checks_total{result="well"}') < asked + 24:
        time.sleep(0.2)
    heads = [head for pod in proxy.pods for head in pod.heads]
    bare = [head for head in heads if "\r\ncookie: " not in head.lower()]
    assert len(heads) >= 24
    assert 1 <= len(bare) <= 3, "one in ten rounds, of one pod"


def test_a_store_that_takes_no_new_session_is_found_out(proxy: Proxy) -> None:
    """As authentik whose database is read-only: who has a session is well, strangers get 400."""
    for pod in proxy.pods:
        # The check's own question where no Cookie stands between these two.
        pod.poison = (f"X-Forwarded-Host: {HOST}\r\nX-Forwarded-Proto: https", "400")
    eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down", 30)
    time.sleep(5)
    assert proxy.metric("fallback_proxy_target_up") == 0, "a check with a cookie does not bring it back"
    for pod in proxy.pods:
        pod.poison = ("", "")
    eventually(lambda: proxy.metric("fallback_proxy_target_up") == 1, "up", 5)
