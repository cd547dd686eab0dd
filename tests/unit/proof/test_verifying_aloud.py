"""Whoever looks until something holds says what is waited for."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.proof import verifying
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check


def _check(name: str, passed: bool) -> Check:
    return Check(name, passed, "there", "there" if passed else "gone")


def test_what_is_waited_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "_SILENCE", 0.05)
    told: list[str] = []
    checks = [_check("a", True), _check("b", False), _check("c", False)]
    with pytest.raises(ResilientError, match="2 of 3 checks did not pass"):
        verifying.verified(lambda: checks, 0.5, ResilientError, told.append)
    assert told
    assert told[0] == "waiting up to 0 s more for b to be there, and 1 more"


def test_one_look_and_what_holds_at_once_say_nothing() -> None:
    told: list[str] = []
    assert verifying.verified(lambda: [_check("a", True)], 9, ResilientError, told.append)["checks"][0]["passed"]
    with pytest.raises(ResilientError):
        verifying.verified(lambda: [_check("a", False)], 0, ResilientError, told.append)
    assert told == []
