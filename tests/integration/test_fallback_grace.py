"""Who is signed in stays in while no pod is well, and nobody else gets in by that. No cluster needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Answer, Proxy, basic, is_challenge, running
from tests.integration.support_fallback_target import Pod

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


@pytest.mark.parametrize("way", [{"path": "/outpost.goauthentik.io/sign_out"}, {"uri": "/?X-authentik-logout=true"}])
def test_who_signs_out_in_an_outage_is_out_too(graced: Proxy, way: dict[str, Any]) -> None:
    assert graced.ask(SESSION).status == 200
    graced.switch("500")
    is_down(graced)
    assert graced.ask(SESSION).header("X-Auth-Fallback") == "grace"
    assert graced.ask(SESSION, **way).status in (401, 503)
    assert is_challenge(graced.ask(SESSION))


@pytest.mark.parametrize("whole", [True, False], ids=["it signs out with another", "another beside it goes on"])
def test_another_cookie_beside_it_makes_no_other_session(graced: Proxy, whole: bool) -> None:
    """A thief's made-up one, or that of another domain."""
    both = {"Cookie": f"{SESSION['Cookie']}; {SESSION['Cookie'].split('=')[0]}_zzz=1"}
    leaving, staying = (both, SESSION) if whole else (SESSION, both)
    assert graced.ask(staying).status == graced.ask(leaving).status == 200
    graced.ask(leaving, path="/outpost.goauthentik.io/sign_out")
    graced.switch("500")
    is_down(graced)
    assert is_challenge(graced.ask(leaving))
    assert is_challenge(graced.ask(staying))


def test_more_cookies_than_any_target_sets_are_no_session(graced: Proxy) -> None:
    name = SESSION["Cookie"].split("=")[0]
    many = {"Cookie": "; ".join([SESSION["Cookie"], *(f"{name}_{number}=x" for number in range(8))])}
    assert graced.ask(many).status == 200
    graced.switch("500")
    is_down(graced)
    assert is_challenge(graced.ask(many))


def test_what_a_token_earned_is_not_for_the_cookie_alone(graced: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    by_cookie = Pod._is_member
    monkeypatch.setattr(Pod, "_is_member", lambda pod, head: by_cookie(pod, head) or "Bearer good" in head)
    cookie = {"Cookie": f"{SESSION['Cookie'].split('=')[0]}=guess"}
    token = cookie | {"Authorization": "Bearer good"}
    assert graced.ask(cookie).status == 302
    assert graced.ask(token).status == 200
    graced.switch("500")
    is_down(graced)
    for headers in (cookie, cookie | {"Authorization": "Bearer wrong"}, cookie | basic("nobody", "x")):
        assert is_challenge(graced.ask(headers)), headers
    assert graced.ask(token).header("X-Auth-Fallback") == "grace"


@pytest.mark.parametrize("status", ["302", "303", "307", "401", "403"])
def test_a_session_that_ended_is_not_remembered(graced: Proxy, status: str) -> None:
    assert graced.ask(SESSION).status == 200
    for pod in graced.pods:
        pod.poison = (SESSION["Cookie"], status)
    assert graced.ask(SESSION).status == int(status)
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
