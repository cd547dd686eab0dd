"""What stands against the wishes: a sentence each, with the option and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import selects
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import Delivery
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.findings import findings
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.nodes import usable_nodes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import WISHES, Wishes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

WELL: dict[str, Any] = {"replicas": 3, "nodes": ["a", "b", "c"], "kubernetes": 34}


def situation(**given: Any) -> Situation:
    """Three replicas on three nodes, where nothing stands against anything."""
    parts = WELL | given
    container = {"name": "traefik", "image": "traefik:v3.7.9", **parts.get("container", {})}
    kind = parts.get("kind", "Deployment")
    pod = {"containers": [container]}
    item = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "edge", "namespace": "net"},
        "spec": {"template": {"spec": pod}, **parts.get("spec", {})},
    }
    workload = Workload(
        ref=ObjectRef("apps/v1", kind, "edge", "net"),
        version=parts.get("version", "3.7.9"),
        replicas=[],
        entry_points={},
        arguments={"ping": "true"},
        source=parts.get("source", "arguments"),
        image="",
        wanted=parts["replicas"],
        item=item,
    )
    return Situation(
        workload,
        parts.get("delivery", Delivery("manifest")),
        item,
        parts["nodes"],
        parts.get("budgets", []),
        parts.get("autoscaler"),
        parts["kubernetes"],
    )


def found(given: dict[str, Any], rendering: bool = False, **wishes: Any) -> list[str]:
    """The findings."""
    defaults = {name: option.get("default") for name, option in WISHES.items()}
    values = wishes.pop("values", {})
    return findings(situation(**given), Wishes.of(defaults | wishes), values, rendering)


def budget(name: str) -> dict[str, Any]:
    """A budget, as far as it is looked at."""
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": "net"}}


SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "edge", "namespace": "net"},
    "spec": {"minReplicas": 4},
}


def test_nothing_stands_against_it() -> None:
    assert found({}) == []
    assert found({"nodes": None}) == [], "nodes that may not be read are no finding"


@pytest.mark.parametrize(
    ("given", "wishes", "words"),
    [
        ({"nodes": ["a"]}, {}, "only one node takes its pods (a): set replicas to 1 or less"),
        ({"nodes": []}, {}, "no node takes its pods"),
        ({"nodes": ["a", "b"]}, {"replicas": 3}, "3 replicas of Deployment net/edge on a node of its own"),
        ({"replicas": 2}, {}, "min_available: 2 with 2 replicas of Deployment net/edge would block every drain"),
        ({"replicas": 1}, {}, "set replicas to 3 or more, or min_available to 0"),
        ({"autoscaler": SCALER, "nodes": list("abcd")}, {"replicas": 3}, "would undo 3: leave replicas out"),
        ({"kind": "DaemonSet"}, {"replicas": 3}, "replicas: DaemonSet net/edge has one a node"),
        ({"version": "2.11.0"}, {}, "runs Traefik 2.11.0; 3.0 or newer is needed"),
        ({"source": "environment"}, {}, "takes its static settings from its environment"),
        ({"kubernetes": 29}, {}, "pre_stop_sleep: Kubernetes 1.29 does not know preStop.sleep"),
        ({"container": {"lifecycle": {"preStop": {"exec": {}}}}}, {}, "has a preStop hook of its own (exec)"),
        ({"budgets": [budget("one"), budget("two")]}, {}, "net/one, PodDisruptionBudget net/two all select"),
        ({"delivery": Delivery("manifest", "Argo CD application edge")}, {}, "set render_to and give it the files"),
        ({"delivery": Delivery("manifest", "k3s add-on traefik")}, {}, "change the add-on's file"),
        ({"delivery": Delivery("helm", release="r", namespace="n", status="pending-upgrade")}, {}, "is pending-upgr"),
        ({"delivery": Delivery("helm"), "budgets": [budget("one")]}, {}, "with the chart's own they would have two"),
        ({}, {"values": {"deployment": {}}}, "is written as a manifest and has no chart"),
        ({"spec": {"strategy": {"type": "Recreate"}}}, {}, "has the strategy Recreate, so a change of it ends every"),
        (
            {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}},
            {},
            "max_unavailable: 100% of 3 replicas of Deployment net/edge may be away while it rolls",
        ),
        ({}, {"max_unavailable": 3}, "max_unavailable: 3 of 3 replicas"),
        ({}, {"pre_stop_sleep": 30}, "termination_grace_period: 60 s is not more than"),
    ],
)
def test_one_finding(given: dict[str, Any], wishes: dict[str, Any], words: str) -> None:
    sentences = found(given, **wishes)
    assert [words in sentence for sentence in sentences].count(True) == 1, sentences


@pytest.mark.parametrize("unavailable", [1, 2, "25%", "99%", "0"])
def test_a_roll_that_leaves_a_replica_is_no_finding(unavailable: Any) -> None:
    assert found({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": unavailable}}}}) == []
    assert found({"spec": {"strategy": {"type": "Recreate"}}}, max_unavailable=1, max_surge=1) == []


def _rolling(unavailable: Any) -> dict[str, Any]:
    ports = [{"containerPort": 8000, "hostPort": 80}]
    strategy = {"strategy": {"rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": 1}}}
    return {"container": {"ports": ports}, "spec": strategy}


def test_a_host_port_that_could_not_roll() -> None:
    (sentence,) = found(_rolling(0))
    assert sentence.startswith("max_unavailable: 0 cannot roll Deployment net/edge: it holds the host ports 80")
    assert found(_rolling(1)) == []
    assert found(_rolling(0), max_unavailable=1, max_surge=0) == []
    assert found(_rolling(0) | {"nodes": list("abcd")}) == [], "there is a node for the surge"


def test_all_at_once_and_rendering_cares_for_no_owner() -> None:
    owned = {"delivery": Delivery("manifest", "Flux Kustomization a/b"), "nodes": ["a"], "version": "2.0.1"}
    assert len(found(owned)) == 3
    assert len(found(owned, rendering=True)) == 2


def test_replicas_of_an_autoscaler_count() -> None:
    assert found({"autoscaler": SCALER, "replicas": 9, "nodes": list("abcd")}) == []


def node(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A node."""
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": spec}


def test_nodes_that_take_a_pod() -> None:
    taint = {"key": "master", "value": "yes", "effect": "NoSchedule"}
    soft = {"key": "busy", "effect": "PreferNoSchedule"}
    nodes = [
        node("plain"),
        node("cordoned", unschedulable=True),
        node("tainted", taints=[taint]),
        node("soft", {"disk": "ssd"}, taints=[soft]),
    ]
    assert usable_nodes(nodes, {}) == ["plain", "soft"]
    assert usable_nodes(nodes, {"nodeSelector": {"disk": "ssd"}}) == ["soft"]
    for toleration in (
        {"operator": "Exists"},
        {"key": "master", "value": "yes"},
        {"key": "master", "operator": "Exists"},
    ):
        assert "tainted" in usable_nodes(nodes, {"tolerations": [toleration]})
    for toleration in ({"key": "master", "value": "no"}, {"operator": "Exists", "effect": "NoExecute"}):
        assert "tainted" not in usable_nodes(nodes, {"tolerations": [toleration]})
    terms = [{"matchExpressions": [{"key": "disk", "operator": "NotIn", "values": ["ssd"]}]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    assert usable_nodes(nodes, {"affinity": affinity}) == ["plain"]


def test_selectors() -> None:
    labels = {"app": "edge"}
    assert selects({}, labels)
    assert selects({"matchLabels": labels}, labels)
    assert not selects({"matchLabels": {"app": "other"}}, labels)
    assert not selects({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, labels)
    assert selects({"matchExpressions": [{"key": "app", "operator": "In", "values": ["edge"]}]}, labels)
