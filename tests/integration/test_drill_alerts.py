"""Drills of a hardened lab with monitoring: each fault raises exactly the alerts that are expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.integration.support_books import Books
from tests.integration.support_drill import variables
from tests.integration.support_monitoring import require_monitoring
from tests.integration.support_whole_state import State, differing, whole_state

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = [pytest.mark.alone, pytest.mark.slow]

# An outage of minutes in seconds: how long is a matter of taste, what fires is not.
QUICK = {
    "alerts_down_for": "15s",
    "alerts_fallback_active_for": "5s",
    "alerts_fallback_window": 30,
    "alerts_login_window": 30,
}
EXPECTED: dict[str, dict[str, dict[str, int]]] = {
    "forward_auth_hung": {
        "AuthentikDown": {"fires": 90, "resolves": 90},
        "ForwardAuthFallbackActive": {"fires": 60, "resolves": 120},
        # The drill itself uses an emergency login.
        "ForwardAuthFallbackLogin": {"fires": 60, "resolves": 120},
    },
    "bot_block_down": {
        "BotBlockerDown": {"fires": 90, "resolves": 90},
        "ForwardAuthFallbackActive": {"fires": 60, "resolves": 120},
    },
}


@pytest.fixture(scope="module")
def before(admin: Client) -> State:
    """The cluster as the tests of this file find it, and as they leave it. Skips where there is no monitoring."""
    require_monitoring(admin)
    return whole_state(admin)


@pytest.fixture
def books(kubeconfig: Path, tmp_path: Path, before: State, admin: Client) -> Iterator[Books]:
    """The playbooks, on a lab that is hardened, with alerts; it is put back afterwards."""
    books = Books(kubeconfig, tmp_path)
    hardened = books.play("harden", *_extra(QUICK))
    assert hardened.code == 0, hardened.output
    yield books
    back = books.play("rollback")
    assert back.code == 0, back.output
    assert differing(before, whole_state(admin)) == {}


def _extra(given: dict[str, Any]) -> tuple[str, str]:
    return ("-e", json.dumps(given))


def drilled(books: Books, expected: dict[str, Any]) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and what became of each scenario."""
    chosen = variables(scenarios=list(expected), alerts=expected, expiry=300)
    ended = books.play("drill", *_extra(chosen))
    report = json.loads(next(books.reports.glob("drill-*.json")).read_text())
    return ended.code, {each["scenario"]: each for each in report["scenarios"]}


def test_each_fault_raises_its_alerts_and_no_other(books: Books) -> None:
    code, found = drilled(books, EXPECTED)
    assert code == 0, {name: (each["verdict"], each["reasons"], each["alerts"]) for name, each in found.items()}
    for scenario, each in found.items():
        assert {alert["name"] for alert in each["alerts"]} == set(EXPECTED[scenario]), scenario
        for alert in each["alerts"]:
            assert None not in (alert["fired_after_seconds"], alert["resolved_after_seconds"]), alert


def test_an_alert_that_does_not_fire_is_a_deviation(books: Books) -> None:
    code, found = drilled(books, {"replica_lost": {"TraefikDown": {"fires": 10}}})
    assert code != 0
    assert found["replica_lost"]["verdict"] == "deviated"
    assert found["replica_lost"]["reasons"] == ["alert TraefikDown fires: expected within 10 s; found not at all"]
