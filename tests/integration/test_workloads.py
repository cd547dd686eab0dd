"""The workloads are what the collection expects to meet: a chart's Traefik with the weaknesses of a normal day."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import LabCluster

pytestmark = pytest.mark.alone

NAMESPACES = ("traefik", "authentik", "poison-fountain", "apps", "tier-policy")


@pytest.fixture
def traefik(cluster: LabCluster) -> dict[str, Any]:
    """Traefik's Deployment."""
    return cluster.deployment("traefik", "traefik")


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_container_is_bounded_and_may_do_little(cluster: LabCluster, namespace: str) -> None:
    pods = cluster.pods(namespace, "")
    assert pods
    for pod in pods:
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["spec"]["containers"]:
            assert set(container["resources"]["limits"]) == {"memory"}
            assert "memory" in container["resources"]["requests"]
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_traefik_bears_the_charts_names_and_no_helm_mark(traefik: dict[str, Any]) -> None:
    labels = {"app.kubernetes.io/name": "traefik", "app.kubernetes.io/instance": "traefik-traefik"}
    assert traefik["spec"]["selector"]["matchLabels"] == labels
    marks = {*traefik["metadata"]["labels"], *traefik["metadata"].get("annotations", {})}
    assert not [mark for mark in marks if "helm" in mark or mark == "app.kubernetes.io/managed-by"]


def test_traefik_has_the_weaknesses(cluster: LabCluster, traefik: dict[str, Any]) -> None:
    template = traefik["spec"]["template"]["spec"]
    arguments = template["containers"][0]["args"]
    assert traefik["spec"]["replicas"] == 3
    assert "topologySpreadConstraints" not in template
    assert "--serversTransport.forwardingTimeouts.responseHeaderTimeout=0s" in arguments
    budgets = cluster.read("/apis/policy/v1/namespaces/traefik/poddisruptionbudgets")["items"]
    assert budgets == []


def test_forward_auth_points_straight_at_its_targets(cluster: LabCluster) -> None:
    path = "/apis/traefik.io/v1alpha1/namespaces/traefik/middlewares"
    specs = {item["metadata"]["name"]: item["spec"] for item in cluster.read(path)["items"]}
    hosts = {
        name: spec["forwardAuth"]["address"].split("/")[2] for name, spec in specs.items() if "forwardAuth" in spec
    }
    assert hosts == {
        "ai-bot-block": "poison-fountain.poison-fountain.svc.cluster.local:8080",
        "authentik-forward-auth": "ak-outpost-authentik-embedded-outpost.authentik.svc.cluster.local:9000",
    }


def test_the_api_is_closed_on_every_replica(cluster: LabCluster, traefik_doors: list[Door]) -> None:
    for door in traefik_doors:
        closed = Door(cluster, door.namespace, door.pod, 8080)
        assert ask(closed, "any", "/api/overview").status == 404
        assert ask(closed, "any", "/ping").status == 200


@pytest.mark.parametrize("port", [80, 443])
def test_each_replica_serves_its_nodes_port(cluster: LabCluster, traefik_doors: list[Door], port: int) -> None:
    pods = cluster.pods("traefik", "app.kubernetes.io/name=traefik")
    ports = [entry.get("hostPort") for pod in pods for entry in pod["spec"]["containers"][0]["ports"]]
    assert ports.count(port) == len(traefik_doors) == len({pod["spec"]["nodeName"] for pod in pods})
