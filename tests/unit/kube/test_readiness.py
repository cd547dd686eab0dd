"""Ready means serving: statuses as controllers write them, and the moments in which they mislead."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.readiness import hopeless, missing

Item = dict[str, Any]


def _item(kind: str, status: Item | None, spec: Item | None = None, **metadata: Any) -> Item:
    item: Item = {"kind": kind, "metadata": {"name": "one", "generation": 3} | metadata, "spec": spec or {}}
    return item if status is None else item | {"status": status}


def _deployment(spec: Item | None = None, **status: Any) -> Item:
    done = {"observedGeneration": 3, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
    return _item("Deployment", done | status, {"replicas": 3} | (spec or {}))


def _stateful_set(spec: Item | None = None, **status: Any) -> Item:
    done = {"observedGeneration": 3, "replicas": 2, "readyReplicas": 2, "currentRevision": "b", "updateRevision": "b"}
    return _item("StatefulSet", done | status, {"replicas": 2} | (spec or {}))


def _daemon_set(spec: Item | None = None, **status: Any) -> Item:
    done = {"observedGeneration": 3, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}
    return _item("DaemonSet", done | status, spec)


def _budget(**status: Any) -> Item:
    done = {
        "observedGeneration": 3,
        "disruptionsAllowed": 1,
        "currentHealthy": 3,
        "desiredHealthy": 2,
        "expectedPods": 3,
    }
    return _item("PodDisruptionBudget", done | status)


def _with(kind: str, *conditions: tuple[str, str], message: str = "") -> Item:
    return _item(kind, {"conditions": [{"type": name, "status": is_, "message": message} for name, is_ in conditions]})


READY = {
    "deployment": _deployment(),
    "deployment of no replicas": _item("Deployment", {"observedGeneration": 3}, {"replicas": 0}),
    "deployment, replicas by default": _deployment(
        {"replicas": 1}, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1
    ),
    "stateful set": _stateful_set(),
    "stateful set on delete": _stateful_set({"updateStrategy": {"type": "OnDelete"}}, currentRevision="a"),
    "stateful set with a partition": _stateful_set(
        {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}, currentRevision="a"
    ),
    "daemon set": _daemon_set(),
    "daemon set on delete": _daemon_set({"updateStrategy": {"type": "OnDelete"}}, updatedNumberScheduled=0),
    "daemon set without a node": _daemon_set(desiredNumberScheduled=0, updatedNumberScheduled=0, numberAvailable=0),
    "budget": _budget(),
    "namespace": _item("Namespace", {"phase": "Active"}),
    "claim": _item("PersistentVolumeClaim", {"phase": "Bound"}),
    "pod": _with("Pod", ("PodScheduled", "True"), ("Ready", "True")),
    "job": _with("Job", ("SuccessCriteriaMet", "True"), ("Complete", "True")),
    "definition": _with("CustomResourceDefinition", ("NamesAccepted", "True"), ("Established", "True")),
    "api service": _with("APIService", ("Available", "True")),
    "config map": _item("ConfigMap", None),
    "unknown kind": _item("Gadget", {"ready": False}),
}

LACKING = {
    "deployment, controller has not looked yet": (_deployment(observedGeneration=2), "generation 2 of 3"),
    "deployment, nothing reported": (_item("Deployment", None, {"replicas": 3}), "generation 0 of 3"),
    "deployment, status null": (_item("Deployment", None, {"replicas": 3}) | {"status": None}, "generation 0 of 3"),
    "deployment, rolling": (_deployment(updatedReplicas=2), "2 of 3 replicas updated"),
    "deployment, old one is still there": (_deployment(replicas=4), "1 replicas of an older template still run"),
    "deployment, not available": (_deployment(availableReplicas=1), "1 of 3 replicas available"),
    "deployment, counts left out when zero": (
        _item("Deployment", {"observedGeneration": 3}, {"replicas": 3}),
        "0 of 3 replicas updated",
    ),
    "deployment, paused": (_deployment({"paused": True}), "paused"),
    "deployment, replicas by default, none there": (_item("Deployment", {"observedGeneration": 3}), "0 of 1"),
    "stateful set, not ready": (_stateful_set(readyReplicas=1), "1 of 2 replicas ready"),
    "stateful set, rolling": (_stateful_set(currentRevision="a", updatedReplicas=1), "1 of 2 replicas updated"),
    "daemon set, rolling": (_daemon_set(updatedNumberScheduled=2), "2 of 3 replicas updated"),
    "daemon set, not available": (_daemon_set(numberAvailable=2), "2 of 3 replicas available"),
    "budget that allows nothing": (
        _budget(disruptionsAllowed=0, currentHealthy=2),
        "2 of 3 pods are healthy, 2 must be",
    ),
    "budget, not looked at": (_budget(observedGeneration=1), "generation 1 of 3"),
    "namespace on its way out": (_item("Namespace", {"phase": "Terminating"}), "phase is Terminating, not Active"),
    "claim": (_item("PersistentVolumeClaim", {"phase": "Pending"}), "phase is Pending, not Bound"),
    "pod": (
        _with("Pod", ("Ready", "False"), message="containers with unready status: [main]"),
        "unready status: [main]",
    ),
    "pod without status": (_item("Pod", None), "not reported yet"),
    "job that runs": (_item("Job", {"active": 1}), "condition Complete is not true"),
    "definition whose names clash": (
        _with("CustomResourceDefinition", ("NamesAccepted", "False"), ("Established", "False"), message="taken"),
        "NamesAccepted is not true: taken",
    ),
    "anything that is being deleted": (
        _item("ConfigMap", None, deletionTimestamp="2026-01-01T00:00:00Z"),
        "being deleted",
    ),
    "a deployment that is being deleted": (
        _deployment() | {"metadata": {"generation": 3, "deletionTimestamp": "2026-01-01T00:00:00Z"}},
        "being deleted",
    ),
}


@pytest.mark.parametrize("item", READY.values(), ids=READY.keys())
def test_ready(item: Item) -> None:
    assert missing(item) == ""


@pytest.mark.parametrize(("item", "says"), LACKING.values(), ids=LACKING.keys())
def test_not_ready_and_why(item: Item, says: str) -> None:
    assert says in missing(item)


def _progress(reason: str, generation: int = 3) -> Item:
    condition = {
        "type": "Progressing",
        "status": "False",
        "reason": reason,
        "message": 'ReplicaSet "one" has timed out',
    }
    return _deployment(observedGeneration=generation, availableReplicas=0, conditions=[condition])


def test_waiting_longer_is_of_no_use() -> None:
    assert hopeless(_progress("ProgressDeadlineExceeded")) == 'ReplicaSet "one" has timed out'
    assert hopeless(_with("Job", ("Failed", "True"), message="BackoffLimitExceeded")) == "BackoffLimitExceeded"


def test_an_older_templates_failure_says_nothing_of_the_new_one() -> None:
    assert hopeless(_progress("ProgressDeadlineExceeded", generation=2)) == ""
    assert hopeless(_progress("NewReplicaSetAvailable")) == ""
    assert hopeless(_with("Job", ("Failed", "False"))) == ""
