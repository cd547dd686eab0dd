"""The lab itself: it is what it says, stays as it is when called again, and heals when it is broken."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from lab.locks import only_run
from lab.settings import NODE_COUNT, Settings, from_environment, lock_folder
from lab.versions import KUBERNETES_VERSION
from tests.integration.lab_cluster import LabCluster, RequestFailed, eventually

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
# Generous: on a machine with other work a lab takes several times its usual minute.
UP_SECONDS = 900


@pytest.fixture(scope="module")
def settings(kubeconfig: Path) -> Settings:
    """The lab that the tests run on."""
    found = from_environment()
    if kubeconfig.resolve() != found.kubeconfig:
        pytest.skip("the tests run on another cluster than the lab")
    return found


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the lab's commands to its end."""
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=UP_SECONDS, check=False)


def status() -> dict[str, Any]:
    """What the lab says of itself."""
    report: dict[str, Any] = json.loads(lab("status", "--json").stdout)
    return report


def container_starts(settings: Settings) -> object:
    """When each node's container was started, as recorded when the cluster was complete."""
    return json.loads(settings.record.read_text())["started"]


def pods(cluster: LabCluster) -> list[dict[str, Any]]:
    """Every pod of the cluster that is not on its way out."""
    listed = cluster.read("/api/v1/pods")["items"]
    return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]


def test_three_nodes_are_ready_and_take_workloads(cluster: LabCluster, settings: Settings) -> None:
    nodes = cluster.read("/api/v1/nodes")["items"]
    assert len(nodes) == NODE_COUNT
    for node in nodes:
        ready = [condition["status"] for condition in node["status"]["conditions"] if condition["type"] == "Ready"]
        assert ready == ["True"]
        assert "taints" not in node["spec"]
        assert node["status"]["nodeInfo"]["kubeletVersion"] == KUBERNETES_VERSION


def test_no_image_was_pulled(cluster: LabCluster, settings: Settings) -> None:
    events = cluster.read("/api/v1/events", fieldSelector="involvedObject.kind=Pod")["items"]
    from_registry = [event["message"] for event in events if event["reason"] in ("Pulling", "Failed")]
    assert [message for message in from_registry if "localhost/lab/" in message] == []
    ours = [image for pod in pods(cluster) for image in images(pod) if pod["metadata"]["namespace"] != "kube-system"]
    assert [image for image in ours if image.startswith("localhost/lab/")]


def images(pod: dict[str, Any]) -> list[str]:
    """The images that a pod's containers name."""
    return [container["image"] for container in pod["spec"]["containers"]]


def test_every_workload_has_a_memory_limit(cluster: LabCluster, settings: Settings) -> None:
    without = [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in pods(cluster)
        for container in pod["spec"]["containers"]
        if pod["metadata"]["namespace"] != "kube-system" and "memory" not in container["resources"].get("limits", {})
    ]
    assert without == []


def test_each_node_answers_on_port_80(settings: Settings) -> None:
    """Traefik has a host port on each node: a name that nobody serves gives its own 404."""
    addresses = status()["node_addresses"]
    assert len(addresses) == NODE_COUNT
    for address in addresses.values():
        connection = http.client.HTTPConnection(address, 80, timeout=10)
        connection.request("GET", "/", headers={"Host": "nobody.lab.test"})
        assert connection.getresponse().status == 404
        connection.close()


def test_the_tier_policy_mutates_a_pod(cluster: LabCluster, settings: Settings) -> None:
    body = {
        "metadata": {"generateName": "probe-"},
        "spec": {"containers": [{"name": "probe", "image": "localhost/lab/nginx:1.31.3"}]},
    }
    path = "/api/v1/namespaces/poison-fountain/pods"
    made = json.loads(cluster.request("POST", path, {"dryRun": "All"}, body))
    assert made["spec"]["priorityClassName"] == "tier-4-aux"


def test_writes_are_in_the_audit_log_and_reads_are_not(cluster: LabCluster, settings: Settings) -> None:
    name = f"audit-{os.getpid()}"
    path = "/api/v1/namespaces/default/configmaps"
    cluster.request("POST", path, {"dryRun": "All"}, {"metadata": {"name": name}})
    with pytest.raises(RequestFailed):
        cluster.read(f"{path}/{name}")

    def entries() -> list[dict[str, Any]]:
        lines = settings.audit_log.read_text().splitlines()
        return [json.loads(line) for line in lines if name in line or "configmaps?dryRun=All" in line]

    eventually(entries, "the dry run in the audit log", seconds=30)
    [*_, entry] = entries()
    assert entry["verb"] == "create"
    assert "dryRun=All" in entry["requestURI"]
    assert entry["level"] == "Metadata"
    assert not [entry for entry in entries() if entry["verb"] == "get"]


@pytest.mark.slow
def test_a_second_call_changes_nothing(settings: Settings) -> None:
    before = container_starts(settings)
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert "was healthy" in again.stdout
    assert "made anew" not in again.stdout
    assert container_starts(settings) == before


@pytest.mark.slow
def test_a_second_run_at_the_same_time_is_refused(settings: Settings) -> None:
    with only_run(lock_folder(), settings.name):
        refused = lab("up")
    assert refused.returncode != 0
    assert f"process {os.getpid()}, since" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_setting_that_makes_no_sense_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TRAEFIK", "1.7")
    refused = lab("up")
    assert refused.returncode == 1
    assert "LAB_TRAEFIK=1.7" in refused.stderr
    with pytest.raises(LabError):
        from_environment()


@pytest.fixture
def second_lab(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Another lab beside the one that the other tests run on; nothing of it is left afterwards."""
    monkeypatch.setenv("LAB_NAME", "lab-to-break")
    monkeypatch.setenv("LAB_SOURCE", json.loads(settings.record.read_text())["source"])
    yield from_environment()
    assert lab("down").returncode == 0


@pytest.mark.slow
@pytest.mark.variation("a second lab, broken and healed")
def test_a_killed_node_is_healed_and_nothing_stays_when_it_is_taken_down(second_lab: Settings) -> None:
    first = lab("up")
    assert first.returncode == 0, first.stderr
    engine, node = status()["engine"], second_lab.node_names[-1]
    subprocess.run([engine, "kill", node], check=True, capture_output=True, timeout=60)
    broken = status()
    assert broken["healthy"] is False
    assert broken["nodes"][node] == "exited"

    healed = lab("up")
    assert healed.returncode == 0, healed.stderr
    assert f"{node} is exited" in healed.stdout
    assert status()["healthy"] is True

    down = lab("down")
    assert down.returncode == 0, down.stderr
    assert status()["nodes"] == {}
    assert not second_lab.kubeconfig.exists()
    for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        listed = subprocess.run([engine, *kind], check=True, capture_output=True, text=True, timeout=60).stdout
        assert second_lab.name not in listed
