"""What is proved of the running pods, and what is told of each that lacks something."""

from __future__ import annotations

from typing import Any

import pytest

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
OVER_NODES = {
    "topologyKey": "kubernetes.io/hostname",
    "maxSkew": 1,
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "edge"}},
}
STATUS = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def pod(name: str, node: str, arguments: list[str] | None = None, **spec: Any) -> dict[str, Any]:
    """A replica's pod, as it is to be."""
    hook = {"preStop": {"sleep": {"seconds": 5}}}
    container = {"name": "traefik", "args": arguments or ARGUMENTS, "lifecycle": hook}
    parts = {"nodeName": node, "terminationGracePeriodSeconds": 60, "containers": [container]}
    return {"metadata": {"name": name, "namespace": "net"}, "spec": parts | spec}


def ready(constraints: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    """The spec of two replicas that are placed so."""
    pod = {"containers": [{"name": "traefik"}], "topologySpreadConstraints": constraints}
    template = {"metadata": {"labels": {"app": "edge"}}, "spec": pod}
    return {"spec": {"replicas": 2, "minReadySeconds": 5, "template": template} | spec}


READY = ready([OVER_NODES])


def checked(
    pods: list[dict[str, Any]], allowed: int = 1, workload: dict[str, Any] = READY, **wishes: Any
) -> dict[str, Check]:
    """The checks of two replicas by name."""
    guard = budget("edge") | {"spec": {"minAvailable": 1}, "status": {"disruptionsAllowed": allowed}}
    found = situation(replicas=2, budgets=[guard], **workload)
    found.item["status"] = STATUS
    found.item["metadata"]["generation"] = 1
    found.workload.replicas = [Replica(each["metadata"]["name"], "net", "", "", True) for each in pods]
    defaults = {name: option.get("default") for name, option in WISHES.items()}
    done = checks(found, Wishes.of(defaults | {"min_available": 1} | wishes), pods)
    return {check.name: check for check in done}


def failed(found: dict[str, Check]) -> dict[str, str]:
    """What was found where a check did not pass."""
    return {name: check.found for name, check in found.items() if not check.passed}


def test_a_deployment_that_ends_all_of_its_pods_first_does_not_roll_as_wished() -> None:
    workload = ready([OVER_NODES], strategy={"type": "Recreate"})
    found = failed(checked([pod("one", "a"), pod("two", "b")], workload=workload))
    assert "its strategy is Recreate" in found["Deployment net/edge will roll as wished"]


def test_all_is_as_wished() -> None:
    found = checked([pod("one", "a"), pod("two", "b")])
    assert failed(found) == {}
    assert list(found) == [
        "Deployment net/edge is rolled out",
        "Deployment net/edge will roll as wished",
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
    loose = ready([OVER_NODES | {"whenUnsatisfiable": "ScheduleAnyway"}])
    both = [pod("one", "a"), pod("two", "a")]
    anyway = checked(both, workload=loose, when_unsatisfiable="ScheduleAnyway", min_available=0)
    assert failed(anyway) == {}


@pytest.mark.parametrize(
    ("workload", "wishes", "words"),
    [
        (ready([]), {}, "it has no topologySpreadConstraint over kubernetes.io/hostname for its pods"),
        (ready([OVER_NODES | {"topologyKey": "zone"}]), {}, "it has no topologySpreadConstraint"),
        (ready([OVER_NODES | {"labelSelector": {"matchLabels": {"app": "x"}}}]), {}, "it has no topologySpread"),
        (
            ready([OVER_NODES | {"whenUnsatisfiable": "ScheduleAnyway"}]),
            {},
            "whenUnsatisfiable over kubernetes.io/hostname is ScheduleAnyway, not DoNotSchedule",
        ),
        (ready([OVER_NODES | {"maxSkew": 5}]), {}, "maxSkew over kubernetes.io/hostname is 5, not 1"),
        (ready([OVER_NODES], minReadySeconds=0), {}, "minReadySeconds is 0, not 5"),
        (ready([OVER_NODES]), {"max_surge": 0}, "maxSurge is not set, not 0"),
        (
            ready([OVER_NODES], strategy={"rollingUpdate": {"maxUnavailable": "25%"}}),
            {"max_unavailable": 1},
            "maxUnavailable is 25%, not 1",
        ),
    ],
)
def test_how_the_next_roll_will_go_is_looked_at_too(
    workload: dict[str, Any], wishes: dict[str, Any], words: str
) -> None:
    found = failed(checked([pod("one", "a"), pod("two", "b")], workload=workload, **wishes))
    assert list(found) == ["Deployment net/edge will roll as wished"]
    assert words in found["Deployment net/edge will roll as wished"]


def test_a_replica_that_is_asked_too_early_whether_it_is_ready() -> None:
    early = pod("two", "b")
    early["spec"]["containers"][0]["readinessProbe"] = {"initialDelaySeconds": 2}
    (told,) = failed(checked([pod("one", "a"), early])).values()
    assert told == "its readiness is asked after 2 s, not 5 s"
    assert failed(checked([pod("one", "a"), early], readiness_delay=2)) == {}


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
