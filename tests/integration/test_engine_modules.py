"""Every module: check, apply, check, apply. The first two change, the last two do not, and the API server agrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.support_engine import Audited, config_map

pytest_plugins = ["tests.integration.support_fixtures"]

Arguments = Callable[[str], dict[str, Any]]


def _apply(namespace: str) -> dict[str, Any]:
    return {"objects": [config_map(namespace, greeting="hello"), config_map(namespace, "more", greeting="again")]}


CASES: dict[str, Arguments] = {
    "apply": _apply,
}


@pytest.mark.parametrize("module", CASES)
def test_check_apply_check_apply(module: str, namespace: str, audited: Audited) -> None:
    arguments = CASES[module](namespace)
    player = audited.player()

    check = player.task(module, arguments, check=True, diff=True)
    assert (check.outcome, check.changed) == ("ok", True), check
    assert audited.writes() == []

    first = player.task(module, arguments, diff=True)
    assert (first.outcome, first.changed) == ("ok", True), first
    assert audited.writes() != []
    assert first.result["diff"] == check.result["diff"]

    for checking in (True, False):
        again = player.task(module, arguments, check=checking, diff=True)
        assert (again.outcome, again.changed) == ("ok", False), again
        assert audited.writes() == []
