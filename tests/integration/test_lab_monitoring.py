"""The monitoring of the lab: each Prometheus sees everything, and an alert arrives where alerts end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.settings import from_environment
from tests.integration.lab_cluster import LabCluster, RequestFailed, eventually
from tests.integration.support_lab_monitoring import NAMESPACE, PODS, SERVICES, Monitoring, monitoring_of

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
# The kubelet brings a changed ConfigMap within its sync period of a minute, give or take half of it.
MOUNT_SECONDS = 150
UP_SECONDS = 900
STATIC_JOBS = {"prometheus", "alertmanager", "kube-state-metrics", "prometheus-pushgateway"}


@pytest.fixture(scope="module")
def monitoring(cluster: LabCluster) -> Monitoring:
    """The stack that these tests are about."""
    return monitoring_of(cluster)


@pytest.fixture
def mark() -> str:
    """A label's value that no other run uses."""
    return f"probe-{uuid.uuid4().hex[:12]}"


def annotated_pods(cluster: LabCluster) -> set[tuple[str, str]]:
    """Namespace and name of each running pod that asks to be scraped."""
    pods = cluster.read("/api/v1/pods", fieldSelector="status.phase=Running")["items"]
    asking = [
        pod["metadata"]
        for pod in pods
        if pod["metadata"].get("annotations", {}).get("prometheus.io/scrape") == "true"
        and "deletionTimestamp" not in pod["metadata"]
    ]
    return {(metadata["namespace"], metadata["name"]) for metadata in asking}


def test_every_container_is_bounded_and_may_do_little(cluster: LabCluster, monitoring: Monitoring) -> None:
    pods = cluster.pods(NAMESPACE, "")
    assert len(pods) >= len(STATIC_JOBS)
    for pod in pods:
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["spec"]["containers"]:
            assert container["image"].startswith("localhost/lab/")
            assert set(container["resources"]["limits"]) == {"memory"}
            assert "memory" in container["resources"]["requests"]
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def complaints(cluster: LabCluster, monitoring: Monitoring, replica: str) -> list[str]:
    """What this replica does not scrape, or not well: a line each."""
    targets = monitoring.targets(replica)
    pods = {(target["labels"].get("namespace", ""), target["labels"].get("pod", "")) for target in targets}
    jobs = {target["labels"]["job"] for target in targets}
    missing = [f"{job}: no target" for job in STATIC_JOBS - jobs]
    missing += [f"{namespace}/{pod}: no target" for namespace, pod in annotated_pods(cluster) - pods]
    return missing + [f"{target['scrapeUrl']}: {target['lastError']}" for target in targets if target["health"] != "up"]


def test_each_replica_scrapes_every_target(cluster: LabCluster, monitoring: Monitoring) -> None:
    assert annotated_pods(cluster)
    for replica in monitoring.replicas():

        def none_left(replica: str = replica) -> bool:
            return complaints(cluster, monitoring, replica) == []

        eventually(none_left, f"every target of {replica} is up")


def test_traefiks_series_bear_the_charts_labels(monitoring: Monitoring) -> None:
    for replica in monitoring.replicas():
        series = monitoring.query(replica, 'up{job="kubernetes-pods",namespace="traefik",app="traefik"} == 1')
        assert len(series) == 3
        assert len({entry["metric"]["node"] for entry in series}) == 3
        assert len({entry["metric"]["pod"] for entry in series}) == 3


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('kube_deployment_spec_replicas{namespace="traefik",deployment="traefik"}', "3"),
        ('kube_deployment_status_replicas_available{namespace="tier-policy",deployment="tier-controller"}', "1"),
        ('count(kube_pod_info{namespace="tier-policy",node!=""})', "1"),
        ('count(kube_node_status_condition{condition="Ready",status="true"} == 1)', "3"),
        ("sum(kube_node_spec_unschedulable)", "0"),
    ],
)
def test_each_replica_knows_the_clusters_state(monitoring: Monitoring, expression: str, value: str) -> None:
    for replica in monitoring.replicas():
        [found] = monitoring.query(replica, expression)
        assert found["value"][1] == value


@pytest.fixture
def pushed(cluster: LabCluster, monitoring: Monitoring, kubeconfig: Path, mark: str) -> Iterator[str]:
    """The job of a pushed metric `lab_probe` of value 7; nothing of it stays in the Pushgateway."""
    path = f"{SERVICES}/prometheus-pushgateway:9091/proxy/metrics/job/{mark}"
    kubectl = [
        str(ROOT / "lab" / "bin" / "kubectl"),
        "--kubeconfig",
        str(kubeconfig),
        "create",
        "--raw",
        path,
        "-f",
        "-",
    ]
    subprocess.run(kubectl, input=b"lab_probe 7\n", check=True, capture_output=True, timeout=60)
    yield mark
    cluster.request("DELETE", path)


def test_what_is_pushed_arrives_in_each_replica_under_its_own_job(monitoring: Monitoring, pushed: str) -> None:
    for replica in monitoring.replicas():
        expression = f'lab_probe{{job="{pushed}"}}'
        eventually(partial(monitoring.query, replica, expression), f"{expression} in {replica}")
        [found] = monitoring.query(replica, expression)
        assert found["value"][1] == "7"


def test_a_posted_alert_reaches_the_sink_and_so_does_its_end(monitoring: Monitoring, mark: str) -> None:
    alert: dict[str, Any] = {"labels": {"alertname": "LabProbe", "probe": mark}, "annotations": {"summary": "a probe"}}
    monitoring.post_alerts(alert)
    eventually(lambda: monitoring.delivered(probe=mark), "the alert in the sink")
    [firing] = monitoring.delivered(probe=mark)
    assert firing["status"] == "firing"
    assert firing["annotations"] == {"summary": "a probe"}
    monitoring.post_alerts({**alert, "startsAt": firing["startsAt"], "endsAt": datetime.now(UTC).isoformat()})
    eventually(lambda: len(monitoring.delivered(probe=mark)) > 1, "the alert's end in the sink")
    assert monitoring.delivered(probe=mark)[-1]["status"] == "resolved"


@pytest.fixture
def rule(cluster: LabCluster, monitoring: Monitoring, mark: str) -> Iterator[str]:
    """The name of an alert that always fires, mounted into every replica; nothing of it stays."""
    name = f"Lab{mark.replace('-', '').title()}"
    rules = [{"alert": name, "expr": "vector(1)", "labels": {"severity": "none"}}]
    key = f"{mark}.yml"
    content = {"data": {key: json.dumps({"groups": [{"name": mark, "rules": rules}]})}}
    there = {item["metadata"]["name"] for item in cluster.read(CONFIG_MAPS)["items"]}
    made = "prometheus-rules" not in there
    if made:
        cluster.request("POST", CONFIG_MAPS, body={"metadata": {"name": "prometheus-rules"}, **content})
    else:
        cluster.request("PATCH", f"{CONFIG_MAPS}/prometheus-rules", body=content)
    yield name
    if made:
        cluster.request("DELETE", f"{CONFIG_MAPS}/prometheus-rules")
    else:
        cluster.request("PATCH", f"{CONFIG_MAPS}/prometheus-rules", body={"data": {key: None}})
    await_rule(cluster, monitoring, name, wanted=False)


def await_rule(cluster: LabCluster, monitoring: Monitoring, name: str, *, wanted: bool) -> None:
    """Reload each replica until it has the rule, or has it no more."""
    for replica in monitoring.replicas():
        # A change of the pod makes its kubelet look at the pod's volumes.
        hurry = {"metadata": {"annotations": {"lab/hurry": uuid.uuid4().hex}}}
        cluster.request("PATCH", f"{PODS}/{replica}", body=hurry)

        def as_wanted(replica: str = replica) -> bool:
            monitoring.reload(replica)
            return wanted == (name in {loaded["name"] for loaded in monitoring.rules(replica)})

        eventually(as_wanted, f"{replica} {'has' if wanted else 'has no more'} the rule {name}", MOUNT_SECONDS)


@pytest.mark.slow
def test_a_mounted_rule_fires_in_each_replica_and_is_one_alert(
    cluster: LabCluster, monitoring: Monitoring, rule: str
) -> None:
    await_rule(cluster, monitoring, rule, wanted=True)
    for replica in monitoring.replicas():
        firing = f'ALERTS{{alertname="{rule}",alertstate="firing"}}'
        eventually(partial(monitoring.query, replica, firing), f"{rule} fires in {replica}")
    eventually(lambda: monitoring.delivered(alertname=rule), f"{rule} in the sink")
    held = [alert for alert in monitoring.alerts() if alert["labels"]["alertname"] == rule]
    assert len(held) == 1


@pytest.mark.parametrize(
    ("group", "plural", "kind", "version"),
    [
        ("monitoring.coreos.com", "prometheusrules", "PrometheusRule", "v1"),
        ("operator.victoriametrics.com", "vmrules", "VMRule", "v1beta1"),
    ],
)
def test_the_operators_kinds_take_rules_and_refuse_nonsense(
    cluster: LabCluster, monitoring: Monitoring, group: str, plural: str, kind: str, version: str
) -> None:
    path = f"/apis/{group}/{version}/namespaces/{NAMESPACE}/{plural}"
    rules = [{"alert": "Probe", "expr": "vector(1)", "for": "1m", "labels": {"severity": "none"}}]
    body = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": "probe"}}
    good = {**body, "spec": {"groups": [{"name": "probe", "rules": rules}]}}
    made = json.loads(cluster.request("POST", path, {"dryRun": "All"}, good))
    assert made["spec"] == good["spec"]
    with pytest.raises(RequestFailed, match="422"):
        cluster.request("POST", path, {"dryRun": "All"}, {**body, "spec": {"groups": [{"rules": "none"}]}})


@pytest.mark.slow
def test_without_the_variable_the_stack_is_left_alone(
    cluster: LabCluster, monitoring: Monitoring, kubeconfig: Path
) -> None:
    if kubeconfig.resolve() != from_environment().kubeconfig:
        pytest.skip("the tests run on another cluster than the lab")
    before = {pod["metadata"]["uid"] for pod in cluster.pods(NAMESPACE, "")}
    environment = {name: value for name, value in os.environ.items() if name != "LAB_MONITORING"}
    command = [sys.executable, "-m", "lab", "up"]
    again = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=UP_SECONDS, check=False
    )
    assert again.returncode == 0, again.stderr
    assert "was healthy" in again.stdout
    assert {pod["metadata"]["uid"] for pod in cluster.pods(NAMESPACE, "")} == before
