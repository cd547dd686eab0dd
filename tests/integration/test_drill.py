"""Drills on the lab as it comes: they deviate, they change nothing that stays, and the cluster heals itself.

That they pass on the hardened lab is what the molecule scenario default shows.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.guard import DAYS
from ansible_collections.resilient.traefik.plugins.module_utils.drill.scenarios import SCENARIOS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_books import ROOT, Books
from tests.integration.support_drill import EXPIRY, options, state_of, variables
from tests.integration.support_playbook import AS_MODULE, Played, Player
from tests.integration.support_whole_state import State, differing

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_account_fixture"]
pytestmark = pytest.mark.alone

# What a run prints when a phase begins.
PHASES = {
    "forward_auth_down": "bringing the healer",
    "node_drain": "measuring for",
    "forward_auth_hung": "restoring",
}
# One that breaks a ForwardAuth service, and one that breaks a replica of Traefik.
SHORT_SCENARIOS = ("forward_auth_hung", "replica_lost")
IN_ANOTHER_PHASE = pytest.mark.variation("SIGKILL in every phase of a drill")


@pytest.fixture(scope="module")
def before(admin: Client) -> State:
    """The cluster as the tests of this file find it, and as each of them leaves it."""
    return state_of(admin)


@pytest.fixture
def books(kubeconfig: Path, tmp_path: Path, before: State, admin: Client) -> Iterator[Books]:
    """The playbooks; what a test leaves behind is healed by hand, so that the others do not fail too."""
    books = Books(kubeconfig, tmp_path)
    yield books
    if differing(before, state_of(admin)):
        books.play("drill", "--tags", "heal", resilient_traefik_dead_run=f"killed-{os.getpid()}")


@pytest.fixture
def untouched(before: State, admin: Client) -> Iterator[None]:
    """The cluster is as before after the test."""
    yield
    assert differing(before, state_of(admin)) == {}


def drilled(player: Player, scenario: str, **more: Any) -> Played:
    """One drill, by the module."""
    way = more.pop("way", "local")
    return player.task("drill", options(scenario, **more), way=way)


def refused(player: Player, scenario: str, **more: Any) -> str:
    """Why a drill is not run."""
    return why_not_run(drilled(player, scenario, **more))


def why_not_run(played: Played) -> str:
    """The reasons of a drill that was not run, and that changed nothing."""
    assert (played.outcome, played.result["verdict"]) == ("failed", "not_run"), played.result
    assert played.result["drill"]["changes"] == []
    return str(played.result["drill"]["reasons"])


def extra(given: dict[str, Any]) -> tuple[str, str]:
    """Variables as an option of ansible-playbook, with their types."""
    return ("-e", json.dumps(given))


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenarios",
    [
        pytest.param(SHORT_SCENARIOS, id="two"),
        pytest.param(tuple(SCENARIOS), id="all", marks=pytest.mark.variation("all drills on the unhardened lab")),
    ],
)
def test_scenarios_deviate_on_a_cluster_that_is_not_hardened(
    books: Books, before: State, admin: Client, scenarios: tuple[str, ...]
) -> None:
    books.environment["ANSIBLE_CALLBACKS_ENABLED"] = "resilient.traefik.exit_code"
    ended = books.play("drill", *extra(variables(scenarios=list(scenarios))))
    (found,) = books.reports.glob("drill-*.json")
    report = json.loads(found.read_text())
    jsonschema.validate(report, json.loads((ROOT / "docs" / "drill.schema.json").read_text()))
    verdicts = {each["scenario"]: (each["verdict"], each["reasons"]) for each in report["scenarios"]}
    assert set(verdicts) == set(scenarios)
    for each in report["scenarios"]:
        seen = {found["moment"]: found["seen"] for found in each["evidence"]}
        if each["scenario"] == "backend_restart" and not seen["fault"]:
            # Traefik may learn of the new pods before anybody asks an old one. That proves nothing, and is told so.
            assert each["verdict"] == "inconclusive", each
            continue
        assert each["verdict"] == "deviated", verdicts
        # Without proxies there are none to break.
        assert (seen.get("before"), seen.get("fault")) in {(True, True), (None, None)}, each["evidence"]
        assert bool(seen) == any(visitor["met"] for visitor in each["visitors"])
    assert ended.code == 10, ended.output
    assert differing(before, state_of(admin)) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario", [pytest.param(name, marks=() if name == "node_drain" else IN_ANOTHER_PHASE) for name in PHASES]
)
def test_the_cluster_heals_itself_after_the_controller_was_killed(
    scenario: str, books: Books, before: State, admin: Client
) -> None:
    """Nothing but time passes after the kill."""
    chosen = variables(scenarios=[scenario], visitors=[{"host": "public.lab.test"}])
    killed = books.kill_at(PHASES[scenario], "drill", *extra(chosen), resilient_traefik_run_id=f"killed-{os.getpid()}")
    assert killed.code == -signal.SIGKILL, killed.output
    for left in tries(EXPIRY + 60):
        difference = differing(before, state_of(admin))
        # Before the healer is there only its account may be, which nothing uses.
        if not any("resilient-traefik-drill-" not in name or name.startswith("jobs ") for name in difference):
            break
        assert left, difference
    deployments = [ObjectRef("apps/v1", "Deployment", *place) for place in (("traefik", "traefik"),)]
    wait_until_ready(admin, [*deployments, target()], 120, print)
    books.play("drill", "--tags", "heal", resilient_traefik_dead_run=f"killed-{os.getpid()}")
    assert differing(before, state_of(admin)) == {}


@pytest.mark.slow
def test_it_is_healed_by_hand(books: Books, before: State, admin: Client) -> None:
    run = f"killed-{os.getpid()}"
    chosen = variables(scenarios=["forward_auth_down"])
    killed = books.kill_at("measuring for", "drill", *extra(chosen), resilient_traefik_run_id=run)
    assert killed.code == -signal.SIGKILL, killed.output
    for _left in tries(30):
        if admin.get(target())["spec"]["replicas"] == 0:
            break
    planned = books.play("drill", "--tags", "heal", "--check", resilient_traefik_dead_run=run)
    assert "goauthentik-server" in planned.output
    assert admin.get(target())["spec"]["replicas"] == 0
    healed = books.play("drill", "--tags", "heal", resilient_traefik_dead_run=run)
    assert healed.code == 0, healed.output
    assert differing(before, state_of(admin)) == {}


@pytest.mark.slow
def test_a_drill_needs_no_more_rights_than_documented_and_runs_as_a_module(
    untouched: None, account: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    limited = Player(account(ROLES_WITHOUT_SECRETS, namespaces=BROKEN_SPACES))
    played = drilled(limited, "forward_auth_down", way=AS_MODULE, directory=str(tmp_path))
    reasons = played.result["drill"]["reasons"]
    assert played.result["verdict"] == "deviated", "\n".join(reasons)
    assert any(reason.startswith("longest wait: ") for reason in reasons), "\n".join(reasons)
    (change,) = played.result["drill"]["changes"]
    assert change["object"] == "Deployment authentik/goauthentik-server"
    assert change["restored"]


@pytest.mark.slow
def test_who_undoes_the_fault_is_named(player: Player, before: State, admin: Client) -> None:
    """As a program does that keeps objects as its repository has them."""
    with ThreadPoolExecutor(1) as pool:
        drill = pool.submit(drilled, player, "forward_auth_down", seconds=8, expiry=EXPIRY + 4)
        for _left in tries(60):
            deployment = admin.get(target())
            if deployment["spec"]["replicas"] == 0:
                break
        wanted = before[f"deployments {target().namespace}/{target().name}"]["spec"]["replicas"]
        _as_somebody(admin, {"spec": {"replicas": wanted}})
        played = drill.result()
    assert played.result["verdict"] == "inconclusive", played.result
    assert "somebody set spec.replicas during the drill" in played.message
    assert differing(before, state_of(admin)) == {}


def test_a_fault_that_no_request_meets_proves_nothing(
    player: Player, namespace: str, admin: Client, untouched_but: Callable[[str], None]
) -> None:
    """The middleware asks a service that is well, and no route has it: every visitor is answered as before."""
    Writer(admin, check_mode=False).apply([_unused(admin, namespace)])
    given = {"middleware": {"namespace": namespace, "name": "unused"}, "seconds": 1}
    played = drilled(player, "forward_auth_unreachable", **given)
    drill = played.result["drill"]
    assert (played.result["verdict"], drill["figures"]["kinds"]["failed"]) == ("inconclusive", 0), drill
    (reason,) = drill["reasons"]
    assert (
        f"nothing shows that requests reached it before the fault (Middleware {namespace}/unused, which asks" in reason
    )
    assert "0 requests to it were answered before the fault" in reason
    assert [visitor["met"] for visitor in drill["visitors"]] == [False, False]
    assert [change["restored"] for change in drill["changes"]] == [True]
    untouched_but(namespace)


def test_an_autoscaler_is_told_of(player: Player, admin: Client, untouched: None) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target().name}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "server", "namespace": target().namespace},
        "spec": {"scaleTargetRef": reference, "minReplicas": 3, "maxReplicas": 3},
    }
    writer = Writer(admin, check_mode=False)
    writer.apply([scaler])
    try:
        played = player.task("drill", options("forward_auth_down"), check=True)
    finally:
        writer.delete([ref_of(scaler)])
    assert any("it rests at 0 replicas, and goes on from 3" in str(line) for line in played.result["warnings"])


def test_in_check_mode_nothing_is_broken(player: Player, untouched: None) -> None:
    played = player.task("drill", options("forward_auth_down"), check=True)
    assert (played.outcome, played.result["verdict"]) == ("ok", "not_run"), played.result
    assert [visitor["before"] for visitor in played.result["drill"]["visitors"]] == [[302], [200]]


def test_an_unknown_scenario_begins_nothing(player: Player, books: Books, untouched: None) -> None:
    assert "value of scenario must be one of" in drilled(player, "meteor").message
    ended = books.play("drill", *extra(variables(scenarios=["forward_auth_down", "meteor"])))
    assert ended.code != 0
    assert "there is no 'meteor'" in " ".join(ended.output.split())


def test_what_stands_against_a_drill_is_told(player: Player, untouched: None) -> None:
    other_day = DAYS[(datetime.now(UTC).weekday() + 3) % 7]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"expiry": EXPIRY - 1}, f"give {EXPIRY} or more"),
        ({"production": True}, "confirm=lab"),
        ({"production": True, "confirm": "shop"}, "not 'shop'"),
        ({"window": [{"days": [other_day], "to": "12:00"}]}, f"allowed {other_day} 00:00 to 12:00 UTC"),
        ({"visitors": [{"host": "nobody.lab.test"}]}, "nobody.lab.test, no credentials gets 404"),
        ({"visitors": [{"host": "stuck.lab.test"}]}, "stuck.lab.test, no credentials gets no answer"),
        ({"middleware": {"name": "nobody"}}, "no ForwardAuth middleware named nobody"),
    ]
    tasks = [{"resilient.traefik.drill": options("forward_auth_down", **given)} for given, _words in cases]
    for (_given, words), played in zip(cases, player.play(*tasks).tasks, strict=True):
        assert words in why_not_run(played)


def test_options_that_make_no_sense(player: Player, untouched: None) -> None:
    for given, words in (
        ({"seconds": 0}, "seconds: must be more than 0"),
        ({"expect": {"longest": 1}}, "expect.longest: there is no such expectation"),
        ({"window": [{"timezone": "Mars/Base"}]}, "window.timezone: 'Mars/Base'"),
    ):
        played = drilled(player, "forward_auth_down", **given)
        assert played.outcome == "failed"
        assert words in played.message


def test_nothing_begins_while_another_run_holds_the_lock(player: Player, untouched: None) -> None:
    player.task("run_lock", {"holder": "somebody", "duration": 60, "keep": False})
    try:
        assert "lock: somebody has held" in refused(player, "forward_auth_down", lock_holder="me")
    finally:
        player.task("run_lock", {"holder": "somebody", "state": "released"})


def test_a_target_without_a_deployment_cannot_be_scaled(
    player: Player, namespace: str, admin: Client, untouched_but: Callable[[str], None]
) -> None:
    Writer(admin, check_mode=False).apply(_orphan(namespace))
    told = refused(player, "forward_auth_down", middleware={"namespace": namespace, "name": "orphan"})
    assert "selects the pods of no Deployment or StatefulSet" in told
    untouched_but(namespace)


def test_a_budget_that_lets_nobody_go_stops_a_drill(player: Player, admin: Client, untouched: None) -> None:
    with _budget(admin):
        assert "violate the pod's disruption budget" in refused(player, "replica_lost")
        assert "violate the pod's disruption budget" in refused(player, "node_drain")


def test_an_account_that_may_not_evict_is_told_so(untouched: None, account: Callable[..., dict[str, Any]]) -> None:
    params = account(ROLES_WITHOUT_SECRETS, ("pods/eviction", "create"), BROKEN_SPACES)
    told = refused(Player(params), "replica_lost")
    assert "no right to create pods/eviction" in told


# Where the scenarios of these tests break something and bring what they need for it.
BROKEN_SPACES = ("authentik", "traefik")
ROLES_WITHOUT_SECRETS = (
    *("lock", "objects", "objects-writing", "traefik", "reaching", "findings", "rehearsing", "drill", "drill-writing"),
)


@pytest.fixture
def untouched_but(before: State, admin: Client) -> Callable[[str], None]:
    """Asserts that nothing outside a namespace has changed."""

    def check(namespace: str) -> None:
        found = differing(before, state_of(admin))
        # A Service's address has no namespace.
        assert [name for name in found if namespace not in name and not name.startswith("ipaddresses ")] == []

    return check


def target() -> ObjectRef:
    """What the middleware of the lab's private site asks in the end."""
    return ObjectRef("apps/v1", "Deployment", "goauthentik-server", "authentik")


def _as_somebody(admin: Client, body: dict[str, Any]) -> None:
    """Writes to the target as another program does."""
    query = {"fieldManager": "somebody"}
    admin.request("PATCH", admin.path(target()), query=query, body=body, content_type="application/merge-patch+json")


def _unused(admin: Client, namespace: str) -> Object:
    """A ForwardAuth middleware as the lab's private site has it, for no site."""
    ref = ObjectRef("traefik.io/v1alpha1", "Middleware", "authentik-forward-auth", "traefik")
    address = admin.get(ref)["spec"]["forwardAuth"]["address"]
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": "unused", "namespace": namespace},
        "spec": {"forwardAuth": {"address": address}},
    }


def _orphan(namespace: str) -> list[Object]:
    """A ForwardAuth middleware whose Service has no workload."""
    service = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    address = f"http://orphan.{namespace}.svc.cluster.local/check"
    metadata = {"name": "orphan", "namespace": namespace}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        {
            "apiVersion": "traefik.io/v1alpha1",
            "kind": "Middleware",
            "metadata": metadata,
            "spec": {"forwardAuth": {"address": address}},
        },
    ]


@contextmanager
def _budget(admin: Client) -> Iterator[None]:
    """No Traefik may be evicted."""
    traefik = admin.get(ObjectRef("apps/v1", "Deployment", "traefik", "traefik"))
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "nobody-goes", "namespace": "traefik"},
        "spec": {"minAvailable": traefik["spec"]["replicas"], "selector": traefik["spec"]["selector"]},
    }
    writer = Writer(admin, check_mode=False)
    writer.apply([budget])
    try:
        for _left in tries(10):
            if "disruptionsAllowed" in (admin.get(ref_of(budget)).get("status") or {}):
                break
        yield
    finally:
        writer.delete([ref_of(budget)])
