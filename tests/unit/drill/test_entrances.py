"""Who is asked while replicas come and go."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.entrances import Leaving, serving


def pod(name: str, ready: bool = True, going: bool = False) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    metadata = {"name": name} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": "Running", "conditions": conditions}, "spec": {}}


def test_those_that_serve() -> None:
    assert serving([pod("a"), pod("b", ready=False), pod("c", going=True)]) == {"a"}


def test_one_that_goes_is_asked_a_while_longer() -> None:
    leaving = Leaving(1.0)
    assert leaving.see({"a", "b"}, 10.0) == ({"a", "b"}, set())
    assert leaving.see({"a"}, 10.5) == (set(), set())
    assert leaving.present == {"a", "b"}
    assert leaving.see({"a"}, 11.5) == (set(), {"b"})
    assert leaving.present == {"a"}
    assert leaving.see({"a"}, 12.0) == (set(), set())


def test_one_that_comes_back_in_time_never_left() -> None:
    leaving = Leaving(1.0)
    leaving.see({"a"}, 10.0)
    leaving.see(set(), 10.5)
    assert leaving.see({"a"}, 11.0) == (set(), set())
    # The time begins anew.
    assert leaving.see(set(), 12.0) == (set(), set())
    assert leaving.see(set(), 12.9) == (set(), set())
    assert leaving.see(set(), 13.0) == (set(), {"a"})


def test_one_that_comes_back_late_is_new() -> None:
    leaving = Leaving(1.0)
    leaving.see({"a"}, 10.0)
    leaving.see(set(), 11.0)
    leaving.see(set(), 12.0)
    assert leaving.see({"a"}, 13.0) == ({"a"}, set())
