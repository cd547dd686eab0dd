"""A HelmChartConfig that k3s does not carry out in time goes back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import NotFound
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import K3S, Delivery
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import k3s
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import Release
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import CATTLE, ValuesPlan
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

CONFIG = ObjectRef(CATTLE, "HelmChartConfig", "traefik", "kube-system")
NAMES = {"name": "traefik", "namespace": "kube-system"}
OWNER = {"manager": "somebody", "operation": "Update", "apiVersion": CATTLE, "fieldsType": "FieldsV1"}
OWNERS: list[dict[str, Any]] = [OWNER | {"fieldsV1": {"f:spec": {"f:valuesContent": {}}}}]
FORMER = "# Somebody's own.\nadditionalArguments: [--log.level=INFO]\n"
FLAG = "--ping.entryPoint=web"


class Cluster(Client):
    """Keeps the HelmChartConfig, and a Deployment that nobody upgrades; ``arguments`` are what it runs with."""

    def __init__(self, text: str | None) -> None:
        super().__init__({})
        self.config: Object | None = _config(text) if text is not None else None
        self.arguments: list[str] = []
        self.meddled = False

    def request(self, method: str, path: str, **more: Any) -> Any:
        if path == "/apis/helm.cattle.io/v1":
            kinds = (("HelmChart", "helmcharts"), ("HelmChartConfig", "helmchartconfigs"))
            return {"resources": [{"kind": kind, "name": name, "namespaced": True} for kind, name in kinds]}
        if path.endswith("/helmchartconfigs/traefik"):
            return self._of_config(method, **more)
        if path.endswith("/helmcharts/traefik"):
            return {"kind": "HelmChart", "metadata": NAMES, "status": {"jobName": "helm-install-traefik"}}
        if path.endswith("/events"):
            event = {"involvedObject": {"name": "helm-install-traefik-1"}, "reason": "Failed", "message": "no image"}
            return {"items": [event | {"metadata": {}}]}
        if path.endswith("/deployments/traefik"):
            if self.meddled and self.config:
                self.config["spec"]["valuesContent"] = "theirs: true\n"
            containers = [{"args": list(self.arguments)}]
            spec = {"replicas": 1, "template": {"spec": {"containers": containers}}}
            return {"kind": "Deployment", "metadata": NAMES | {"generation": 1}, "spec": spec, "status": {}}
        raise NotFound("no", status=404, reason="NotFound", causes=[])

    def _of_config(self, method: str, *, body: Any = None, query: Any = None, **_more: Any) -> Object:
        if method == "DELETE":
            self.config = None
            return {}
        if method == "GET" and self.config is None:
            raise NotFound("no", status=404, reason="NotFound", causes=[])
        after = copy.deepcopy(self.config) or {"metadata": dict(NAMES)}
        if isinstance(body, list):
            after["metadata"]["managedFields"] = body[-1]["value"]
        elif body:
            after = after | {"apiVersion": CATTLE, "kind": "HelmChartConfig", "spec": dict(body["spec"])}
            after["metadata"]["managedFields"] = [OWNERS[0] | {"manager": "resilient-traefik"}]
        if not (query or {}).get("dryRun") and method == "PATCH":
            after["metadata"] |= {"resourceVersion": "2", "uid": "u"}
            self.config = copy.deepcopy(after)
        return after


def _config(text: str) -> Object:
    metadata = NAMES | {"resourceVersion": "1", "uid": "u", "managedFields": OWNERS}
    return {"apiVersion": CATTLE, "kind": "HelmChartConfig", "metadata": metadata, "spec": {"valuesContent": text}}


def _deliver(cluster: Cluster) -> dict[str, Any]:
    former = copy.deepcopy(cluster.config)
    config = yaml.safe_load(former["spec"]["valuesContent"]) if former else {}
    wished: dict[tuple[str, ...], Any] = {("additionalArguments",): [FLAG]}
    plan = ValuesPlan(str(CONFIG), Release({}, config, (), {}, False), wished, None, CONFIG, former)
    task = Task({"wait": True, "wait_timeout": 1})
    task.client = cluster
    workload = Workload(ObjectRef("apps/v1", "Deployment", **NAMES), "3.7.9", [], {}, {}, "arguments", "", 1, {})
    return k3s.deliver(task, Situation(workload, Delivery(K3S), {}, None), plan)


def test_the_former_values_come_back_with_their_owner() -> None:
    cluster = Cluster(FORMER)
    with pytest.raises(k3s.NotCarriedOut) as failed:
        _deliver(cluster)
    words = str(failed.value)
    assert words.startswith(f"{CONFIG} is as it was, which k3s carries out by itself. not upgraded by k3s after 1 s")
    assert f"the helm controller has not brought {FLAG} yet" in words
    assert "Failed: no image" in words, "what the Job says that runs helm"
    assert cluster.config
    assert cluster.config["spec"] == {"valuesContent": FORMER}
    assert cluster.config["metadata"]["managedFields"] == OWNERS


def test_what_was_not_there_goes_again() -> None:
    cluster = Cluster(None)
    with pytest.raises(k3s.NotCarriedOut, match="is gone again, which k3s carries out by itself"):
        _deliver(cluster)
    assert cluster.config is None


def test_what_somebody_else_changed_meanwhile_stays() -> None:
    cluster = Cluster(FORMER)
    cluster.meddled = True
    with pytest.raises(k3s.NotCarriedOut, match="was changed by somebody else meanwhile and is left as it is"):
        _deliver(cluster)
    assert cluster.config
    assert cluster.config["spec"] == {"valuesContent": "theirs: true\n"}


def test_one_time_is_for_the_upgrade_and_for_getting_ready() -> None:
    """Brought, but never ready: that is taken back too."""
    cluster = Cluster(FORMER)
    cluster.arguments = ["--log.level=INFO", FLAG]
    with pytest.raises(k3s.NotCarriedOut, match=r"is as it was.* not ready after 1 s"):
        _deliver(cluster)
    assert cluster.config
    assert cluster.config["spec"] == {"valuesContent": FORMER}
