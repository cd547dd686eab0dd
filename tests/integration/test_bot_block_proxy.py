"""The bot blocker behind its fallback proxy: bots are kept out while it is well, and nobody while it is not."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

import pytest

from tests.integration.support_even_load import EvenLoad, Reply, slow
from tests.integration.support_failures import crashes, fallen_back
from tests.integration.support_fallback_lab import BOTS_HOST, BOTS_SPACE, PLAIN, FallbackLab

pytest_plugins = ["tests.integration.support_fallback_lab"]
pytestmark = pytest.mark.quiet

LONGEST, SETTLED_AFTER, OUTAGE_SECONDS = 2.5, 3.0, 5.0
FORGED = {"X-authentik-username": "forged", "X_authentik_username": "forged", "X-authentik-groups": "forged"}
BOT = {"User-Agent": "Mozilla/5.0 (compatible; GPTBot/1.2)"}
WAYS = ["hang", "503", "close", "slow", "scaled to 0"]


def load_of(lab: FallbackLab) -> EvenLoad:
    """People and bots, with forged identities, and a site that asks nobody."""
    clients = {"person": FORGED, "bot": FORGED | BOT, "plain": {"Host": PLAIN}}
    return EvenLoad(lab.nodes(), BOTS_HOST, clients, 30)


def failing(lab: FallbackLab, way: str) -> AbstractContextManager[None]:
    """The blocker fails in that way."""
    if way == "scaled to 0":
        return lab.cluster.scaled(BOTS_SPACE, "poison-fountain", 0)
    return lab.bots.failing(way, ms=1500)


def forged(reply: Reply) -> bool:
    """Whether the site saw what the client said about itself."""
    return any("forged" in values for name, values in reply.seen.items() if "auth" in name and reply.who != "plain")


def test_the_middleware_asks_the_proxy(proxies: FallbackLab) -> None:
    assert proxies.address(BOTS_SPACE, "block") == f"http://bot-block-proxy.{BOTS_SPACE}.svc.cluster.local.:8080/auth"


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_people_always_pass_and_bots_while_the_blocker_fails(proxies: FallbackLab, way: str) -> None:
    fallen_back(proxies, BOTS_SPACE, "bot-block-proxy", False)
    load = load_of(proxies)
    with load.running():
        load.answered_until(time.monotonic() + 1.5)
        began = time.monotonic()
        with failing(proxies, way):
            over = began + OUTAGE_SECONDS
            load.answered_until(over)
        healed = time.monotonic()
        back = load.first(lambda reply: reply.who == "bot" and reply.status == 403, healed, "bots are kept out", 30)
    settled = began + SETTLED_AFTER
    print(f"\n{way}: {load.statuses(began, over)}, longest {max(reply.seconds for reply in load.replies):.2f} s")
    print(f"bots are kept out again after {back - healed:.1f} s")
    assert set(load.statuses(0, began - LONGEST, "bot")) <= {403}
    assert set(load.statuses(0, float("inf"), "person")) == {200}
    assert set(load.statuses(began, over, "bot")) <= {200, 403}
    assert set(load.statuses(settled, over, "bot")) == {200}
    assert back - healed < 10
    # What the machine itself takes is seen at the site that asks nobody.
    assert max(reply.seconds for reply in load.replies) < LONGEST + load.longest("plain")
    assert not slow(load, settled, over)
    assert not [reply for reply in load.replies if forged(reply)]


@pytest.mark.slow
def test_one_replica_of_the_blocker_is_enough(proxies: FallbackLab) -> None:
    fallen_back(proxies, BOTS_SPACE, "bot-block-proxy", False)
    load = load_of(proxies)
    with load.running(), proxies.bots.failing("hang", proxies.bots.pods()[:1]):
        load.answered_until(time.monotonic() + 4)
    assert set(load.statuses(0, float("inf"), "bot")) == {403}
    assert set(load.statuses(0, float("inf"), "person")) == {200}
    assert max(reply.seconds for reply in load.replies) < LONGEST + load.longest("plain")


@pytest.mark.parametrize("status", ["400", "404"])
def test_an_answer_that_is_no_failure_is_passed_on(proxies: FallbackLab, status: str) -> None:
    load = load_of(proxies)
    with proxies.bots.failing(status), load.running():
        load.answered_until(time.monotonic() + 1)
    assert set(load.statuses(0, float("inf"), "person")) == {int(status)}


def test_no_process_of_the_proxy_ended_by_itself(proxies: FallbackLab) -> None:
    assert not crashes(proxies, BOTS_SPACE)
