"""The role authentik_pdb on the lab: budgets that let a drain take one pod, the chart's trap, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.eviction import rehearse_eviction
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import Audited
from tests.integration.support_restore import Site
from tests.integration.support_role import RolePlayer, new_run, printed

pytest_plugins = ["tests.integration.support_fixtures"]

NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
HELM = {"meta.helm.sh/release-name": "sso", "meta.helm.sh/release-namespace": "anywhere"}


@pytest.fixture
def sso(namespace: str, admin: Client) -> str:
    """A small authentik, under a name that nobody else on the lab looks for: three servers and a worker."""
    Writer(admin, check_mode=False).apply([_part(namespace, "server", 3), _part(namespace, "worker", 1)])
    wait_until_ready(admin, [_ref(namespace, "server"), _ref(namespace, "worker")], 120, print)
    return namespace


@pytest.fixture
def role(sso: str, audited: Audited, tmp_path: Path) -> RolePlayer:
    settings = {
        "authentik_pdb_namespace": sso,
        "authentik_pdb_server_selectors": [f"{NAME}=sso", f"{COMPONENT}=server"],
        "authentik_pdb_worker_selectors": [f"{NAME}=sso", f"{COMPONENT}=worker"],
    }
    return RolePlayer("authentik_pdb", tmp_path, audited.options, settings, new_run())


def _ref(namespace: str, component: str) -> ObjectRef:
    return ObjectRef("apps/v1", "Deployment", f"sso-{component}", namespace)


def _part(namespace: str, component: str, replicas: int) -> Object:
    labels = {NAME: "sso", COMPONENT: component}
    container = {"name": "web", "image": "localhost/lab/go-httpbin:2.26.0", "imagePullPolicy": "IfNotPresent"}
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"sso-{component}", "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _budget(namespace: str, name: str, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    selector = {"matchLabels": {NAME: "sso", COMPONENT: "server"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
        "spec": {"selector": selector} | spec,
    }


def _budgets(admin: Client, namespace: str) -> dict[str, dict[str, Any]]:
    (answer,) = read_found(admin, [Query("policy/v1", "PodDisruptionBudget", namespace=namespace)])
    return {item["metadata"]["name"]: item["spec"] for item in answer.items}


def _pods(admin: Client, namespace: str, component: str) -> list[ObjectRef]:
    (answer,) = read_found(admin, [Query("v1", "Pod", namespace=namespace, label_selector=f"{COMPONENT}={component}")])
    return [ref_of(item) for item in answer.items]


def _given(admin: Client, *budgets: Object) -> None:
    """Somebody else's budgets, once the disruption controller has counted their pods."""
    Writer(admin, check_mode=False).apply(budgets)

    def counted(item: Object | None) -> str:
        return "" if item and "expectedPods" in item.get("status", {}) else "not counted"

    wait_until(admin, [ref_of(item) for item in budgets], 30, print, counted, "counted")


@pytest.mark.variation("molecule's scenario default plays it with all the others")
def test_plan_apply_again_and_back(sso: str, role: RolePlayer, admin: Client, audited: Audited) -> None:
    site = Site(admin, audited.options, sso)
    before = site.state()
    planned = role.play("--check", "--diff").well()
    assert planned.changed == 1
    assert "minAvailable: 2" in planned.output
    assert "maxUnavailable: 1" in planned.output
    assert audited.writes() == []

    applied = role.play(facts="authentik_pdb_verified").well()
    assert applied.changed == 1
    checks = printed(applied)["checks"]
    assert len(checks) == 8
    assert all(check["passed"] for check in checks)
    specs = _budgets(admin, sso)
    assert (specs["sso-server"]["minAvailable"], specs["sso-worker"]["maxUnavailable"]) == (2, 1)
    audited.writes()

    assert role.play().well().changed == 0
    assert role.play("--check").well().changed == 0
    assert audited.writes() == []

    role.roll_back()
    assert site.state() == before


def test_the_rehearsal_tells_what_a_drain_would_hear_and_evicts_nobody(sso: str, admin: Client) -> None:
    pods = _pods(admin, sso, "server")
    assert rehearse_eviction(admin, pods[0]) == ""
    _given(admin, _budget(sso, "one", minAvailable=3))
    assert "disruption budget" in rehearse_eviction(admin, pods[0])
    _given(admin, _budget(sso, "two", maxUnavailable=1))
    assert "more than one PodDisruptionBudget" in rehearse_eviction(admin, pods[0])
    assert _pods(admin, sso, "server") == pods


def test_every_bad_input_is_told_before_any_write(sso: str, role: RolePlayer, admin: Client, audited: Audited) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        ({"authentik_pdb_server_min_available": "most"}, ["authentik_pdb_server_min_available: 'most'"]),
        (
            {"authentik_pdb_server_min_available": "3", "authentik_pdb_where_blocking": "finding"},
            ["would block every drain"],
        ),
        (
            {"authentik_pdb_server_selectors": ["app=none"]},
            ["no Deployment or StatefulSet with the labels app=none"],
        ),
        (
            {"authentik_pdb_worker_selectors": ["app=none"], "authentik_pdb_worker_optional": False},
            ["authentik_pdb_worker_selectors: there is no"],
        ),
    ]
    told = role.parts("preflight", "authentik_pdb_preflight.findings", [settings for settings, _words in cases])
    for findings, (settings, words) in zip(told, cases, strict=True):
        assert bool(findings) is bool(words), (settings, findings)
        assert all(each in " ".join(findings) for each in words), (settings, findings)

    _given(admin, _budget(sso, "sso-server", HELM, minAvailable=0))
    trap = " ".join(role.part("preflight", "authentik_pdb_preflight.findings"))
    assert "(Helm release anywhere/sso) has minAvailable 0 (what a chart renders" in trap
    refused = role.play()
    assert refused.code != 0
    assert "has minAvailable 0" in refused.output
    _given(admin, _budget(sso, "second", maxUnavailable=1))
    assert "select the same pods" in " ".join(role.part("preflight", "authentik_pdb_preflight.findings"))
    assert audited.writes() == []


def test_a_good_budget_of_somebody_else_is_left_alone(sso: str, role: RolePlayer, admin: Client) -> None:
    _given(admin, _budget(sso, "theirs", maxUnavailable=1))
    ended = role.play().well()
    assert "a second budget would block evictions" in ended.output
    assert set(_budgets(admin, sso)) == {"theirs", "sso-worker"}
    assert all(check["passed"] for check in role.part("verify", "authentik_pdb_verified.checks"))


def test_two_replicas_get_a_budget_that_lets_a_node_be_drained(sso: str, role: RolePlayer, admin: Client) -> None:
    Writer(admin, check_mode=False).apply([_part(sso, "server", 2)])
    wait_until_ready(admin, [_ref(sso, "server")], 60, print)
    assert "maxUnavailable 1 is taken instead" in role.play().well().output
    assert _budgets(admin, sso)["sso-server"]["maxUnavailable"] == 1


def test_an_autoscalers_minimum_counts(sso: str, role: RolePlayer, admin: Client) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sso-server"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "sso", "namespace": sso},
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3},
    }
    Writer(admin, check_mode=False).apply([scaler])
    assert "2 pods" in " ".join(role.part("preflight", "authentik_pdb_preflight.notes"))


def test_verification_fails_where_a_drain_would_hang(sso: str, role: RolePlayer, admin: Client) -> None:
    _given(admin, _budget(sso, "theirs", minAvailable=3))
    verified = role.with_settings(authentik_pdb_wait_timeout=1).part("verify", "authentik_pdb_verified")
    assert verified["failed"]
    failed = {check["name"] for check in verified["checks"] if not check["passed"]}
    assert f"Deployment {sso}/sso-server: a drain may evict one pod (rehearsed)" in failed


def test_values_for_the_chart_and_objects_as_files(
    sso: str, role: RolePlayer, audited: Audited, tmp_path: Path
) -> None:
    values, folder = tmp_path / "values.yml", tmp_path / "rendered"
    by_chart = role.with_settings(authentik_pdb_by="chart", authentik_pdb_values_file=str(values))
    assert by_chart.play().well().changed == 1
    assert by_chart.play().well().changed == 0
    assert yaml.safe_load(values.read_text()) == {
        "server": {"pdb": {"enabled": True, "minAvailable": 2}},
        "worker": {"pdb": {"enabled": True, "maxUnavailable": 1}},
    }
    role.play(render_to=folder).well()
    names = sorted(path.name for path in folder.rglob("*.yaml"))
    assert names == ["PodDisruptionBudget-sso-server.yaml", "PodDisruptionBudget-sso-worker.yaml"] or len(names) == 2
    assert audited.writes() == []


def test_finds_the_labs_own_authentik(audited: Audited, tmp_path: Path) -> None:
    """Under a release's name that nobody told."""
    found = RolePlayer("authentik_pdb", tmp_path, audited.options, {}).part("preflight", "authentik_pdb_preflight")
    listed = {(item["purpose"], item["namespace"], item["name"]) for item in found["workloads"]}
    assert {("server", "authentik", "goauthentik-server"), ("worker", "authentik", "goauthentik-worker")} <= listed
