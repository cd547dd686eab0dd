"""Who is signed in is served through an outage from its first second on, by each pod of the proxy. No cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import SESSION, Answer, Proxy, is_challenge
from tests.integration.support_fallback_neighbours import Street, street
from tests.integration.test_fallback_neighbours import GRACE

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.quiet

# Of those who are signed in and have to wait at all (seconds). A machine with other work lets some wait longer.
LONGEST = 1.0
NOTICED = 0.2
SECONDS = 6.0
SHORT = "fallback_proxy_patience_seconds"


@pytest.fixture(scope="module")
def three(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Three neighbours whose target has been prompt for long enough to be known for that."""
    with street(nginx, tmp_path_factory.mktemp("street"), 3, **GRACE) as made:
        yield made


def is_prompt(proxy: Proxy) -> bool:
    """Whether the proxy takes its target for a prompt one."""
    return proxy.metric(SHORT) == 0.25


def known_as_prompt(made: Street) -> None:
    """Wait until every proxy takes its target for a prompt one."""
    for proxy in made.proxies.values():
        eventually(partial(is_prompt, proxy), "known as prompt", 40)


def through_an_outage(made: Street, begin: Callable[[], None]) -> list[Answer]:
    """What a member gets who asks each proxy all the time, four at once, while the outage begins and lasts."""
    answers: list[Answer] = []
    until = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        while time.monotonic() < until:
            answers.append(made.proxies[number].ask(SESSION))
            time.sleep(0.02)

    threads = [threading.Thread(target=ask, args=(number,)) for number in made.proxies for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    begin()
    for thread in threads:
        thread.join()
    return answers


ANOTHER = pytest.mark.variation("another way to fail")


@pytest.mark.parametrize(
    "mode", ["hang", "500", pytest.param("reset", marks=ANOTHER), "half hang", pytest.param("half 500", marks=ANOTHER)]
)
def test_nobody_who_is_signed_in_notices(three: Street, mode: str) -> None:
    for proxy in three.proxies.values():
        proxy.switch("ok")
        proxy.seen_well(2, 15)
    assert three.proxies[0].ask(SESSION).status == 200
    if mode == "hang":
        three.end(1)
        three.start(1).seen_well()
        three.know_each_other()
    known_as_prompt(three)
    chosen = three.pods[:1] if mode.startswith("half") else three.pods

    def begin() -> None:
        for pod in chosen:
            pod.mode = mode.removeprefix("half ")

    answers = through_an_outage(three, begin)
    others = [answer for answer in answers if answer.status != 200 or answer.header("X-Authentik-Username") != "alice"]
    assert len(others) <= 0.005 * len(answers), f"{len(others)} of {len(answers)}: {others[:3]}"
    waited = [answer.seconds for answer in answers if answer.seconds > NOTICED]
    assert not waited or median(waited) < (0.6 if mode == "half hang" else LONGEST), sorted(waited)
    assert max(answer.seconds for answer in answers) < 2.5
    if not mode.startswith("half"):
        assert any(answer.header("X-Auth-Fallback") == "grace" for answer in answers)
        assert is_challenge(three.proxies[0].ask())
