"""Who is signed in stays in through a pod of the proxy that has not seen him: it asks its neighbours. No cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, is_challenge
from tests.integration.support_fallback_neighbours import Street, session, street

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

GRACE: dict[str, Any] = {
    "session_grace": 60,
    "session_by_path": False,
    "session_cookies": [SESSION["Cookie"].split("=")[0]],
}
KNOWN = 'fallback_proxy_neighbour_questions_total{result="known"}'


@pytest.fixture
def two(nginx: Path, tmp_path: Path) -> Iterator[Street]:
    """Two neighbours that remember sessions for a minute."""
    with street(nginx, tmp_path, **GRACE) as made:
        yield made


def test_a_pod_that_has_not_seen_a_session_asks_its_neighbour(two: Street) -> None:
    one, other = two.proxies.values()
    before = one.ask(SESSION)
    one.switch("500")
    two.all_down()
    for answer in (other.ask(SESSION), other.ask(SESSION)):
        assert (answer.status, answer.header("X-Auth-Fallback")) == (200, "grace")
        assert answer.header("X-Authentik-Username") == before.header("X-Authentik-Username") == "alice"
        assert answer.seconds < 0.1
    assert other.metric(KNOWN) == 1, "what was told is remembered"
    assert is_challenge(other.ask(SESSION, host="other.lab.test")), "another host is another question"


def test_a_pod_that_was_replaced_knows_who_is_signed_in(two: Street) -> None:
    assert two.proxies[0].ask(SESSION).status == 200
    two.end(1)
    replaced = two.start(1)
    replaced.seen_well()
    two.know_each_other()
    replaced.switch("hang")
    assert [answer.header("X-Auth-Fallback") for answer in two.everybody(headers=SESSION)] == ["grace", "grace"]


def test_nobody_waits_for_a_neighbour_that_is_gone(two: Street) -> None:
    one, other = two.proxies.values()
    assert one.ask(SESSION).status == 200
    one.switch("500")
    two.all_down()
    two.silence(0)
    answer = other.ask(SESSION)
    assert is_challenge(answer)
    assert answer.seconds < 0.2


@pytest.mark.parametrize("way", [{"path": "/outpost.goauthentik.io/sign_out"}, {"uri": "/?X-authentik-logout=true"}])
def test_a_signing_out_is_known_to_every_pod(two: Street, way: dict[str, Any]) -> None:
    one, other = two.proxies.values()
    assert [answer.status for answer in two.everybody(headers=SESSION)] == [200, 200]
    one.ask(SESSION, **way)
    time.sleep(0.4)
    assert other.ask(SESSION).status == 200, "the stand-in's session lasts: only the memory of it is gone"
    one.switch("500")
    two.all_down()
    assert all(is_challenge(answer) for answer in two.everybody(headers=SESSION))


def test_a_session_that_ended_elsewhere_is_forgotten_by_every_pod(two: Street) -> None:
    one, _other = two.proxies.values()
    assert [answer.status for answer in two.everybody(headers=SESSION)] == [200, 200]
    for pod in two.pods:
        pod.poison = (SESSION["Cookie"], "302")
    assert one.ask(SESSION).status == 302
    # Nearer to an outage it would be taken for a part of it.
    time.sleep(6)
    one.switch("500")
    two.all_down()
    assert all(is_challenge(answer) for answer in two.everybody(headers=SESSION))


def test_a_pod_with_another_key_is_no_neighbour(two: Street) -> None:
    assert two.proxies[0].ask(SESSION).status == 200
    stranger = two.start(2, key="another key, as long as it has to be")
    stranger.seen_well()
    # Long enough for several rounds of looking for neighbours.
    time.sleep(3)
    assert [proxy.metric("fallback_proxy_neighbours") for proxy in two.proxies.values()] == [1, 1, 0]
    stranger.switch("500")
    two.all_down()
    assert is_challenge(stranger.ask(SESSION))
    assert two.proxies[1].ask(SESSION).header("X-Auth-Fallback") == "grace"


def test_without_a_key_a_pod_serves_alone(two: Street) -> None:
    alone = two.start(2, key="short")
    alone.seen_well()
    assert alone.ask(SESSION).status == 200
    assert "too short for a key" in alone.log()
    alone.switch("500")
    two.all_down()
    assert alone.ask(SESSION).header("X-Auth-Fallback") == "grace"


def test_a_flood_of_made_up_sessions_is_asked_for_within_bounds(two: Street) -> None:
    one, other = two.proxies.values()
    assert one.ask(SESSION).status == 200
    one.switch("500")
    two.all_down()
    answers = other.ask_all([session(f"MADE-UP-{number}") for number in range(3000)])
    assert all(is_challenge(answer) or answer.status == 429 for answer in answers)
    assert max(answer.seconds for answer in answers) < 2.5
    assert other.metric('fallback_proxy_neighbour_questions_total{result="limited"}') > 0
    eventually(lambda: other.ask(SESSION).header("X-Auth-Fallback") == "grace", "the real one goes on", 5)
    assert other.ask(session("M" * 12000)).header("X-Auth-Fallback") != "grace"
