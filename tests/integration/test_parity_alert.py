"""A replica without a router raises an alert on a real Prometheus, and one that comes back resolves it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api, Server
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_engine import namespace_object, remove
from tests.integration.support_monitoring import OwnMonitoring, require_monitoring, servers
from tests.integration.support_parity_lab import BLIND, NAME, NAMESPACE, VARIABLES, LabExporter, blinded
from tests.integration.support_role import RolePlayer, new_run

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.alone]

LOST, STALE = "TraefikRouterParityLost", "TraefikParityStale"
# A replica is compared after 10 s, a loss is told after two rounds of 10 s, and has to last for as long as this.
LOST_FOR = 20
SECONDS = 240.0


@dataclass(frozen=True)
class OwnScraping(OwnMonitoring):
    """Scrapes the exporter itself: federated series outlive what they tell of by five minutes."""

    def _files(self) -> list[Object]:
        files = super()._files()
        kept = files[0]["data"]
        configuration = yaml.safe_load(kept["prometheus.yml"])
        federation = configuration["scrape_configs"][0]
        federation["params"] = {
            "match[]": ['{__name__=~"(kube|traefik|fallback|process)_.+",__name__!~"traefik_parity_.+"}']
        }
        target = {"targets": [f"{NAME}.{NAMESPACE}.svc.cluster.local:9113"], "labels": {"namespace": NAMESPACE}}
        configuration["scrape_configs"].append({"job_name": "parity", "static_configs": [target]})
        kept["prometheus.yml"] = yaml.safe_dump(configuration)
        return files


@pytest.fixture
def prometheus(admin: Client, kubeconfig: Path, tmp_path: Path) -> Iterator[list[Server]]:
    """Replicas of Prometheus with the lab's series and the rules of the role, which brings the exporter too."""
    require_monitoring(admin)
    own = OwnScraping(f"parity-{uuid4().hex[:8]}")
    Writer(admin, check_mode=False).apply([namespace_object(own.namespace)])
    image = {name: value for name, value in VARIABLES.items() if name.startswith("alerts_parity")}
    settings: dict[str, Any] = {
        "alerts_parity_lost_for": f"{LOST_FOR}s",
        "alerts_parity_sites_left_out": [],
        "alerts_wait_timeout": 120,
        "alerts_dashboard": False,
    }
    role = RolePlayer("alerts", tmp_path, {"kubeconfig": str(kubeconfig)}, settings | image | own.settings, new_run())
    try:
        own.run(admin)
        role.play().well()
        yield servers(admin, own)[0]
    finally:
        role.roll_back()
        remove(admin, ObjectRef("v1", "Namespace", own.namespace))


def _firing(admin: Client, server: Server, name: str) -> list[str]:
    """The replicas that the alert fires about on this Prometheus."""
    with Api(admin, server) as api:
        alerts = api.data("/api/v1/alerts", {})["alerts"]
    return sorted(
        alert["labels"].get("replica", "")
        for alert in alerts
        if alert["labels"]["alertname"] == name and alert["state"] == "firing"
    )


def _everywhere(admin: Client, prometheus: list[Server], replicas: list[str]) -> bool:
    return all(_firing(admin, server, LOST) == replicas for server in prometheus)


def test_a_replica_without_a_router_raises_the_alert_until_it_is_gone(
    prometheus: list[Server], admin: Client, cluster: LabCluster, writer: Writer
) -> None:
    exporter = LabExporter(cluster)
    eventually(lambda: len(exporter.missing()) == 3, "all replicas are compared", SECONDS)
    assert all(_firing(admin, server, name) == [] for server in prometheus for name in (LOST, STALE))
    began = time.monotonic()
    with blinded(admin, writer):
        eventually(lambda: _everywhere(admin, prometheus, [BLIND]), f"every Prometheus raises {LOST}", SECONDS)
        raised = time.monotonic() - began
        assert all(_firing(admin, server, STALE) == [] for server in prometheus)
    gone = time.monotonic()
    eventually(lambda: _everywhere(admin, prometheus, []), f"every Prometheus resolves {LOST}", SECONDS)
    print(f"raised after {raised:.0f} s, resolved {time.monotonic() - gone:.0f} s after the replica was gone")
