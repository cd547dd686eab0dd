"""The module traefik_settings on a Traefik of the test's own, written as manifests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import Audited
from tests.integration.support_own_traefik import OwnTraefik, run, watching_only
from tests.integration.support_playbook import Player
from tests.integration.support_restore import Site

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_account_fixture"]

READINESS = {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 1}


@pytest.fixture
def edge(admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> OwnTraefik:
    """Three replicas of a Traefik that nobody has hardened."""
    traefik = OwnTraefik(namespace, watching_only(namespace), replicas=3, readiness=READINESS)
    cleaned(ref_of(traefik.binding()))
    Writer(admin, check_mode=False).apply([traefik.binding()])
    run(admin, traefik)
    return traefik


@pytest.fixture
def site(kubeconfig: Path, admin: Client, namespace: str) -> Site:
    """The namespace with all that is in it."""
    return Site(admin, {"kubeconfig": str(kubeconfig)}, namespace)


def settings(traefik: OwnTraefik, **more: Any) -> dict[str, Any]:
    """A task of the module on this Traefik, quick where waiting would prove nothing."""
    wishes = {"min_ready_seconds": 1, "readiness_delay": 1, "pre_stop_sleep": 1, "request_accept_grace_timeout": 2}
    place = {"namespace": traefik.namespace, "workload": traefik.name}
    return {"resilient.traefik.traefik_settings": place | wishes | more}


def test_check_apply_check_apply(edge: OwnTraefik, audited: Audited, admin: Client) -> None:
    player = audited.player()
    task = settings(edge, priority_class="system-cluster-critical")
    planned = player.play(task, check=True, diff=True).tasks[0]
    assert planned.outcome == "ok", planned.message
    assert planned.changed
    assert audited.writes() == []
    first = player.play(task).tasks[0]
    assert first.outcome == "ok", first.message
    assert first.changed
    assert sorted((write.verb, write.name) for write in audited.writes()) == [("patch", "edge")] * 2
    _is_hardened(admin.get(edge.ref))
    for check in (True, False):
        again = player.play(task, check=check).tasks[0]
        assert (again.outcome, again.changed) == ("ok", False), again.message
    assert audited.writes() == []
    assert planned.result["diff"][1]["after"].count("sleep") == 1


def _is_hardened(item: Object) -> None:
    pod = item["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    before = watching_only(item["metadata"]["namespace"])
    assert container["args"][: len(before)] == before
    assert "--serversTransport.forwardingTimeouts.responseHeaderTimeout=30s" in container["args"]
    for entry_point in ("traefik", "web"):
        prefix = f"--entryPoints.{entry_point}.transport.lifeCycle"
        assert f"{prefix}.requestAcceptGraceTimeout=2s" in container["args"]
        assert f"{prefix}.graceTimeOut=30s" in container["args"]
    assert pod["terminationGracePeriodSeconds"] == 60
    assert pod["priorityClassName"] == "system-cluster-critical"
    (constraint,) = pod["topologySpreadConstraints"]
    assert (constraint["topologyKey"], constraint["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "DoNotSchedule")


def test_replicas_on_different_nodes_and_a_budget_that_allows_one(
    edge: OwnTraefik, player: Player, admin: Client
) -> None:
    assert player.play(settings(edge)).tasks[0].outcome == "ok"
    info = player.task("traefik_info", {"namespace": edge.namespace, "workload": edge.name}).result
    assert len({replica["node"] for replica in info["replicas"]}) == 3
    budget = admin.get(ObjectRef("policy/v1", "PodDisruptionBudget", edge.name, edge.namespace))
    assert budget["spec"]["minAvailable"] == 2
    assert budget["status"]["disruptionsAllowed"] == 1


def test_a_rollback_leaves_no_trace(edge: OwnTraefik, player: Player, site: Site) -> None:
    before, owners = site.state(), site.owners()
    run_id = f"settings-{edge.namespace}"
    task = settings(edge, priority_class="system-cluster-critical", replicas=2, min_available=1, run_id=run_id)
    assert player.play(task).tasks[0].outcome == "ok"
    assert site.state() != before
    restored = player.task("restore", {"run_id": run_id, "wait": True})
    assert restored.outcome == "ok", restored.message
    assert restored.result["left_alone"] == []
    assert site.state() == before
    assert site.owners() == owners


def test_the_account_of_the_documentation_may_do_it_and_one_that_may_not_is_told(
    edge: OwnTraefik, account: Callable[..., dict[str, Any]]
) -> None:
    roles = ["findings", "objects", "objects-writing", "traefik", "reaching"]
    may_not = Player(account(roles, ("poddisruptionbudgets", "create")))
    (told,) = may_not.play(settings(edge, only_findings=True)).tasks
    (finding,) = told.result["findings"]
    assert "poddisruptionbudgets" in finding
    assert "docs/rbac.md" in finding
    may = Player(account(roles))
    done, proved = may.play(settings(edge), settings(edge, verify=True, wait_timeout=30)).tasks
    assert done.outcome == "ok", done.message
    assert proved.outcome == "ok", proved.message
    assert len(proved.result["checks"]) == 7
