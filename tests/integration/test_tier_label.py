"""tier_label against the lab's tier policy: what the label brings, and that nothing is recreated without need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import Audited, remove
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]

CLUSTER_TIER = {
    "limit_range": {"default": {"memory": "0.5Gi"}, "max": {"memory": "4096Mi"}},
    "priority_class": "tier-1-cluster",
}


@pytest.fixture
def aux(admin: Client) -> Iterator[str]:
    """A namespace of the tier 4-aux with a Deployment of it and one without the label."""
    name = f"tier-{uuid4().hex[:8]}"
    writer = Writer(admin, check_mode=False)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"tier": "4-aux"}}}
    writer.apply([namespace])
    # Pods that come before the tier's LimitRange would be refused by its ResourceQuota.
    limits = ObjectRef("v1", "LimitRange", "tier-defaults", name)
    wait_until(admin, [limits], 30, print, lambda item: "" if item else "does not exist", "there")
    writer.apply([_deployment(name, "rated", {"tier": "4-aux"}), _deployment(name, "plain", {})])
    wait_until_ready(admin, [_ref(name, "rated"), _ref(name, "plain")], 90, print)
    yield name
    remove(admin, ObjectRef("v1", "Namespace", name))


def _ref(namespace: str, name: str) -> ObjectRef:
    return ObjectRef("apps/v1", "Deployment", name, namespace)


def _deployment(namespace: str, name: str, labels: dict[str, str]) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [
                        {
                            "name": "httpbin",
                            "image": "localhost/lab/go-httpbin:2.26.0",
                            "imagePullPolicy": "IfNotPresent",
                        }
                    ],
                },
            },
        },
    }


def _arguments(namespace: str, **more: Any) -> dict[str, Any]:
    return {"namespaces": [namespace], "from": "4-aux", "to": "1-cluster", "expect": CLUSTER_TIER} | more


def _pods(admin: Client, namespace: str, app: str) -> dict[str, str]:
    """The uid and the PriorityClass of each pod that is not on its way out."""
    (answer,) = read_found(admin, [Query("v1", "Pod", namespace=namespace, label_selector=f"app={app}")])
    return {
        pod["metadata"]["uid"]: pod["spec"].get("priorityClassName", "")
        for pod in answer.items
        if not pod["metadata"].get("deletionTimestamp")
    }


def test_moves_and_proves_what_the_tier_gives(aux: str, admin: Client, audited: Audited) -> None:
    player, plain = audited.player(), _pods(admin, aux, "plain")
    assert set(_pods(admin, aux, "rated").values()) == {"tier-4-aux"}

    check = player.task("tier_label", _arguments(aux), check=True, diff=True)
    assert (check.outcome, check.changed) == ("ok", True), check
    assert audited.writes() == []
    first = player.task("tier_label", _arguments(aux), diff=True)
    assert (first.outcome, first.changed) == ("ok", True), first
    assert [change["before_header"] for change in check.result["diff"]] == [
        change["before_header"] for change in first.result["diff"]
    ]
    for checking in (True, False):
        again = player.task("tier_label", _arguments(aux), check=checking)
        assert (again.outcome, again.changed) == ("ok", False), again
    assert len(audited.writes()) == 2

    assert admin.get(ObjectRef("v1", "Namespace", aux))["metadata"]["labels"]["tier"] == "1-cluster"
    assert admin.get(_ref(aux, "rated"))["metadata"]["labels"]["tier"] == "1-cluster"
    assert set(_pods(admin, aux, "rated").values()) == {"tier-1-cluster"}
    assert first.result["verified"]["limit_ranges"][aux]["max"] == {"memory": "4Gi"}
    assert first.result["verified"]["priority_classes"] == {f"Deployment {aux}/rated": ["tier-1-cluster"]}
    # The one without the label was not asked for: neither labelled nor recreated.
    assert _pods(admin, aux, "plain") == plain


def test_pods_keep_running_where_nothing_is_to_be_given(aux: str, admin: Client, player: Player) -> None:
    pods = _pods(admin, aux, "rated")
    expect = {"priority_class": "tier-1-cluster"}
    played = player.task("tier_label", _arguments(aux, expect=expect, restart="never"))
    assert (played.outcome, played.changed) == ("ok", True), played
    assert "do not have PriorityClass tier-1-cluster" in played.result["warnings"][0]
    assert _pods(admin, aux, "rated") == pods


def test_pod_template_moves_with_its_workload(aux: str, admin: Client, player: Player) -> None:
    played = player.task("tier_label", _arguments(aux, pod_template=True))
    assert (played.outcome, played.changed) == ("ok", True), played
    template = admin.get(_ref(aux, "rated"))["spec"]["template"]["metadata"]
    assert template["labels"]["tier"] == "1-cluster"
    # One rollout is enough: the changed template is what recreates the pods.
    assert "annotations" not in template


def test_named_workload_must_carry_the_label(aux: str, audited: Audited) -> None:
    played = audited.player().task("tier_label", _arguments(aux, workloads=[{"name": "plain"}]))
    assert played.outcome == "failed"
    assert f"Deployment {aux}/plain has no label tier" in played.message
    played = audited.player().task("tier_label", _arguments(aux, workloads=[{"name": "nobody"}]))
    assert f"there is no Deployment {aux}/nobody" in played.message
    assert audited.writes() == []


def test_foreign_tier_is_refused(aux: str, audited: Audited) -> None:
    played = audited.player().task("tier_label", _arguments(aux) | {"from": "3-edge"})
    assert played.outcome == "failed"
    assert f"Namespace {aux} has tier=4-aux; Deployment {aux}/rated has tier=4-aux" in played.message
    assert audited.writes() == []


def test_says_what_the_policy_gave_instead(aux: str, player: Player) -> None:
    expect = {"limit_range": {"default": {"memory": "1Gi"}}}
    played = player.task("tier_label", _arguments(aux, expect=expect, wait_timeout=4))
    assert played.outcome == "failed"
    assert f"LimitRange {aux}/tier-defaults: default.memory is 512Mi, not 1Gi" in played.message


def test_says_which_class_admission_gave_instead(aux: str, player: Player) -> None:
    played = player.task("tier_label", _arguments(aux, expect={"priority_class": "tier-0-none"}))
    assert played.outcome == "failed"
    assert "has tier-1-cluster" in played.message
    assert "admission does not give it to this tier" in played.message


def test_bad_quantity_is_named_before_any_request() -> None:
    expect = {"limit_range": {"max": {"memory": "lots"}}}
    played = Player({"host": "https://127.0.0.1:1"}).task("tier_label", _arguments("any", expect=expect))
    assert played.message.startswith("expect.limit_range.max.memory: 'lots' is no quantity")
