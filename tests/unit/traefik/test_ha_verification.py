"""What is proved of the running pods, and what is told of each that lacks something."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.verification import checks
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import WISHES, Wishes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica
from tests.unit.traefik.test_ha_findings import budget, situation

ARGUMENTS = [
    "--entryPoints.web.address=:80",
    "--serversTransport.forwardingTimeouts.dialTimeout=2",
    "--serversTransport.forwardingTimeouts.responseHeaderTimeout=30",
    "--entryPoints.web.transport.lifeCycle.requestAcceptGraceTimeout=10s",
    "--entryPoints.web.transport.lifeCycle.graceTimeOut=30s",
]
READY = {"spec": {"replicas": 2}}
STATUS = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def pod(name: str, node: str, arguments: list[str] | None = None, **spec: Any) -> dict[str, Any]:
    """A replica's pod, as it is to be."""
    hook = {"preStop": {"sleep": {"seconds": 5}}}
    container = {"name": "traefik", "args": arguments or ARGUMENTS, "lifecycle": hook}
    parts = {"nodeName": node, "terminationGracePeriodSeconds": 60, "containers": [container]}
    return {"metadata": {"name": name, "namespace": "net"}, "spec": parts | spec}


def checked(pods: list[dict[str, Any]], allowed: int = 1, **wishes: Any) -> dict[str, Check]:
    """The checks of two replicas by name."""
    guard = budget("edge") | {"spec": {"minAvailable": 1}, "status": {"disruptionsAllowed": allowed}}
    found = situation(replicas=2, budgets=[guard], **READY)
    found.item["status"] = STATUS
    found.item["metadata"]["generation"] = 1
    found.workload.replicas = [Replica(each["metadata"]["name"], "net", "", "", True) for each in pods]
    defaults = {name: option.get("default") for name, option in WISHES.items()}
    done = checks(found, Wishes.of(defaults | {"min_available": 1} | wishes), pods)
    return {check.name: check for check in done}


def failed(found: dict[str, Check]) -> dict[str, str]:
    """What was found where a check did not pass."""
    return {name: check.found for name, check in found.items() if not check.passed}


def test_all_is_as_wished() -> None:
    found = checked([pod("one", "a"), pod("two", "b")])
    assert failed(found) == {}
    assert list(found) == [
        "Deployment net/edge is rolled out",
        "Traefik's replicas run on different nodes",
        "a node with a Traefik can be drained",
        "replica net/one runs with the settings",
        "replica net/two runs with the settings",
    ]


def test_two_on_one_node_and_a_budget_that_allows_nothing() -> None:
    found = failed(checked([pod("one", "a"), pod("two", "a")], allowed=0))
    assert found == {
        "Traefik's replicas run on different nodes": "1 nodes (a)",
        "a node with a Traefik can be drained": "PodDisruptionBudget net/edge with minAvailable 1 allows 0",
    }
    anyway = checked([pod("one", "a"), pod("two", "a")], when_unsatisfiable="ScheduleAnyway", min_available=0)
    assert failed(anyway) == {}


def test_a_replica_that_lacks_everything() -> None:
    bare = pod("two", "b", ARGUMENTS[:1], terminationGracePeriodSeconds=30)
    del bare["spec"]["containers"][0]["lifecycle"]
    (found,) = failed(checked([pod("one", "a", priorityClassName="high"), bare], priority_class="high")).values()
    for words in (
        "--serversTransport.forwardingTimeouts.dialTimeout is not set, not 2s",
        "--serversTransport.forwardingTimeouts.responseHeaderTimeout is not set, not 30s",
        "--entryPoints.web.transport.lifeCycle.graceTimeOut is not set, not 30s",
        "terminationGracePeriodSeconds is 30, not 60",
        "its preStop hook does not sleep 5 s",
        "priorityClassName is not set, not high",
    ):
        assert words in found


def test_a_replica_too_few() -> None:
    assert failed(checked([pod("one", "a")])) == {"Deployment net/edge is rolled out": "1 replicas are ready"}
    assert "Traefik's replicas run on different nodes" in failed(checked([]))
