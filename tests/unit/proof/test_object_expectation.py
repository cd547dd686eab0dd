"""What is expected of objects, in words, and whether it is so."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.proof.object_expectation import (
    check_expectation,
    expected_words,
    judged,
)

NOTHING: dict[str, Any] = {
    "exists": False,
    "absent": False,
    "ready": False,
    "nodes_at_least": None,
    "disruptions_allowed_at_least": None,
    "labels": {},
    "fields": {},
    "contains": {},
}
PROXY = ObjectRef("apps/v1", "Deployment", "proxy", "web")


def pod(name: str, node: str = "", ready: bool = True, **labels: str) -> Object:
    """A pod on a node."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "web", "labels": labels},
        "spec": {"nodeName": node, "priorityClassName": "high"},
        "status": {"conditions": [{"type": "Ready", "status": str(ready), "message": "probe fails"}]},
    }


def deployment(available: int) -> Object:
    """One of two replicas, of which some are available."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "proxy", "namespace": "web", "generation": 1},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": available, "replicas": 2},
    }


def budget(allowed: int, seen: int = 3) -> Object:
    """A PodDisruptionBudget of generation 3."""
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "proxy", "namespace": "web", "generation": 3},
        "status": {
            "observedGeneration": seen,
            "disruptionsAllowed": allowed,
            "currentHealthy": 2,
            "expectedPods": 3,
            "desiredHealthy": 2,
        },
    }


A, B, C = pod("a", "n1", app="x"), pod("b", "n2", app="y"), pod("c", "n2", ready=False)
SECRET: Object = {
    "kind": "Secret",
    "metadata": {"name": "s", "namespace": "web", "annotations": {"copy": "cGFzc3dvcmQ="}},
    "type": "Opaque",
    "data": {"password": "cGFzc3dvcmQ="},
}

# Kind, expectation, objects, whether it is so, and the words.
CASES: list[tuple[str, dict[str, Any], list[Object], bool, str]] = [
    ("Pod", {"exists": True}, [A], True, "there: a"),
    ("Pod", {"exists": True}, [], False, "absent"),
    ("Pod", {"absent": True}, [], True, "absent"),
    ("Pod", {"absent": True}, [A, B], False, "still there: a, b"),
    ("Pod", {"ready": True}, [A], True, "ready"),
    ("Pod", {"ready": True}, [A, B], True, "ready (all 2)"),
    ("Pod", {"ready": True}, [], False, "absent"),
    (
        "Pod",
        {"ready": True},
        [A, C],
        False,
        "ready (a); not ready: condition Ready is not true: probe fails (c)",
    ),
    ("Pod", {"nodes_at_least": 2}, [A, B, C], True, "Ready pods on 2 nodes (n1, n2)"),
    ("Pod", {"nodes_at_least": 2}, [A, C], False, "Ready pods on 1 node (n1)"),
    ("Pod", {"nodes_at_least": 1}, [C], False, "Ready pods on 0 nodes"),
    ("Pod", {"nodes_at_least": 1}, [A | {"metadata": A["metadata"] | {"deletionTimestamp": "now"}}], False, "0 nodes"),
    ("Deployment", {"ready": True}, [deployment(1)], False, "not ready: 1 of 2 replicas available"),
    (
        "Deployment",
        {"ready": True, "nodes_at_least": 2},
        [deployment(2)],
        True,
        "ready, Ready pods on 2 nodes (n1, n2)",
    ),
    ("Deployment", {"nodes_at_least": 3}, [deployment(2)], False, "Ready pods on 2 nodes (n1, n2)"),
    # What is right is left out where something is wrong.
    ("Deployment", {"ready": True, "nodes_at_least": 3}, [deployment(2)], False, "Ready pods on 2 nodes (n1, n2)"),
    (
        "PodDisruptionBudget",
        {"disruptions_allowed_at_least": 1},
        [budget(1)],
        True,
        "allows 1 disruption (2 of 3 pods healthy, 2 must be)",
    ),
    ("PodDisruptionBudget", {"disruptions_allowed_at_least": 1}, [budget(0)], False, "allows 0 disruptions"),
    ("PodDisruptionBudget", {"disruptions_allowed_at_least": 1}, [budget(1, seen=2)], False, "has not seen its newest"),
    ("PodDisruptionBudget", {"disruptions_allowed_at_least": 1}, [{"metadata": {"name": "new"}}], False, "allows 0"),
    ("Pod", {"labels": {"app": "x"}}, [A], True, "label app is x"),
    ("Pod", {"labels": {"app": "x"}}, [A, B], False, "label app is x (a); label app is y (b)"),
    ("Pod", {"labels": {"tier": "x"}}, [A], False, "no label tier"),
    ("Pod", {"fields": {"spec.priorityClassName": "high"}}, [A, B], True, "spec.priorityClassName is high (all 2)"),
    ("Pod", {"fields": {"spec.priorityClassName": "low"}}, [A], False, "spec.priorityClassName is high"),
    ("Pod", {"fields": {"spec.hostNetwork": None}}, [A], True, "no spec.hostNetwork"),
    ("Pod", {"fields": {"spec.nodeName": None}}, [A], False, "spec.nodeName is n1"),
    ("Secret", {"fields": {"data.password": "cGFzc3dvcmQ="}}, [SECRET], True, "data.password is <hidden>"),
    ("Secret", {"fields": {"data.password": "b3RoZXI="}}, [SECRET], False, "data.password is <hidden>"),
    (
        "Secret",
        {"fields": {"metadata.annotations.copy": "?"}},
        [SECRET],
        False,
        "metadata.annotations.copy is <hidden>",
    ),
    ("Secret", {"fields": {"type": "Opaque"}}, [SECRET], True, "type is Opaque"),
    ("Pod", {"contains": {"spec": {"nodeName": "n1"}}}, [A], True, "all that the manifest says"),
    ("Pod", {"contains": {"spec": {"nodeName": "n2"}}}, [A, B], False, "spec.nodeName is n1, not n2 (a)"),
    ("Secret", {"contains": SECRET}, [SECRET], True, "all that the manifest says"),
    (
        "Secret",
        {"contains": {"data": {"password": "b3RoZXI="}}},
        [SECRET],
        False,
        "data.password is <hidden>, and not what it should be",
    ),
]


@pytest.mark.parametrize(("kind", "expect", "items", "passed", "words"), CASES)
def test_judged(kind: str, expect: dict[str, Any], items: list[Object], passed: bool, words: str) -> None:
    verdict = judged(NOTHING | expect, kind, items, {PROXY: [A, B, C]} if kind == "Deployment" else {})
    assert verdict[0] is passed
    assert words in verdict[1]
    assert "cGFzc3dvcmQ=" not in verdict[1]


def test_a_long_list_of_objects_is_cut() -> None:
    pods = [pod(f"p{number}") for number in range(8)]
    assert judged(NOTHING | {"absent": True}, "Pod", pods, {})[1] == "still there: p0, p1, p2, p3, p4 and 3 more"


@pytest.mark.parametrize(
    ("kind", "expect", "words"),
    [
        ("Pod", {"exists": True}, "there"),
        ("Pod", {"absent": True}, "absent"),
        ("Deployment", {"ready": True, "nodes_at_least": 2}, "ready, Ready pods on at least 2 nodes"),
        ("PodDisruptionBudget", {"disruptions_allowed_at_least": 1}, "allows at least 1 disruption"),
        (
            "Pod",
            {"labels": {"a": "b"}, "fields": {"spec.x": 1, "spec.y": None}},
            "label a is b, spec.x is 1, no spec.y",
        ),
        ("Secret", {"fields": {"data.password": "b3RoZXI="}}, "data.password is <hidden>"),
    ],
)
def test_expected_words(kind: str, expect: dict[str, Any], words: str) -> None:
    assert expected_words(NOTHING | expect, kind) == words


@pytest.mark.parametrize(
    ("kind", "expect", "refusal"),
    [
        ("Pod", {}, "expect: nothing is expected"),
        ("Pod", {"exists": False}, "expect: nothing is expected"),
        ("Pod", {"absent": True, "ready": True}, "expect: absent goes with nothing else"),
        ("Service", {"nodes_at_least": 1}, "expect.nodes_at_least: a Service has no pods"),
        ("Pod", {"disruptions_allowed_at_least": 1}, "expect.disruptions_allowed_at_least: is for a PodDisruptionB"),
        ("Pod", {"fields": {"spec..x": 1}}, "expect.fields: 'spec..x' is no path"),
    ],
)
def test_what_cannot_be_expected(kind: str, expect: dict[str, Any], refusal: str) -> None:
    with pytest.raises(BadArgument) as refused:
        check_expectation(NOTHING | expect, kind, "expect")
    assert refusal in str(refused.value)


def test_zero_is_an_expectation() -> None:
    check_expectation(NOTHING | {"disruptions_allowed_at_least": 0}, "PodDisruptionBudget", "expect")
