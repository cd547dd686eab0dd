"""A task that is silent for some seconds is heard of all the same."""

from __future__ import annotations

import time

from ansible_collections.resilient.traefik.plugins.plugin_utils.pulse import Pulse


def test_whoever_is_silent_is_heard_of() -> None:
    heard: list[str] = []
    with Pulse(heard.append, silence=0.05):
        deadline = time.monotonic() + 10
        while len(heard) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(heard) >= 2
    assert heard[0].startswith("still at work after ")
    told = len(heard)
    time.sleep(0.2)
    assert len(heard) == told, "it goes on after the end"


def test_whoever_tells_something_is_not_interrupted() -> None:
    heard: list[str] = []
    with Pulse(heard.append, silence=60) as pulse:
        pulse.tell("waiting for the pods")
    assert heard == ["waiting for the pods"]
