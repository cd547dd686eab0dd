"""A Prometheus and an Alertmanager of a test's own, with the lab's images: what others watch stays as it is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api, Server
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import find_stack

MONITORING = "monitoring"
SECONDS = 120
# A file of the user's: comments, quotes and a secret in it.
ALERTMANAGER_FILE = """\
# on-call: ask before you change this
global:
  smtp_auth_password: 's3cret-of-theirs'
route:
  receiver: team   # everything
  group_wait: 1s
  group_interval: 2s
receivers:
- name: team
  webhook_configs: [{url: "http://SINK/alerts"}]
inhibit_rules:
- source_matchers: [severity=critical]
  target_matchers: [severity=info]
"""


def require_monitoring(admin: Client) -> None:
    """Skips the test where the lab has no monitoring: there are no images to run either."""
    if admin.find(ObjectRef("apps/v1", "StatefulSet", "prometheus-server", MONITORING)) is None:
        pytest.skip("the lab has no monitoring: LAB_MONITORING=1 make lab")


@dataclass(frozen=True)
class OwnMonitoring:
    """Names no label that others look for. ``arguments`` are more of Prometheus' own, ``secret`` keeps Alertmanager's
    configuration in a Secret.
    """

    namespace: str
    arguments: Sequence[str] = ("--web.enable-lifecycle",)
    replicas: int = 2
    secret: bool = False
    series_of: str = f"prometheus-server.{MONITORING}.svc.cluster.local:80"
    sink: str = f"alert-sink.{MONITORING}.svc.cluster.local:8080"

    @property
    def settings(self) -> dict[str, Any]:
        """The role's variables that lead to these."""
        return {
            "alerts_prometheus": {"namespace": self.namespace, "label_selectors": ["app=own-prometheus"]},
            "alerts_alertmanager": {"namespace": self.namespace, "label_selectors": ["app=own-alertmanager"]},
        }

    @property
    def kept_in(self) -> ObjectRef:
        """What keeps Alertmanager's configuration."""
        return ObjectRef("v1", "Secret" if self.secret else "ConfigMap", "own-alertmanager", self.namespace)

    def run(self, client: Client) -> None:
        """Brings them up and waits."""
        prometheus = _image(client, "prometheus-server")
        alertmanager = _image(client, "alertmanager")
        workloads = [
            self._workload("own-prometheus", prometheus, self._prometheus_arguments(), 9090, self.replicas),
            self._workload(
                "own-alertmanager", alertmanager, ["--config.file=/etc/config/am.yml", "--storage.path=/data"], 9093, 1
            ),
        ]
        Writer(client, check_mode=False).apply([*self._files(), self._service(), *workloads])
        refs = [ObjectRef("apps/v1", "StatefulSet", each["metadata"]["name"], self.namespace) for each in workloads]
        wait_until_ready(client, refs, SECONDS, lambda line: None)

    def alertmanager_text(self, client: Client) -> str:
        """The configuration as it is kept."""
        value = client.get(self.kept_in)["data"]["am.yml"]
        return base64.b64decode(value).decode() if self.secret else str(value)

    def rule_file(self, client: Client) -> str | None:
        """The rule file as it is kept, None when there is none."""
        found = client.find(ObjectRef("v1", "ConfigMap", "prometheus-rules", self.namespace))
        return ((found or {}).get("data") or {}).get("resilient-traefik.yml")

    def _prometheus_arguments(self) -> list[str]:
        return ["--config.file=/etc/config/prometheus.yml", "--storage.tsdb.path=/data", *self.arguments]

    def _files(self) -> list[Object]:
        configuration = {
            "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"},
            "rule_files": ["/etc/rules/*.yml"],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [f"own-alertmanager.{self.namespace}.svc:9093"]}]}]
            },
            "scrape_configs": [
                {
                    "job_name": "lab",
                    "honor_labels": True,
                    "metrics_path": "/federate",
                    "params": {"match[]": ['{__name__=~"(kube|traefik|fallback|process|resilient_traefik)_.+"}']},
                    "static_configs": [{"targets": [self.series_of]}],
                }
            ],
        }
        text = ALERTMANAGER_FILE.replace("SINK", self.sink)
        kept: dict[str, Any] = {"stringData": {"am.yml": text}} if self.secret else {"data": {"am.yml": text}}
        return [
            self._object("v1", "ConfigMap", "own-prometheus")
            | {"data": {"prometheus.yml": yaml.safe_dump(configuration)}},
            self._object("v1", self.kept_in.kind, "own-alertmanager") | kept,
        ]

    def _service(self) -> Object:
        spec = {"selector": {"app": "own-alertmanager"}, "ports": [{"port": 9093, "targetPort": 9093}]}
        return self._object("v1", "Service", "own-alertmanager") | {"spec": spec}

    def _workload(self, name: str, image: str, arguments: list[str], port: int, replicas: int) -> Object:
        container = {
            "name": "own",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "args": arguments,
            "ports": [{"name": "http", "containerPort": port}],
            "readinessProbe": {"httpGet": {"path": "/-/ready", "port": port}, "periodSeconds": 1},
            "volumeMounts": [
                {"name": "config", "mountPath": "/etc/config"},
                {"name": "data", "mountPath": "/data"},
                {"name": "rules", "mountPath": "/etc/rules"},
            ],
        }
        kind = "secret" if self.secret and name == "own-alertmanager" else "configMap"
        pod = {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsUser": 65534, "runAsGroup": 65534, "fsGroup": 65534},
            "containers": [container],
            "volumes": [
                {"name": "config", kind: {"secretName" if kind == "secret" else "name": name}},
                {"name": "rules", "configMap": {"name": "prometheus-rules", "optional": True}},
                {"name": "data", "emptyDir": {}},
            ],
        }
        labels = {"app": name}
        spec = {
            "replicas": replicas,
            "serviceName": name,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }
        return self._object("apps/v1", "StatefulSet", name) | {"spec": spec}

    def _object(self, api_version: str, kind: str, name: str) -> Object:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}


def servers(client: Client, own: OwnMonitoring) -> tuple[list[Server], Server]:
    """The replicas of Prometheus, and Alertmanager."""
    places = {name.removeprefix("alerts_"): place for name, place in own.settings.items()}
    stack = find_stack(client, places)
    return stack.prometheus, stack.alertmanagers[0]


def loaded_alerts(client: Client, server: Server) -> dict[str, str]:
    """The file of every alert that a Prometheus has loaded, by the alert's name."""
    with Api(client, server) as api:
        groups = api.data("/api/v1/rules", {"type": "alert"})["groups"]
    return {rule["name"]: group["file"] for group in groups for rule in group["rules"]}


def _image(client: Client, name: str) -> str:
    workload = client.get(ObjectRef("apps/v1", "StatefulSet", name, MONITORING))
    return str(workload["spec"]["template"]["spec"]["containers"][0]["image"])
