"""Nobody reaches a private site without a login, forges a name there, or takes others' sessions away."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import pytest

from tests.integration.support_attacks import LOGIN, Outcome, attacks, request, send
from tests.integration.support_even_load import EvenLoad, slow
from tests.integration.support_failures import crashes, fallen_back
from tests.integration.support_fallback import basic
from tests.integration.support_fallback_lab import HOST, OPEN, PLAIN, PROXY, SHUT, SPACE, FallbackLab

pytest_plugins = ["tests.integration.support_fallback_lab"]
pytestmark = pytest.mark.quiet

LONGEST = 2.5
QUESTION = f"{LOGIN}/auth/traefik"
# Whatever go-httpbin answers has this header: nobody else here sets it.
OF_SITE = "\r\naccess-control-allow-credentials:"
FORGED = [
    f"{name}: forged"
    for name in (
        "X-authentik-username",
        "X_authentik_username",
        "x-AUTHENTIK-groups",
        "X-authentik-email",
        "X-authentik-uid",
        "X-authentik-jwt",
        "X-authentik-meta-app",
        "X-authentik-unheard-of",
        "X_authentik_unheard_of",
        "X-Auth-Fallback",
        "X_Auth_Fallback",
    )
]


@pytest.fixture(params=["well", "answers 503", "hung"])
def state(request: pytest.FixtureRequest, proxies: FallbackLab) -> Iterator[str]:
    """The target is in this state, and every proxy knows it."""
    modes: dict[str, AbstractContextManager[None]] = {
        "well": nullcontext(),
        "answers 503": proxies.target.failing("503"),
        "hung": proxies.target.failing("hang"),
    }
    with modes[request.param]:
        fallen_back(proxies, SPACE, PROXY, request.param != "well")
        yield str(request.param)
    fallen_back(proxies, SPACE, PROXY, False)


def test_nothing_reaches_a_private_site_without_a_login(proxies: FallbackLab, state: str) -> None:
    nodes = itertools.cycle(proxies.nodes())
    catalogue = list(attacks())
    with ThreadPoolExecutor(8) as pool:
        sent = [(attack, pool.submit(send, next(nodes), attack.request)) for attack in catalogue]
        outcomes = [(attack.name, ended.result()) for attack, ended in sent]
    assert len(outcomes) > 140
    assert not [(name, found.status) for name, found in outcomes if OF_SITE in found.head], "reached the site"
    errors = [(name, found) for name, found in outcomes if found.status >= 500 and not away(name, found)]
    if state == "well":
        errors = [(name, found) for name, found in errors if not waited_for_the_core(name, found)]
    assert not [(name, found.status) for name, found in errors], "5xx"
    assert not [(name, found.seconds) for name, found in outcomes if found.seconds > LONGEST], "waited"
    if state == "well":
        fallen = [name for name, found in outcomes if "x-auth-fallback" in found.head]
        assert not [name for name in fallen if QUESTION not in name], "no URL makes it fall back"


def away(name: str, found: Outcome) -> bool:
    """Whether the login's own path told that there is no login at present: nothing else is to be had there."""
    return LOGIN in name and found.status == 503 and "\r\nretry-after: " in found.head


def waited_for_the_core(name: str, found: Outcome) -> bool:
    """Whether the target took too long about credentials: that is an error of this request alone."""
    return name.startswith("authorization ") and found.status == 504 and "x-auth-fallback" not in found.head


def test_strangers_cannot_ask_the_question_themselves(proxies: FallbackLab) -> None:
    fallen_back(proxies, SPACE, PROXY, False)
    for node in proxies.nodes():
        assert "x-auth-fallback" not in send(node, request(QUESTION)).head


def headers_seen(outcome: Outcome) -> dict[str, list[str]]:
    """What reached the site, by names in small letters with dashes."""
    assert outcome.status == 200, outcome
    assert OF_SITE in outcome.head
    seen: dict[str, list[str]] = {}
    for name, values in json.loads(outcome.body)["headers"].items():
        seen.setdefault(name.lower().replace("_", "-"), []).extend(values)
    return seen


def identity(seen: dict[str, list[str]]) -> dict[str, list[str]]:
    """What of it says who the client is: names with their values that are not blank."""
    told = {name: [value for value in values if value] for name, values in seen.items() if name.startswith("x-auth")}
    return {name: values for name, values in told.items() if values}


def test_a_site_sees_only_who_is_really_there(proxies: FallbackLab, session: dict[str, str], state: str) -> None:
    emergency = f"Authorization: {basic()['Authorization']}"
    member = f"Cookie: {session['Cookie']}"
    for node in proxies.nodes():
        if state == "well":
            seen = identity(headers_seen(send(node, request("/headers", *FORGED, member))))
            assert seen["x-authentik-username"] == ["alice"]
            assert "forged" not in str(seen)
            assert send(node, request("/headers", *FORGED, emergency)).status == 302
            continue
        seen = headers_seen(send(node, request("/headers", *FORGED, emergency)))
        assert identity(seen) == {"x-authentik-username": ["emergency"], "x-auth-fallback": ["true"]}
        assert not any(seen.get("authorization", [])), "the emergency password stays with the proxy"
        opened = headers_seen(send(node, request("/headers", *FORGED, host=OPEN)))
        assert identity(opened) == {"x-auth-fallback": ["true"]}
        shut = send(node, request("/headers", *FORGED, emergency, host=SHUT))
        assert shut.status == 503
        assert "\r\nretry-after: " in shut.head
        assert OF_SITE not in shut.head


@pytest.mark.slow
@pytest.mark.parametrize("way", ["500", "reset", "hang", "oversized"])
def test_a_stranger_whose_requests_fail_takes_nobody_s_session(
    proxies: FallbackLab, session: dict[str, str], way: str
) -> None:
    clients = {"member": session, "poisoner": {}, "poisoner with a login": basic(), "plain": {"Host": PLAIN}}
    paths = dict.fromkeys(("poisoner", "poisoner with a login"), f"/headers?poison={way}")
    turns = ["member", "poisoner", "member", "poisoner with a login", "plain"]
    load = EvenLoad(proxies.nodes(), HOST, clients, 50, turns=turns, paths=paths)
    before = proxies.counted(SPACE, PROXY, "fallback_proxy_transitions_total")
    with load.running():
        load.answered_until(time.monotonic() + 4)
    members = load.between(0, float("inf"), "member")
    assert {reply.status for reply in members} == {200}
    assert {reply.seen["x-authentik-username"][0] for reply in members} == {"alice"}
    assert not [line for line in slow(load, 0, float("inf")) if line.startswith("member ")]
    assert 200 not in load.statuses(0, float("inf"), "poisoner")
    assert max(reply.seconds for reply in load.replies) < LONGEST + load.longest("plain")
    assert proxies.counted(SPACE, PROXY, "fallback_proxy_transitions_total") == before


def test_no_attack_ended_a_process_of_a_proxy(proxies: FallbackLab) -> None:
    assert not crashes(proxies, SPACE)
