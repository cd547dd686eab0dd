"""Emergency logins: who gets in, how attempts are limited, and what a flood of them may not do. No cluster needed."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import IDENTITY, LONGEST, PASSWORD, Proxy, basic, is_challenge, running
from tests.integration.support_fallback_target import HOST, PATH

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def test_only_right_logins_open(proxy: Proxy) -> None:
    proxy.switch("close")
    wrong = ["", "Basic", "Basic !!!", "Bearer abc", "Basic " + "x" * 3_000, "Digest a=b"]
    wrong += [basic("", "")["Authorization"], basic("root", PASSWORD)["Authorization"]]
    wrong += [basic(password=f"{PASSWORD}\0anything")["Authorization"]]
    for given in wrong:
        answer = proxy.ask({"Authorization": given, "X-authentik-username": "admin", "Cookie": "authentik=1"})
        assert is_challenge(answer), given
        assert not any(answer.header(name) for name in IDENTITY)
    assert proxy.ask(basic()).status == 200


def test_nobody_but_traefik_is_answered(proxy: Proxy) -> None:
    """A router of its own leads the login's paths here, and with them strangers: these are no questions of Traefik."""
    proxy.switch("close")
    answer = proxy.ask({"X-Forwarded-Method": ""} | basic())
    assert answer.status == 404
    assert not answer.header("X-Auth-Fallback")


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
        assert median(answer.seconds for answer in health) < 0.1
        assert max(answer.seconds for answer in again) < 0.5


@pytest.fixture
def down(nginx: Path, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy that knows that its target is down, with passwords as costly as in earnest."""
    with running(nginx, tmp_path, cost=10) as started:
        started.seen_well()
        started.switch("close")
        eventually(lambda: started.metric("fallback_proxy_target_up") == 0, "down")
        yield started


def test_many_requests_with_one_login_check_its_password_once(down: Proxy) -> None:
    """A page that loads as an outage begins asks many things at once, with the login that the browser kept."""
    seen = down.ask_all([basic()] * 60, 60)
    assert {answer.status for answer in seen} == {200}
    assert down.metric('fallback_proxy_logins_total{result="accepted"}') == 1
    assert down.metric('fallback_proxy_logins_total{result="remembered"}') == 59


def test_a_wrong_login_that_is_repeated_is_limited_too(down: Proxy) -> None:
    wrong = basic(password="wrong")
    seen = Counter(answer.status for answer in [*(down.ask(wrong) for _ in range(20)), *down.ask_all([wrong] * 40)])
    assert seen.keys() == {401, 429}
    assert seen[401] <= 15


def test_a_connection_goes_on_after_a_login(down: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", down.port, timeout=5)
    began = time.monotonic()
    for number, status in enumerate((401, 401, 200, 200)):
        login = basic(password=f"wrong {number}") if status == 401 else basic()
        connection.request("GET", PATH, headers={"X-Forwarded-Method": "GET", "X-Forwarded-Host": HOST, **login})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    assert time.monotonic() - began < 2
    connection.close()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:0DB8:0001:2:3:4:5:6", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1:40001", "192.0.2.1:40002", True),
        ("[2001:db8:1:2::1]:40001", "2001:db8:1:2::9", True),
    ],
)
def test_a_client_is_its_network(nginx: Path, tmp_path: Path, one: str, other: str, same: bool) -> None:
    """Whoever has one IPv6 address has 2^64 of them."""
    with running(nginx, tmp_path, attempts_per_minute=1, attempts_burst=1) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        for number in range(3):
            last = proxy.ask({"X-Forwarded-For": one} | basic(password=f"wrong {number}"))
        assert last.status == 429
        assert proxy.ask({"X-Forwarded-For": other} | basic()).status == (429 if same else 200)


def test_a_client_is_who_the_trusted_hops_say(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, trusted_hops=1, attempts_per_minute=1, attempts_burst=1) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        for number in range(3):
            last = proxy.ask({"X-Forwarded-For": "203.0.113.7, 10.0.0.1"} | basic(password=f"wrong {number}"))
        assert last.status == 429
        assert proxy.ask({"X-Forwarded-For": "9.9.9.9, 203.0.113.7, 10.0.0.2"} | basic()).status == 429
        assert proxy.ask({"X-Forwarded-For": "203.0.113.8, 10.0.0.1"} | basic()).status == 200


def test_who_came_past_fewer_proxies_is_a_client_of_his_own(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, trusted_hops=2, attempts_per_minute=1, attempts_burst=1) as proxy:
        proxy.seen_well()
        proxy.switch("close")
        for given in ("203.0.113.7, 10.0.0.1", "203.0.113.7", "203.0.113.7, 10.0.0.2"):
            last = proxy.ask({"X-Forwarded-For": given} | basic(password=f"wrong {given}"))
        assert last.status == 429
        assert proxy.ask({"X-Forwarded-For": "203.0.113.8"} | basic()).status == 200


def test_a_long_name_of_a_client_costs_no_time(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, trusted_hops=1) as proxy:
        proxy.switch("500")
        eventually(lambda: proxy.metric("fallback_proxy_target_up") == 0, "down", 15)
        long = {"X-Forwarded-For": f"{'a' * 31000}, 192.0.2.7, 10.0.0.1"}
        waits = sorted(proxy.ask(long | basic(password=f"wrong {number}")).seconds for number in range(5))
        usual = sorted(proxy.ask(basic(password=f"bad {number}")).seconds for number in range(5))
        assert waits[2] < usual[2] + 0.25, (waits, usual)


def test_a_flood_from_everywhere_leaves_places_for_a_right_login(down: Proxy) -> None:
    stop = threading.Event()
    attempts: Counter[str] = Counter()
    statuses: Counter[int] = Counter()

    def flood(number: int) -> None:
        for count in range(10_000):
            if stop.wait(0.1):
                return
            client = f"198.51.{number}.{count % 2}"
            statuses[down.ask({"X-Forwarded-For": client} | basic(password=f"{number} {count}")).status] += 1
            attempts[client] += 1

    floods = [threading.Thread(target=flood, args=(number,)) for number in range(20)]
    for one in floods:
        one.start()
    try:
        eventually(lambda: len(attempts) == 40 and min(attempts.values()) > 2, "all of them tried again", 60)
        asked = [down.ask({"X-Forwarded-For": "203.0.113.1"} | basic()) for _ in range(5)]
        health = [down.status(path) for path in ("/healthz", "/readyz") * 20]
    finally:
        stop.set()
        for one in floods:
            one.join()
    assert [answer.status for answer in asked] == [200] * 5, down.status("/metrics").body
    assert max(answer.seconds for answer in asked) < LONGEST
    assert {answer.status for answer in health} == {200}
    assert median(answer.seconds for answer in health) < 0.1
    assert statuses.keys() == {401, 429}
