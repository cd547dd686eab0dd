"""The lock: one run at a time, whoever is faster, and none is left locked out for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils import run_lock
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import holding_of, lease_ref, taken
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.integration.support_engine import Audited
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]

RACERS = 20
Take = Callable[..., dict[str, Any]]


@pytest.fixture
def take(kubeconfig: Path, namespace: str) -> Take:
    """Runs the module's body as a holder of that name, on a Lease of the test's own."""

    def call(holder: str, **more: Any) -> dict[str, Any]:
        options = {"kubeconfig": str(kubeconfig), "name": "lock", "namespace": namespace, "holder": holder}
        defaults = {"state": "held", "run_id": None, "duration": 1800, "force": False, "take_over_from": None}
        defaults |= {"keep": False}
        task = Task(options | defaults | more)
        return run_lock.run(task) | {"warnings": task.warnings}

    return call


def _holder(admin: Client, namespace: str) -> str:
    held = holding_of(admin.find(lease_ref("lock", namespace)))
    return held.holder if held else ""


def test_takes_holds_and_gives_back(namespace: str, admin: Client, audited: Audited) -> None:
    # Every task here is a call of ansible-playbook of its own.
    arguments = {"name": "lock", "namespace": namespace, "run_id": "first", "keep": False}
    player = audited.player()
    for state, held in (("held", True), ("released", False)):
        check = player.task("run_lock", arguments | {"state": state}, check=True, diff=True)
        assert (check.outcome, check.changed) == ("ok", True), check
        assert audited.writes() == []
        first = player.task("run_lock", arguments | {"state": state}, diff=True)
        assert (first.outcome, first.changed) == ("ok", True), first
        assert _holder(admin, namespace).endswith(":first") is held
        assert len(audited.writes()) == 1
        for checking in (True, False):
            again = player.task("run_lock", arguments | {"state": state}, check=checking)
            assert (again.outcome, again.changed) == ("ok", False), again
            assert audited.writes() == []


def test_second_run_fails_at_once_and_names_the_first(
    namespace: str, admin: Client, player: Player, take: Take
) -> None:
    take("somebody@else.test:first")
    arguments = {"name": "lock", "namespace": namespace, "holder": "me@here.test:second"}
    for state in ("held", "released"):
        played = player.task("run_lock", arguments | {"state": state})
        assert played.outcome == "failed"
        assert f"Lease {namespace}/lock is held by somebody@else.test:first since" in played.message
        assert played.result["holder"] == "somebody@else.test:first"
        assert 0 <= played.result["age"] < 120
    assert _holder(admin, namespace) == "somebody@else.test:first"


def test_force_gives_back_what_somebody_else_holds(namespace: str, admin: Client, take: Take) -> None:
    take("somebody")
    assert take("me", state="released", force=True)["changed"] is True
    assert _holder(admin, namespace) == ""
    assert take("me")["changed"] is True


def test_one_of_many_wins(namespace: str, admin: Client, take: Take) -> None:
    """First for a Lease that does not exist, then for one that was given back, then for one that ran out."""
    for lease_state in ("missing", "free", "stale"):
        winners, losers = _race(take)
        assert (len(winners), len(losers)) == (1, RACERS - 1), lease_state
        assert _holder(admin, namespace) == winners[0]
        assert all(loser.facts["holder"] == winners[0] for loser in losers)
        if lease_state == "missing":
            take(winners[0], state="released")
        if lease_state == "free":
            _let_run_out(admin, namespace)


def _race(take: Take) -> tuple[list[str], list[errors.ResilientError]]:
    def attempt(number: int) -> str | errors.ResilientError:
        try:
            take(f"racer-{number}")
        except run_lock.LockHeld as error:
            return error
        return f"racer-{number}"

    with ThreadPoolExecutor(RACERS) as pool:
        results = list(pool.map(attempt, range(RACERS)))
    winners = [result for result in results if isinstance(result, str)]
    return winners, [result for result in results if not isinstance(result, str)]


def _let_run_out(admin: Client, namespace: str) -> None:
    """As if its holder had died two hours ago."""
    ref, long_ago = lease_ref("lock", namespace), admin.clock() - timedelta(hours=2)
    Writer(admin, check_mode=False, force=True).apply([taken(ref, "dead@gone.test:old", 1800, long_ago, 1)])


def test_stale_lock_is_taken_over_with_a_warning(namespace: str, admin: Client, take: Take) -> None:
    _let_run_out(admin, namespace)
    result = take("me")
    assert result["changed"] is True
    assert "was taken over from dead@gone.test:old, whose time ran out 54" in result["warnings"][0]
    assert admin.get(lease_ref("lock", namespace))["spec"]["leaseTransitions"] == 2
    # Its former holder comes back to life: the lock is no longer its to give back.
    with pytest.raises(run_lock.LockHeld):
        take("dead@gone.test:old", state="released")


def test_lock_of_a_dead_run_is_taken_over_by_its_name(take: Take) -> None:
    take("dead@gone.test:run")
    with pytest.raises(run_lock.LockHeld, match=r"resilient_traefik_dead_run=dead@gone\.test:run"):
        take("me", take_over_from="another")
    assert "which is said to be dead" in take("me", take_over_from="dead@gone.test:run")["warnings"][0]
    with pytest.raises(run_lock.LockHeld, match="held by me"):
        take("other", take_over_from="dead@gone.test:run")


def test_holder_renews_when_it_is_time(namespace: str, admin: Client, take: Take) -> None:
    take("me", duration=3)
    acquired = admin.get(lease_ref("lock", namespace))["spec"]["acquireTime"]
    assert any(take("me", duration=3)["changed"] for _left in tries(10))
    spec = admin.get(lease_ref("lock", namespace))["spec"]
    assert spec["acquireTime"] == acquired
    assert spec["renewTime"] > acquired


def test_namespace_is_created_where_it_is_missing(
    admin: Client, cleaned: Callable[[ObjectRef], None], namespace: str, take: Take
) -> None:
    missing = f"{namespace}-more"
    cleaned(ObjectRef("v1", "Namespace", missing))
    assert take("me", namespace=missing)["changed"] is True
    assert _holder(admin, missing) == "me"


def test_needs_a_name_for_the_holder(player: Player) -> None:
    played = player.task("run_lock", {})
    assert "one of the following is required: run_id, holder" in played.message
