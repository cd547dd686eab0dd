"""The fallback proxy's behaviour on loopback: every way of failing, and what must never happen. No cluster needed."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from lab import settings
from lab.cache import Store
from lab.image_catalogue import NGINX
from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import (
    HOST,
    PASSWORD,
    SESSION,
    USER,
    Answer,
    Proxy,
    basic,
    limited,
    running,
)

LONGEST = 2.5
IDENTITY = ("X-authentik-username", "X-authentik-jwt", "X-authentik-groups")


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nginx as the lab runs it."""
    store = Store(settings.from_environment().cache)
    return store.make(NGINX.made_by(), tmp_path_factory.mktemp("build") / "log") / NGINX.program


@pytest.fixture
def proxy(nginx: Path, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy with the default policy before two pods that are well."""
    with running(nginx, tmp_path) as started:
        started.seen_well()
        yield started


def is_challenge(answer: Answer) -> bool:
    """Whether the emergency login is asked for."""
    return answer.status == 401 and (answer.header("WWW-Authenticate") or "").startswith("Basic realm=")


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


def test_a_well_target_answers_by_itself(proxy: Proxy) -> None:
    proxy.pods[0].jwt_bytes = proxy.pods[1].jwt_bytes = 16_000
    stranger, member = proxy.ask(), proxy.ask(SESSION)
    assert (stranger.status, member.status) == (302, 200)
    assert stranger.all("Set-Cookie") == ["a=1", "b=2"]
    assert (stranger.header("Location") or "").startswith(f"https://{HOST}/outpost.goauthentik.io/start?rd=")
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


@pytest.mark.parametrize("mode", ["hang", "500", "503", "slow", "reset", "close", "trickle", "no listener", "no room"])
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


@contextmanager
def _mode(proxy: Proxy, mode: str) -> Iterator[None]:
    proxy.switch(mode)
    yield
    healed = time.monotonic()
    proxy.switch("ok")
    eventually(lambda: proxy.ask(SESSION).status == 200, "sessions count again", 3)
    assert time.monotonic() - healed < 3


@pytest.mark.parametrize(("status", "configured"), [("400", False), ("404", False), ("400", True), ("404", True)])
def test_400_and_404_fall_back_only_where_configured(
    nginx: Path, tmp_path: Path, status: str, configured: bool
) -> None:
    extra = [status] if configured else []
    with running(nginx, tmp_path, fallback_on=["network", "timeout", "500", *extra]) as proxy:
        proxy.seen_well()
        proxy.switch(status)
        answer = proxy.ask()
        assert answer.status == (401 if configured else int(status))
        assert is_challenge(answer) == configured


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


def test_anonymous_clients_cannot_push_others_into_the_fallback(proxy: Proxy) -> None:
    for mode in ("500", "reset", "hang", "oversized"):
        for pod in proxy.pods:
            pod.poison = ("x-poison", mode)
        stop = threading.Event()

        def poison(stop: threading.Event = stop) -> None:
            while not stop.is_set():
                proxy.ask({"x-poison": "1"})

        attackers = [threading.Thread(target=poison) for _ in range(4)]
        for attacker in attackers:
            attacker.start()
        until = time.monotonic() + 3
        seen = []
        while time.monotonic() < until:
            seen.append(proxy.ask(SESSION))
        stop.set()
        for attacker in attackers:
            attacker.join()
        assert {answer.status for answer in seen} == {200}, mode
        assert max(answer.seconds for answer in seen) < 1, mode
    assert proxy.metric('fallback_proxy_transitions_total{to="down"}') == 0


def test_an_oversized_answer_is_an_error_of_its_own(proxy: Proxy) -> None:
    proxy.pods[0].poison = proxy.pods[1].poison = ("x-poison", "oversized")
    for headers in ({"x-poison": "1"}, {"x-poison": "1"} | basic()):
        answer = proxy.ask(headers)
        assert answer.status == 502
        assert answer.header("X-Auth-Fallback") is None
    assert proxy.metric('fallback_proxy_refused_total{reason="oversized"}') == 2


@pytest.mark.parametrize("length", [5_000, 9_000, 20_000, 100_000])
def test_no_url_however_long_gets_past_a_well_target(proxy: Proxy, length: int) -> None:
    uri = "/" * length
    answer = proxy.ask(uri=uri)
    assert answer.status == 302 if length <= 20_000 else answer.status in (400, 414, 431)
    assert answer.header("X-Auth-Fallback") is None
    assert proxy.ask({"Cookie": "x=" + "y" * 9_000}).status == 302


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


def test_only_right_logins_open(proxy: Proxy) -> None:
    proxy.switch("close")
    wrong = ["", "Basic", "Basic !!!", "Bearer abc", "Basic " + "x" * 3_000, "Digest a=b"]
    wrong += [basic("", "")["Authorization"], basic("root", PASSWORD)["Authorization"]]
    for given in wrong:
        answer = proxy.ask({"Authorization": given, "X-authentik-username": "admin", "Cookie": "authentik=1"})
        assert is_challenge(answer), given
        assert not any(answer.header(name) for name in IDENTITY)
    assert proxy.ask(basic()).status == 200


def test_attempts_are_limited_for_each_client_and_by_429(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, attempts_per_minute=6, attempts_burst=5) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        attacker, other = {"X-Forwarded-For": "198.51.100.9"}, {"X-Forwarded-For": "9.9.9.9, 203.0.113.5"}
        seen = [proxy.ask(attacker | basic(password=f"wrong {number}")).status for number in range(12)]
        assert seen.count(401) <= 6
        assert set(seen) == {401, 429}
        # What the client itself wrote before its address makes no other client of it.
        assert proxy.ask({"X-Forwarded-For": "1.2.3.4, 198.51.100.9"} | basic()).status == 429
        assert proxy.ask(other | basic()).status == 200
        assert proxy.ask(attacker | basic()).status == 200, "a login that is remembered is no attempt"


def test_a_flood_of_wrong_logins_leaves_health_and_right_logins_alone(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, cost=10) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down")
        stop = threading.Event()

        def flood(number: int) -> None:
            count = 0
            while not stop.wait(0.04):
                count += 1
                proxy.ask({"X-Forwarded-For": f"198.51.100.{number}"} | basic(password=f"{number} {count}"))

        floods = [threading.Thread(target=flood, args=(number,)) for number in range(8)]
        for one in floods:
            one.start()
        try:
            right = proxy.ask({"X-Forwarded-For": "203.0.113.1"} | basic())
            assert right.status == 200
            health = [proxy.status("/healthz") for _ in range(50)]
            again = [proxy.ask({"X-Forwarded-For": "203.0.113.1"} | basic()) for _ in range(50)]
        finally:
            stop.set()
            for one in floods:
                one.join()
        assert {answer.status for answer in health + again} == {200}
        assert max(answer.seconds for answer in health) < 0.1
        assert max(answer.seconds for answer in again) < 0.5


@pytest.mark.parametrize("mode", ["silent", "servfail", "refused", "nxdomain", "empty"])
def test_starts_without_dns_and_finds_the_target_later(nginx: Path, tmp_path: Path, mode: str) -> None:
    with running(nginx, tmp_path, names=mode) as proxy:
        assert is_challenge(proxy.ask())
        proxy.names.mode = "ok"
        eventually(lambda: proxy.ask(SESSION).status == 200, "found", 6 if mode == "silent" else 4)


@pytest.mark.parametrize(
    ("mode", "kept"), [("silent", True), ("servfail", True), ("refused", True), ("nxdomain", False)]
)
def test_trouble_with_dns_later(proxy: Proxy, mode: str, kept: bool) -> None:
    """Addresses are kept where DNS itself is in trouble, and dropped where the name is gone."""
    proxy.names.mode = mode
    asked = proxy.names.asked
    eventually(lambda: proxy.names.asked >= asked + 4, "DNS was asked again", 15)
    seen = [proxy.ask(SESSION) for _ in range(5)]
    assert {answer.status for answer in seen} == ({200} if kept else {401})
    assert max(answer.seconds for answer in seen) < 0.5
    proxy.names.mode = "ok"
    eventually(lambda: proxy.ask(SESSION).status == 200, "found again", 6)


def test_pods_that_are_gone_before_the_check_finds_out_mean_the_fallback(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, pods=3, check_every=5) as proxy:
        proxy.seen_well()
        asked = proxy.names.asked
        proxy.names.mode = "nxdomain"
        eventually(lambda: proxy.names.asked >= asked + 2, "DNS was asked again", 10)
        eventually(lambda: is_challenge(proxy.ask()), "the fallback", 4)
        assert {proxy.ask().status for _ in range(20)} == {401}


def test_replicas_come_and_go(proxy: Proxy) -> None:
    everybody = proxy.names.addresses
    proxy.names.addresses = everybody[:1]
    proxy.seen_well(1, 5)
    assert proxy.ask(SESSION).status == 200
    proxy.names.addresses = []
    eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "scaled to 0", 5)
    assert is_challenge(proxy.ask())
    proxy.names.addresses = everybody
    proxy.seen_well(2, 5)


def test_fallbacks_are_counted_by_reason(proxy: Proxy) -> None:
    proxy.switch("500")
    proxy.ask()
    assert proxy.metric('fallback_proxy_failed_tries_total{reason="500"}') == 2
    assert proxy.metric('fallback_proxy_fallbacks_total{reason="500",policy="basic"}') == 1
    assert "# TYPE fallback_proxy_fallbacks_total counter" in proxy.status("/metrics").body


def test_requests_in_progress_finish_when_it_is_told_to_quit(proxy: Proxy) -> None:
    proxy.switch("slow")
    for pod in proxy.pods:
        pod.slow_seconds = 0.6
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(proxy.ask(SESSION).status))
    asking.start()
    process = proxy.processes["proxy"]
    eventually(lambda: any("session=valid" in head for pod in proxy.pods for head in pod.heads), "asked")
    process.send_signal(3)
    asking.join()
    assert answers == [200]
    assert process.wait(15) == 0


def test_a_kept_connection_answers_again_and_again(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    for mode, status in (("ok", 302), ("500", 401), ("ok", 302)):
        proxy.switch(mode)
        proxy.seen_well() if mode == "ok" else None
        connection.request("GET", "/outpost.goauthentik.io/auth/traefik", headers={"X-Forwarded-Host": HOST})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_the_real_nginx_takes_every_file_with_little_memory(nginx: Path, tmp_path: Path, proxy: Proxy) -> None:
    for name in ("proxy.conf", "login.conf", "quit.conf"):
        checked = subprocess.run(
            limited(nginx, tmp_path, name, "-t"), capture_output=True, text=True, timeout=20, check=False
        )
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr, checked.stderr
