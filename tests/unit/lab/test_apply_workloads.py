"""When workloads count as available, and which manifests they come from."""

from __future__ import annotations

from typing import Any

import pytest

from lab.apply_workloads import Workload, deployments, is_available, kustomization


def deployment(**status: int) -> dict[str, Any]:
    full = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
    return {"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": {**full, **status}}


def test_available() -> None:
    assert is_available(deployment())


@pytest.mark.parametrize(
    "status",
    [{"observedGeneration": 1}, {"updatedReplicas": 2}, {"availableReplicas": 2}, {"replicas": 4}],
    ids=["not seen yet", "old replicas serve", "not all serve", "old replicas still end"],
)
def test_not_yet_available(status: dict[str, int]) -> None:
    assert not is_available(deployment(**status))


def test_a_new_deployment_without_status_is_not_available() -> None:
    assert not is_available({"metadata": {"generation": 1}, "spec": {}})


def test_deployments_of_manifests_and_the_clusters_dns() -> None:
    manifests = [
        {"kind": "Service", "metadata": {"name": "s", "namespace": "n"}},
        {"kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}},
    ]
    assert deployments(manifests) == [Workload("n", "d"), Workload("kube-system", "coredns")]


def test_each_traefik_version_has_its_kustomization() -> None:
    assert kustomization("3.7.9").name == "workloads"
    for version in ("3.7.9", "3.6.10"):
        assert (kustomization(version) / "kustomization.yaml").is_file()
