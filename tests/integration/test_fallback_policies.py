"""Policies by host, and whose name a fallback gives to the application. No cluster needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import IDENTITY, SESSION, USER, Proxy, basic, is_challenge, running
from tests.integration.support_fallback_target import HOST, MEMBER

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def test_policies_by_host(nginx: Path, tmp_path: Path) -> None:
    hosts = {"open.test": "allow", "shut.test": "deny"}
    with running(nginx, tmp_path, hosts=hosts, retry_after=77) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        for host in ("open.test", "OPEN.test", "open.test:8443", "open.test."):
            answer = proxy.ask(host=host)
            assert (answer.status, answer.header("X-Auth-Fallback")) == (200, "true"), host
            assert not any(answer.header(name) for name in IDENTITY)
        shut = proxy.ask(basic(), host="shut.test")
        assert (shut.status, shut.header("Retry-After")) == (503, "77")
        assert is_challenge(proxy.ask(host="other.test"))
        for strange in ("open.test, shut.test", "open.test shut.test", "", "open.test/", "a:b:c", "[open.test"):
            assert proxy.ask(host=strange).status in (401, 503), strange


FORGED = dict.fromkeys((*IDENTITY, "X-Auth-Fallback"), "forged")


def test_a_fallback_names_nobody_but_the_emergency_user(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, identity_headers=list(IDENTITY), hosts={"open.test": "allow"}) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        login, anybody = proxy.ask(FORGED | basic()), proxy.ask(FORGED, host="open.test")
        assert login.all("X-authentik-username") == [USER]
        assert anybody.all("X-authentik-username") == []
        for answer in (login, anybody):
            assert answer.status == 200
            assert (answer.all("X-authentik-groups"), answer.all("X-authentik-jwt")) == ([], [])
            assert answer.all("X-Auth-Fallback") == ["true"]


@pytest.mark.parametrize("own", ["Bearer abc", basic("alice", "x")["Authorization"]])
def test_the_clients_own_authorization_is_given_back(nginx: Path, tmp_path: Path, own: str) -> None:
    with running(nginx, tmp_path, emergency_users=[USER], hosts={"open.test": "allow"}) as proxy:
        proxy.seen_well()
        well = proxy.ask(SESSION | {"Authorization": own})
        assert (well.status, well.all("Authorization")) == (200, [own])
        assert proxy.ask({"Authorization": own}).all("Authorization") == [], "nothing with a redirect"
        heads = [head for pod in proxy.pods for head in pod.heads if MEMBER in head]
        assert all(f"\r\nAuthorization: {own}\r\n" in head for head in heads)
        assert proxy.ask(SESSION).all("Authorization") == []
        proxy.switch("close")
        assert proxy.ask({"Authorization": own}, host="open.test").all("Authorization") == [own]


def test_the_emergency_login_stays_between_client_and_proxy(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, emergency_users=[USER], hosts={"open.test": "allow"}) as proxy:
        proxy.seen_well()
        well = proxy.ask(SESSION | basic())
        assert (well.status, well.all("Authorization")) == (200, [])
        assert not [head for pod in proxy.pods for head in pod.heads if "\r\nAuthorization:" in head]
        proxy.switch("close")
        for answer in (proxy.ask(basic()), proxy.ask(basic(), host="open.test")):
            assert (answer.status, answer.all("Authorization")) == (200, [])


def test_without_emergency_users_the_target_rules_over_authorization(proxy: Proxy) -> None:
    assert proxy.ask(SESSION | {"Authorization": "Bearer abc"}).all("Authorization") == []
    assert any("\r\nAuthorization: Bearer abc\r\n" in head for pod in proxy.pods for head in pod.heads)


def test_hundreds_of_hosts_are_told_apart(nginx: Path, tmp_path: Path) -> None:
    long_name = ".".join(["h" * 60] * 4)
    answers = ("allow", "deny", "basic")
    hosts = {f"site-{number}.apps.example.test": answers[number % 3] for number in range(500)} | {long_name: "deny"}
    statuses = {"allow": 200, "deny": 503, "basic": 401}
    with running(nginx, tmp_path, hosts=hosts, default="deny") as proxy:
        proxy.seen_well()
        assert proxy.ask(SESSION, host=long_name).status == 200
        proxy.switch("close")
        eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down")
        for host, answer in hosts.items():
            assert proxy.ask(host=host.upper()).status == statuses[answer], host
        assert proxy.ask(host="unknown.test").status == 503
        assert "could not build" not in proxy.log()


def test_a_host_without_a_policy_of_its_own_gets_the_default(proxy: Proxy) -> None:
    proxy.switch("500")
    assert is_challenge(proxy.ask(host=HOST))
