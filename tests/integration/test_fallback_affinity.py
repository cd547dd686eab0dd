"""A target whose pods do not share their sessions, as standalone outposts do not. No cluster needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.support_fallback import Answer, Proxy, running
from tests.integration.support_fallback_target import COOKIE, PATH

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback
OURS = "resilient_traefik_pod"
LOGINS = 20


@contextmanager
def standing_alone(nginx: Path, folder: Path, **policy: Any) -> Iterator[Proxy]:
    """A proxy before three pods that each know their own sessions only."""
    given: dict[str, Any] = {"session_cookies": ["authentik_proxy_"], "sticky": True} | policy
    with running(nginx, folder, pods=3, **given) as proxy:
        for pod in proxy.pods:
            pod.own_sessions, pod.core_seconds = {}, 0.02
        proxy.seen_well()
        yield proxy


class Browser:
    """Keeps cookies."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.cookies: dict[str, str] = {}

    def ask(self, uri: str = "/", *, path: str = "", headers: dict[str, str] | None = None) -> Answer:
        """What Traefik gets that asks about a request of this browser."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        answer = self.proxy.ask(sent | (headers or {}), uri=uri, path=path or PATH)
        for line in answer.all("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def comes_back(self, sent: Answer) -> Answer:
        """From authentik's login, to which an answer has sent it."""
        state = parse_qs(urlsplit(sent.header("Location") or "").query)["state"][0]
        return self.ask(
            f"/outpost.goauthentik.io/callback?X-authentik-auth-callback=true&code={id(self)}&state={state}"
        )


def signed_in(proxy: Proxy) -> Browser:
    """A browser that has signed in."""
    browser = Browser(proxy)
    assert browser.comes_back(browser.ask()).status == 302
    assert browser.ask().status == 200
    return browser


def own_pod(browser: Browser) -> int:
    """The place of the pod that has the browser's session."""
    (place,) = [
        place for place, pod in enumerate(browser.proxy.pods) if browser.cookies[COOKIE] in (pod.own_sessions or {})
    ]
    return place


def test_every_login_comes_to_its_end_and_lasts(nginx: Path, tmp_path: Path) -> None:
    with standing_alone(nginx, tmp_path) as proxy:
        browsers = [Browser(proxy) for _ in range(LOGINS)]
        sent = [browser.ask() for browser in browsers]
        assert [browser.comes_back(answer).status for browser, answer in zip(browsers, sent, strict=True)] == [
            302
        ] * LOGINS
        for _ in range(5):
            assert [browser.ask().status for browser in browsers] == [200] * LOGINS
        assert len({own_pod(browser) for browser in browsers}) > 1, "all pods have work"


def test_a_login_that_begins_at_its_own_path_comes_to_its_end(nginx: Path, tmp_path: Path) -> None:
    with standing_alone(nginx, tmp_path) as proxy:
        for _ in range(LOGINS):
            browser = Browser(proxy)
            assert browser.comes_back(browser.ask(path="/outpost.goauthentik.io/start?rd=/")).status == 302
            assert browser.ask().status == 200


def test_the_cookie_means_the_same_to_every_pod_of_the_proxy_and_lives_as_long(nginx: Path, tmp_path: Path) -> None:
    with standing_alone(nginx, tmp_path) as proxy:
        browser = Browser(proxy)
        theirs, ours = browser.ask().all("Set-Cookie")
        pod = proxy.pods[own_pod(browser)]
        assert browser.cookies[OURS] == hashlib.sha256(f"{pod.address}:{pod.port}".encode()).hexdigest()[:16]
        assert ours.partition(";")[2] == theirs.partition(";")[2]
        assert [line for line in browser.ask().all("Set-Cookie") if OURS in line] == []


def test_a_request_that_fails_takes_nobody_to_a_pod_that_ends_his_session(nginx: Path, tmp_path: Path) -> None:
    with standing_alone(nginx, tmp_path) as proxy:
        browser = signed_in(proxy)
        proxy.pods[own_pod(browser)].poison = ("x-poison", "500")
        assert browser.ask(headers={"x-poison": "1"}).status == 500
        assert browser.ask().status == 200


def test_who_loses_his_pod_signs_in_at_another(nginx: Path, tmp_path: Path) -> None:
    with standing_alone(nginx, tmp_path) as proxy:
        browser = signed_in(proxy)
        before = own_pod(browser)
        proxy.pods[before].mode = "close"
        proxy.seen_well(2)
        assert browser.ask().status == 302
        assert browser.comes_back(browser.ask()).status == 302
        assert browser.ask().status == 200
        assert own_pod(browser) != before


def test_a_cookie_that_somebody_made_up_is_none(nginx: Path, tmp_path: Path) -> None:
    with standing_alone(nginx, tmp_path) as proxy:
        for value in ("0" * 16, "x", "", "../" * 9):
            assert proxy.ask({"Cookie": f"{OURS}={value}"}).status == 302


def test_pods_that_share_their_sessions_need_no_cookie(proxy: Proxy) -> None:
    assert not [line for line in proxy.ask().all("Set-Cookie") if OURS in line]
