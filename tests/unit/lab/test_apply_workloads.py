"""When workloads count as available, and which manifests they come from."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from lab.apply_workloads import WORKLOADS, Workload, apply, is_available, workloads
from lab.kube import Kubectl
from lab.progress import Progress
from lab.settings import from_environment
from lab.versions import TRAEFIK_VERSIONS


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


class Applied:
    """kubectl, that renders a folder as its name and one Deployment, and keeps what it is asked to apply."""

    def __init__(self) -> None:
        self.rendered: list[Path] = []
        self.manifests: list[dict[str, Any]] = []

    def run(self, *words: str | Path, doing: str, stdin: str = "", check: bool = True) -> SimpleNamespace:
        if words[0] == "kustomize":
            self.rendered.append(Path(words[1]))
            return SimpleNamespace(stdout=(Path(words[1]) / "traefik" / "deployment.yaml").read_text())
        self.manifests += yaml.safe_load_all(stdin)
        return SimpleNamespace(stdout="")

    def get(self, *_words: str, doing: str) -> dict[str, Any]:
        found = [{**deployment(), "kind": "Deployment"} for _ in range(2)]
        for item, (namespace, name) in zip(found, [("traefik", "traefik"), ("kube-system", "coredns")], strict=True):
            item["metadata"] |= {"namespace": namespace, "name": name}
        return {"items": found}


@pytest.mark.parametrize("version", TRAEFIK_VERSIONS)
def test_traefik_is_applied_in_the_version_that_is_wanted(version: str) -> None:
    settings, kubectl = from_environment({"HOME": "/h", "LAB_TRAEFIK": version}), Applied()
    apply(cast(Kubectl, kubectl), [], settings, Progress(out=io.StringIO()))
    [traefik] = kubectl.manifests
    template = traefik["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == f"localhost/lab/traefik:v{version}"
    assert template["metadata"]["labels"]["app.kubernetes.io/version"] == f"v{version}"
    assert kubectl.rendered == [WORKLOADS]
