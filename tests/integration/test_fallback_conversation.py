"""What a well target answers passes the proxy untouched, whatever the request. No cluster needed."""

from __future__ import annotations

import http.client

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Proxy, basic
from tests.integration.support_fallback_target import COOKIE, HOST, MEMBER, PATH

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def test_a_well_target_answers_by_itself(proxy: Proxy) -> None:
    proxy.pods[0].jwt_bytes = proxy.pods[1].jwt_bytes = 16_000
    stranger, member = proxy.ask(), proxy.ask(SESSION)
    assert (stranger.status, member.status) == (302, 200)
    assert len(stranger.all("Set-Cookie")) == 1
    assert (stranger.header("Location") or "").startswith("https://auth.lab.test/application/o/authorize/?")
    assert stranger.body.startswith('<a href="https://auth.lab.test/')
    assert len(proxy.ask({"Cookie": f"{COOKIE}=broken"}).all("Set-Cookie")) == 3, "each of many"
    assert member.header("X-authentik-username") == "alice"
    assert len(member.header("X-authentik-jwt") or "") == 16_000
    assert member.header("X-Auth-Fallback") is None
    assert proxy.ask(basic()).status == 302, "the emergency login opens nothing while the target is well"


def test_forwarded_headers_reach_the_target_as_they_come(proxy: Proxy) -> None:
    for pod in proxy.pods:
        pod.heads.clear()
    sent = {"X-Forwarded-For": "192.0.2.1, 198.51.100.2", "X-Real-Ip": "192.0.2.1", "X-Forwarded-Proto": "http"}
    proxy.ask(sent | {"X-Forwarded-Port": "8443"}, uri="/a?b=c")
    (head,) = [head for pod in proxy.pods for head in pod.heads if "resilient-traefik-check" not in head]
    for line in ("X-Forwarded-For: 192.0.2.1, 198.51.100.2", "X-Real-Ip: 192.0.2.1", "X-Forwarded-Proto: http"):
        assert f"\r\n{line}\r\n" in head
    assert "\r\nX-Forwarded-Uri: /a?b=c\r\n" in head
    assert "\r\nX-Forwarded-Port: 8443\r\n" in head
    assert "\r\nHost: outpost.test:9000\r\n" in head


def test_the_login_flow_passes(proxy: Proxy) -> None:
    assert proxy.ask(path="/outpost.goauthentik.io/start?rd=x").status == 302
    assert proxy.ask(path="/").status == 404
    proxy.switch("close")
    eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down")
    away = proxy.ask(path="/outpost.goauthentik.io/start?rd=x")
    assert (away.status, away.header("Retry-After")) == (503, "30")


@pytest.mark.parametrize("length", [5_000, 9_000, 20_000, 100_000])
def test_no_url_however_long_gets_past_a_well_target(proxy: Proxy, length: int) -> None:
    uri = "/" * length
    answer = proxy.ask(uri=uri)
    assert answer.status == 302 if length <= 20_000 else answer.status in (400, 414, 431)
    assert answer.header("X-Auth-Fallback") is None


def test_a_kept_connection_answers_again_and_again(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    for mode, status in (("ok", 302), ("500", 401), ("ok", 302)):
        proxy.switch(mode)
        proxy.seen_well() if mode == "ok" else None
        connection.request(
            "GET",
            "/outpost.goauthentik.io/auth/traefik",
            headers={"X-Forwarded-Method": "GET", "X-Forwarded-Host": HOST},
        )
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


@pytest.mark.parametrize("size", [6_000, 16_000])
def test_a_large_token_and_large_cookies_pass(proxy: Proxy, size: int) -> None:
    for pod in proxy.pods:
        pod.jwt_bytes = size
        pod.heads.clear()
    cookies = f"{MEMBER}; x=" + "c" * 9_000
    answer = proxy.ask({"Cookie": cookies})
    assert answer.status == 200
    assert answer.header("X-authentik-jwt") == "j" * size
    assert any(cookies in head for pod in proxy.pods for head in pod.heads)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_requests_of_other_methods_are_judged_without_their_bodies(proxy: Proxy, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    body = None if method == "HEAD" else b"x" * 3_000_000
    connection.request(
        method, PATH, body=body, headers={"X-Forwarded-Method": "GET", "X-Forwarded-Host": HOST, **SESSION}
    )
    assert connection.getresponse().status == 200
    connection.close()
    (head,) = [head for pod in proxy.pods for head in pod.heads if "resilient-traefik-check" not in head]
    assert head.startswith(f"{method} {PATH} ")
    assert "content-length" not in head.lower()
