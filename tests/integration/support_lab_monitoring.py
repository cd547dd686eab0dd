"""The monitoring of the lab through the API server's proxy: each Prometheus, Alertmanager, and where alerts end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.lab_cluster import LabCluster, RequestFailed

NAMESPACE = "monitoring"
PROMETHEUS = "app.kubernetes.io/name=prometheus,app.kubernetes.io/component=server"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"


@dataclass(frozen=True)
class Monitoring:
    """The stack of a lab that was made with LAB_MONITORING=1."""

    cluster: LabCluster

    def replicas(self) -> list[str]:
        """The pods of Prometheus that are Ready; fewer than wanted is an error."""
        ready = self.cluster.ready_pods(NAMESPACE, PROMETHEUS)
        wanted = self.cluster.read(f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/prometheus-server")
        assert len(ready) == wanted["spec"]["replicas"], f"Ready replicas of Prometheus: {ready}"
        return ready

    def targets(self, replica: str) -> list[dict[str, Any]]:
        """What this replica scrapes: each with `labels`, `health` (up, down, unknown) and `lastError`."""
        found: list[dict[str, Any]] = self._ask(replica, "targets", state="active")["activeTargets"]
        return found

    def query(self, replica: str, expression: str) -> list[dict[str, Any]]:
        """The instant vector of an expression in this replica: each with `metric` and `value` (time, text)."""
        found: list[dict[str, Any]] = self._ask(replica, "query", query=expression)["result"]
        return found

    def rules(self, replica: str) -> list[dict[str, Any]]:
        """The rules of all groups that this replica has loaded."""
        return [rule for group in self._ask(replica, "rules")["groups"] for rule in group["rules"]]

    def reload(self, replica: str) -> None:
        """Have this replica read its configuration and rules anew. Raises RequestFailed when it refuses them."""
        self.cluster.request("POST", f"{PODS}/{replica}:9090/proxy/-/reload")

    def alerts(self) -> list[dict[str, Any]]:
        """What Alertmanager holds: each with `labels`, `annotations`, `status` (state, inhibitedBy, silencedBy)."""
        found: list[dict[str, Any]] = json.loads(
            self.cluster.request("GET", f"{SERVICES}/alertmanager:9093/proxy/api/v2/alerts")
        )
        return found

    def post_alerts(self, *alerts: dict[str, Any]) -> None:
        """Hand alerts to Alertmanager as a Prometheus does: `labels`, and `endsAt` for one that is over."""
        self.cluster.request("POST", f"{SERVICES}/alertmanager:9093/proxy/api/v2/alerts", body=list(alerts))

    def notifications(self) -> list[dict[str, Any]]:
        """What reached the sink, oldest first: `at` (ISO time) and `notification` (the webhook's body)."""
        found: list[dict[str, Any]] = json.loads(
            self.cluster.request("GET", f"{SERVICES}/alert-sink:8080/proxy/received")
        )
        return found

    def delivered(self, **labels: str) -> list[dict[str, Any]]:
        """The alerts with these labels that reached the sink, oldest first: `status` is firing or resolved."""
        arrived = [alert for entry in self.notifications() for alert in entry["notification"]["alerts"]]
        return [alert for alert in arrived if labels.items() <= alert["labels"].items()]

    def _ask(self, replica: str, path: str, **query: str) -> Any:
        return self.cluster.read(f"{PODS}/{replica}:9090/proxy/api/v1/{path}", **query)["data"]


def monitoring_of(cluster: LabCluster) -> Monitoring:
    """The monitoring of this lab; the test is skipped where it has none."""
    try:
        cluster.read(f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/prometheus-server")
    except RequestFailed as error:
        if ": 404 " not in str(error):
            raise
        pytest.skip("this lab has no monitoring: LAB_MONITORING=1 make lab")
    return Monitoring(cluster)
