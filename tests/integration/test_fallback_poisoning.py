"""What single clients can make fail changes nothing for others. No cluster needed."""

from __future__ import annotations

import threading
import time

import pytest

from tests.integration.support_fallback import SESSION, Proxy, basic

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.quiet


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
