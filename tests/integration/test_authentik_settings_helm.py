"""The module authentik_settings on an authentik that came by the real helm, by the official chart's keys."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.integration.support_edge_release import HELM
from tests.integration.support_engine import Audited
from tests.integration.support_playbook import Played, Player
from tests.integration.support_restore import Site

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

PASSWORD = "correct-horse-battery"
SECONDS = 120
# Settings come from a Secret of the user's own, beside which the chart renders nothing of ``authentik``.
OWN: dict[str, Any] = {
    "authentik": {"existingSecret": {"secretName": "own"}, "web": {"workers": 3}},
    "server": {"replicas": 1, "env": [{"name": "AUTHENTIK_POSTGRESQL__PASSWORD", "value": PASSWORD}]},
    "worker": {"replicas": 1},
}
_DEPLOYMENT = """
{{- range $component := list "server" "worker" }}
{{- $values := index $.Values $component }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $.Release.Name }}-{{ $component }}
  labels: &labels
    app.kubernetes.io/name: authentik
    app.kubernetes.io/instance: {{ $.Release.Name }}
    app.kubernetes.io/component: {{ $component }}
    app.kubernetes.io/version: 2025.8.4
spec:
  replicas: {{ $values.replicas }}
  selector:
    matchLabels: &selected
      app.kubernetes.io/instance: {{ $.Release.Name }}
      app.kubernetes.io/component: {{ $component }}
  template:
    metadata:
      labels: *selected
    spec:
      terminationGracePeriodSeconds: 0
      {{- with $values.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ $component }}
          image: localhost/lab/go-httpbin:2.26.0
          imagePullPolicy: IfNotPresent
          {{- with $values.env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
{{- end }}
"""


@pytest.fixture
def release(kubeconfig: Path, namespace: str, tmp_path: Path) -> str:
    """The namespace of a release ``sso`` of one server and one worker."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: authentik\nversion: 2025.8.4\n")
    (chart / "values.yaml").write_text("server: {replicas: 1, env: []}\nworker: {replicas: 1, env: []}\n")
    (chart / "templates" / "all.yaml").write_text(_DEPLOYMENT)
    _helm(kubeconfig, namespace, "install", "sso", str(chart), "--values=-", "--wait", stdin=json.dumps(OWN))
    return namespace


def _helm(kubeconfig: Path, namespace: str, *arguments: str, stdin: str = "") -> str:
    command = [str(HELM), *arguments, f"--kubeconfig={kubeconfig}", f"--namespace={namespace}"]
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_values_are_merged_the_second_run_changes_nothing_and_a_rollback_leaves_no_trace(
    release: str, audited: Audited, admin: Client, kubeconfig: Path
) -> None:
    site, player = Site(admin, {"kubeconfig": str(kubeconfig)}, release), audited.player()
    before, run_id = site.state(), f"sso-{release}"

    def values() -> Any:
        return json.loads(_helm(kubeconfig, release, "get", "values", "sso", "--output=json"))

    planned = _play(player, release, check=True)
    assert (planned.outcome, planned.changed) == ("ok", True), planned.message
    assert audited.writes() == []
    done = _play(player, release, run_id=run_id)
    assert (done.outcome, done.changed) == ("ok", True), done.message
    assert PASSWORD not in json.dumps([planned.result, done.result])
    assert "the chart ignores authentik.web" in " ".join(done.result["notes"])
    server, worker = values()["server"], values()["worker"]
    assert (server["replicas"], worker["replicas"]) == (3, 3)
    environment = OWN["server"]["env"] + [{"name": "AUTHENTIK_POSTGRESQL__CONN_MAX_AGE", "value": "0"}]
    assert server["env"] == environment
    assert {"name": "AUTHENTIK_WORKER__THREADS", "value": "3"} in worker["env"]
    assert server["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    audited.writes()

    for check in (True, False):
        again = _play(player, release, check=check, run_id=run_id)
        assert (again.outcome, again.changed) == ("ok", False), again.message
    assert audited.writes() == []
    restored = player.task("restore", {"run_id": run_id, "wait": True})
    assert restored.outcome == "ok", restored.message
    assert values() == OWN
    assert site.state() == before


def _play(player: Player, release: str, check: bool = False, **more: Any) -> Played:
    options = {
        "namespace": release,
        "helm_binary": str(HELM),
        "settings": {"conn_max_age": 0, "worker_threads": 3},
        "capacity": {"max_connections": 200},
    }
    return player.task("authentik_settings", options | more, check=check, diff=True)
