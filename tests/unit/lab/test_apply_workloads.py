"""When workloads count as available, and which manifests they come from."""

from __future__ import annotations

from typing import Any

import pytest

from lab.apply_workloads import MONITORING, Workload, is_available, kustomizations, workloads


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


def test_workloads_of_manifests_and_the_clusters_dns() -> None:
    manifests = [
        {"kind": "Service", "metadata": {"name": "s", "namespace": "n"}},
        {"kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}},
        {"kind": "StatefulSet", "metadata": {"name": "s", "namespace": "n"}},
    ]
    wanted = [Workload("n", "d"), Workload("n", "s", "StatefulSet"), Workload("kube-system", "coredns")]
    assert workloads(manifests) == wanted


def test_each_traefik_version_has_its_kustomization() -> None:
    assert [folder.name for folder in kustomizations("3.7.9")] == ["workloads"]
    for version in ("3.7.9", "3.6.10"):
        [folder] = kustomizations(version)
        assert (folder / "kustomization.yaml").is_file()


def test_the_monitoring_is_applied_only_where_it_is_wanted() -> None:
    [usual] = kustomizations("3.7.9")
    folders = kustomizations("3.7.9", monitoring=True)
    assert folders == [usual, MONITORING]
    assert (MONITORING / "kustomization.yaml").is_file()
