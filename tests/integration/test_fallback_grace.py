"""Who is signed in stays in while no pod is well, and nobody else gets in by that. No cluster needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Answer, Proxy, is_challenge, running

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

# Of the answer these are about the connection or the moment.
OF_THE_MOMENT = {"date", "server", "connection", "content-length", "content-type", "x-auth-fallback", "cache-control"}
GRACE: dict[str, Any] = {"session_grace": 60, "session_cookies": [SESSION["Cookie"].split("=")[0]]}
OTHER_SESSION = {"Cookie": SESSION["Cookie"] + "x"}


@pytest.fixture
def graced(nginx: Path, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy that remembers sessions for a minute."""
    with running(nginx, tmp_path, **GRACE) as proxy:
        proxy.seen_well()
        yield proxy


def about_the_user(answer: Answer) -> list[tuple[str, str]]:
    """The headers that Traefik gives to the application."""
    return sorted((name.lower(), value) for name, value in answer.headers if name.lower() not in OF_THE_MOMENT)


def is_down(proxy: Proxy) -> None:
    """Wait until the proxy knows."""
    eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down", 15)


@pytest.mark.parametrize("mode", ["hang", "500", "reset", "400"])
def test_who_is_signed_in_goes_on_with_the_same_headers(graced: Proxy, mode: str) -> None:
    before = graced.ask(SESSION)
    assert before.status == 200
    graced.switch(mode)
    is_down(graced)
    during = graced.ask(SESSION)
    assert (during.status, during.header("X-Auth-Fallback")) == (200, "grace")
    assert about_the_user(during) == about_the_user(before)
    assert during.seconds < 0.25
    for headers in ({}, OTHER_SESSION, {"Cookie": "a=b"}):
        assert is_challenge(graced.ask(headers)), headers
    assert is_challenge(graced.ask(SESSION, host="other.lab.test")), "another host is another question"
    assert graced.metric('fallback_proxy_fallbacks_total{reason="down",policy="grace"}') == 1


def test_who_has_signed_out_is_out(graced: Proxy) -> None:
    ways: list[dict[str, Any]] = [{"path": "/outpost.goauthentik.io/sign_out"}, {"uri": "/?X-authentik-logout=true"}]
    for way in ways:
        assert graced.ask(SESSION).status == 200
        graced.ask(SESSION, **way)
        assert graced.ask(SESSION).status == 200, "the stand-in's session lasts: only the memory of it is gone"
        graced.switch("500")
        is_down(graced)
        assert is_challenge(graced.ask(SESSION)), way
        graced.switch("ok")
        graced.seen_well()


def test_a_session_that_ended_is_not_remembered(graced: Proxy) -> None:
    assert graced.ask(SESSION).status == 200
    for pod in graced.pods:
        pod.poison = (SESSION["Cookie"], "302")
    assert graced.ask(SESSION).status == 302
    time.sleep(6)
    graced.switch("500")
    is_down(graced)
    assert is_challenge(graced.ask(SESSION))


def test_being_sent_to_the_login_by_the_outage_itself_does_not_end_it(graced: Proxy) -> None:
    """As authentik whose database has stopped: strangers get 400, members are sent to the login."""
    assert graced.ask(SESSION).status == 200
    for pod in graced.pods:
        pod.poison = (SESSION["Cookie"], "302")
    graced.switch("400")
    assert graced.ask(SESSION).status == 302
    eventually(lambda: graced.ask(SESSION).header("X-Auth-Fallback") == "grace", "the session goes on", 5)


def test_a_path_that_needs_no_login_names_nobody(graced: Proxy) -> None:
    """An answer of 200 without a user is not about the session."""
    for pod in graced.pods:
        pod.poison = (OTHER_SESSION["Cookie"], "200")
    assert graced.ask(OTHER_SESSION).status == 200
    for pod in graced.pods:
        pod.poison = ("", "")
    graced.switch("hang")
    is_down(graced)
    assert is_challenge(graced.ask(OTHER_SESSION))


def test_the_time_is_over_some_time(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, **GRACE | {"session_grace": 4}) as proxy:
        proxy.seen_well()
        assert proxy.ask(SESSION).status == 200
        proxy.switch("500")
        is_down(proxy)
        assert proxy.ask(SESSION).status == 200
        eventually(lambda: is_challenge(proxy.ask(SESSION)), "the grace is over", 6)
