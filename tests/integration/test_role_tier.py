"""The role tier on the lab's tier policy: what the tier gives, what is recreated and what is not, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.lab_cluster import eventually
from tests.integration.support_engine import Audited, remove
from tests.integration.support_restore import Site
from tests.integration.support_role import RolePlayer, new_run, printed

pytest_plugins = ["tests.integration.support_fixtures"]


@pytest.fixture
def aux(admin: Client) -> Iterator[str]:
    """A namespace of the tier 4-aux with a blocker of it, and beside it a Deployment that is in no tier."""
    name = f"tier-{uuid4().hex[:8]}"
    writer = Writer(admin, check_mode=False)
    writer.apply([_namespace(name, tier="4-aux")])
    # Pods that come before the tier's LimitRange would be refused by its ResourceQuota.
    limits = ObjectRef("v1", "LimitRange", "tier-defaults", name)
    wait_until(admin, [limits], 30, print, lambda item: "" if item else "does not exist", "there")
    writer.apply([_deployment(name, "blocker", tier="4-aux"), _deployment(name, "beside")])
    wait_until_ready(admin, [_ref(name, "blocker"), _ref(name, "beside")], 90, print)
    yield name
    remove(admin, ObjectRef("v1", "Namespace", name))


@pytest.fixture
def role(aux: str, audited: Audited, tmp_path: Path) -> RolePlayer:
    return RolePlayer("tier", tmp_path, audited.options, {"tier_namespaces": [aux]}, new_run())


def _namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _ref(namespace: str, name: str) -> ObjectRef:
    return ObjectRef("apps/v1", "Deployment", name, namespace)


def _deployment(namespace: str, name: str, **labels: str) -> Object:
    container = {"name": "web", "image": "localhost/lab/go-httpbin:2.26.0", "imagePullPolicy": "IfNotPresent"}
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def _classes(admin: Client, namespace: str, app: str) -> dict[str, str]:
    """The PriorityClass of each pod that is not on its way out, by uid."""
    (answer,) = read_found(admin, [Query("v1", "Pod", namespace=namespace, label_selector=f"app={app}")])
    return {
        pod["metadata"]["uid"]: pod["spec"].get("priorityClassName", "")
        for pod in answer.items
        if not pod["metadata"].get("deletionTimestamp")
    }


@pytest.mark.variation("molecule's scenario default plays it with all the others")
def test_plan_apply_again_and_back(aux: str, role: RolePlayer, admin: Client, audited: Audited) -> None:
    site = Site(admin, audited.options, aux)
    before, beside, old = site.state(), _classes(admin, aux, "beside"), _classes(admin, aux, "blocker")
    planned = role.play("--check", "--diff").well()
    assert planned.changed == 1
    assert "tier: 1-cluster" in planned.output
    assert audited.writes() == []

    applied = role.play(facts="tier_verified").well()
    assert applied.changed == 1
    checks = {check["name"]: check["passed"] for check in printed(applied)["checks"]}
    assert len(checks) == 4
    assert all(checks.values())
    limits = admin.get(ObjectRef("v1", "LimitRange", "tier-defaults", aux))["spec"]["limits"][0]
    assert (limits["default"]["memory"], limits["max"]["memory"]) == ("512Mi", "4Gi")
    assert set(_classes(admin, aux, "blocker").values()) == {"tier-1-cluster"}
    assert _classes(admin, aux, "beside") == beside, "recreated without need"

    moved = _classes(admin, aux, "blocker")
    audited.writes()
    assert role.play().well().changed == 0
    assert role.play("--check").well().changed == 0
    assert audited.writes() == []
    assert _classes(admin, aux, "blocker") == moved, "recreated without need"

    role.roll_back()
    assert site.state() == before
    assert admin.get(ObjectRef("v1", "Namespace", aux))["metadata"]["labels"]["tier"] == "4-aux"
    eventually(
        lambda: set(_classes(admin, aux, "blocker").values()) == set(old.values()), "pods of the former tier", 30
    )


def test_every_bad_input_is_told_before_any_write(aux: str, role: RolePlayer, audited: Audited) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        (
            {"tier_namespaces": ["nowhere", aux], "tier_from": "3-edge", "tier_priority_class": "none-such"},
            [
                "tier_namespaces: Namespace nowhere does not exist",
                f"tier_from: Deployment {aux}/blocker has tier=4-aux",
                "tier_priority_class: there is no PriorityClass none-such",
            ],
        ),
        ({"tier_limits": {"max": {"memory": "lots"}}}, ["'lots' is no quantity"]),
        ({"tier_workloads": [{"name": "nobody"}]}, ["tier_workloads: there is no Deployment"]),
        ({"tier_workloads": [{"name": "beside"}]}, ["has no label tier"]),
        ({"tier_to": "4-aux"}, ["tier_to: 4-aux is the tier to leave"]),
        ({"tier_to": "9-nope"}, ["tier_to: there is no tier 9-nope", "there are 1-cluster, 4-aux"]),
    ]
    told = role.parts("preflight", "tier_preflight.findings", [settings for settings, _words in cases])
    for findings, (settings, words) in zip(told, cases, strict=True):
        assert bool(findings) is bool(words), (settings, findings)
        assert all(each in " ".join(findings) for each in words), (settings, findings)
    refused = role.with_settings(tier_namespaces=["nowhere"]).play()
    assert refused.code != 0
    assert "tier_namespaces: Namespace nowhere does not exist" in refused.output
    assert audited.writes() == []


def test_limits_that_the_tier_gives_its_members_are_known_before(
    aux: str, role: RolePlayer, admin: Client, cleaned: Any
) -> None:
    member = f"{aux}-member"
    Writer(admin, check_mode=False).apply([_namespace(member, tier="1-cluster")])
    cleaned(ObjectRef("v1", "Namespace", member))
    limits = ObjectRef("v1", "LimitRange", "tier-defaults", member)
    wait_until(admin, [limits], 30, print, lambda item: "" if item else "does not exist", "there")
    found = role.with_settings(tier_limits={"default": {"memory": "1Gi"}}).part("preflight", "tier_preflight.findings")
    assert "default.memory is 512Mi, not 1Gi" in found[0]


@pytest.mark.parametrize("where_missing", ["skip", "fail"])
def test_a_cluster_without_such_tiers(where_missing: str, role: RolePlayer, audited: Audited) -> None:
    none = {"tier_label": "importance", "tier_from": "low", "tier_to": "high", "tier_priority_class": ""}
    ended = role.with_settings(tier_where_missing=where_missing, **none).play(facts="tier_verified | default({})")
    assert "no namespace carries importance=low or importance=high" in ended.output
    assert (ended.code == 0) is (where_missing == "skip")
    assert audited.writes() == []


def test_only_labels_where_nothing_is_expected(aux: str, role: RolePlayer, admin: Client) -> None:
    pods = _classes(admin, aux, "blocker")
    role.with_settings(tier_limit_range="", tier_priority_class="").play().well()
    assert _classes(admin, aux, "blocker") == pods
    assert admin.get(ObjectRef("v1", "Namespace", aux))["metadata"]["labels"]["tier"] == "1-cluster"


def test_verification_fails_before_the_move(role: RolePlayer) -> None:
    verified = role.with_settings(tier_wait_timeout=1).part("verify", "tier_verified")
    assert verified["failed"]
    assert not any(check["passed"] for check in verified["checks"] if "label" in check["name"])


def test_as_files(role: RolePlayer, audited: Audited, tmp_path: Path) -> None:
    role.play(render_to=tmp_path / "files").well()
    assert len(list((tmp_path / "files").rglob("*.yaml"))) == 2
    assert audited.writes() == []
