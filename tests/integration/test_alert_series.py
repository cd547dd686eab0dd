"""The series that rules and dashboard ask for are those that a real Traefik and kube-state-metrics have."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.metrics_text import samples
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.expressions import metric_names
from tests.integration.http_in_pod import Door, ask_all
from tests.integration.lab_cluster import LabCluster
from tests.integration.support_lab_monitoring import Monitoring, monitoring_of
from tests.rules.clusters import CLUSTERS
from tests.rules.dashboard import expressions
from tests.rules.rendering import render, rules_in


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all metrics that rules and dashboard ask for."""
    rules = rules_in(render(CLUSTERS["whole"], tmp_path_factory.mktemp("rules")))
    return {
        name for each in [*expressions().values(), *(rule["expr"] for rule in rules)] for name in metric_names(each)
    }


@pytest.fixture(scope="module")
def monitoring(cluster: LabCluster) -> Monitoring:
    """The lab's own."""
    return monitoring_of(cluster)


def test_traefik_has_what_is_asked_of_it(cluster: LabCluster, traefik_doors: list[Door], asked: set[str]) -> None:
    # Series of answers are there from the first answer on.
    ask_all(traefik_doors, "public.lab.test", "/get")
    wanted = {name for name in asked if name.startswith(("traefik_", "process_")) and "_parity_" not in name}
    assert len(wanted) >= 5
    for door in traefik_doors:
        text = cluster.request(
            "GET", f"/api/v1/namespaces/{door.namespace}/pods/{door.pod}:9100/proxy/metrics"
        ).decode()
        assert wanted <= {name for name, _labels, _value in samples(text)}, door.pod


def test_kube_state_metrics_has_what_is_asked_of_it(monitoring: Monitoring, asked: set[str]) -> None:
    wanted = {name for name in asked if name.startswith("kube_")}
    assert len(wanted) >= 8
    for replica in monitoring.replicas():
        missing = {name for name in wanted if not monitoring.query(replica, f"count({name})")}
        assert not missing, replica


def test_series_of_pods_have_the_labels_that_the_rules_go_by(cluster: LabCluster, monitoring: Monitoring) -> None:
    pods = cluster.ready_pods("traefik", "app.kubernetes.io/instance=traefik-traefik")
    for replica in monitoring.replicas():
        for series in ("process_start_time_seconds", "traefik_config_last_reload_success", "kube_pod_info"):
            found = {
                each["metric"].get("pod") for each in monitoring.query(replica, f'{series}{{namespace="traefik"}}')
            }
            assert found >= set(pods), f"{replica}: {series}"


def test_every_recorded_series_of_traefik_comes_about(
    monitoring: Monitoring, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The cluster's own parts: what is said of proxies needs proxies."""
    rules = rules_in(render(CLUSTERS["bare"], tmp_path_factory.mktemp("bare")))
    for replica in monitoring.replicas():
        for rule in rules:
            if "record" in rule:
                assert monitoring.query(replica, rule["expr"]), f"{replica}: {rule['record']}"
