"""The pods of a workload."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import (
    belongs,
    pods_query,
    ready_targets,
    selector_text,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query

EXPRESSIONS = [
    {"key": "a", "operator": "In", "values": ["b", "c"]},
    {"key": "d", "operator": "NotIn", "values": ["e"]},
    {"key": "f", "operator": "Exists"},
    {"key": "g", "operator": "DoesNotExist"},
]


def test_selector_text() -> None:
    selector = {"matchLabels": {"app": "x"}, "matchExpressions": EXPRESSIONS}
    assert selector_text(selector) == "app=x,a in (b,c),d notin (e),f,!g"
    assert selector_text(None) == selector_text({}) == ""


def test_pods_query() -> None:
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "proxy", "namespace": "web"},
        "spec": {"selector": {"matchLabels": {"app": "proxy"}}},
    }
    assert pods_query(workload) == Query("v1", "Pod", namespace="web", label_selector="app=proxy")


@pytest.mark.parametrize(
    ("kind", "owners", "its"),
    [
        ("Deployment", [{"kind": "ReplicaSet", "name": "proxy-5c9f7"}], True),
        ("Deployment", [{"kind": "ReplicaSet", "name": "proxy-canary-5c9f7"}], False),
        ("Deployment", [{"kind": "DaemonSet", "name": "proxy"}], False),
        ("DaemonSet", [{"kind": "DaemonSet", "name": "proxy"}], True),
        ("StatefulSet", [{"kind": "StatefulSet", "name": "proxy"}], True),
        ("StatefulSet", [{"kind": "StatefulSet", "name": "proxy-5c9f7"}], False),
        ("Deployment", None, False),
    ],
)
def test_belongs(kind: str, owners: list[dict[str, Any]] | None, its: bool) -> None:
    pod = {"metadata": {"name": "p", "ownerReferences": owners}}
    assert belongs(pod, ObjectRef("apps/v1", kind, "proxy", "web")) is its


def test_only_ready_pods_are_targets() -> None:
    def endpoint(name: str, kind: str = "Pod", **conditions: bool) -> dict[str, Any]:
        return {"targetRef": {"kind": kind, "name": name}, "conditions": conditions}

    piece = {"endpoints": [endpoint("b", ready=True), endpoint("a"), endpoint("c", ready=False), endpoint("d", "Node")]}
    assert ready_targets(piece) == ["b", "a"]
    assert ready_targets({"endpoints": None}) == []
