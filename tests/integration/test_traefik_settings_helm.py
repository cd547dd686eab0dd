"""The module traefik_settings on a Helm release, with the real helm."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.readiness import missing
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import version_of
from tests.ansible_playbook.running import PROGRAM, environment
from tests.integration.lab_cluster import eventually
from tests.integration.support_books import kill_whole
from tests.integration.support_edge_release import HELM, EdgeRelease
from tests.integration.support_engine import Audited
from tests.integration.support_playbook import Played, Player
from tests.integration.support_restore import Site

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

PASSWORD = "correct-horse-battery"
OWN = {
    "additionalArguments": ["--log.level=INFO"],
    "env": [{"name": "EDGE_PASSWORD", "value": PASSWORD}],
    "deployment": {"replicas": 3, "podAnnotations": {"example.test/owner": "somebody"}},
    "topologySpreadConstraints": [
        {
            "topologyKey": "topology.kubernetes.io/zone",
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "{{ .Chart.Name }}"}},
        }
    ],
}


@pytest.fixture
def edge(kubeconfig: Path, admin: Client, namespace: str) -> EdgeRelease:
    """A release of three replicas that nobody has hardened."""
    release = EdgeRelease(kubeconfig, namespace)
    release.install(OWN | {"image": {"tag": f"v{lab_version(admin)}"}})
    return release


def lab_version(admin: Client) -> str:
    """The Traefik that the lab's nodes have the image of."""
    lab = admin.get(ObjectRef("apps/v1", "Deployment", "traefik", "traefik"))
    return version_of(lab["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.fixture
def site(kubeconfig: Path, admin: Client, namespace: str) -> Site:
    """The namespace with all that is in it."""
    return Site(admin, {"kubeconfig": str(kubeconfig)}, namespace)


def play(player: Player, edge: EdgeRelease, check: bool = False, **more: Any) -> Played:
    """One task of the module on this release, quick where waiting would prove nothing."""
    return player.task("traefik_settings", options(edge) | more, check=check, diff=True)


def options(edge: EdgeRelease) -> dict[str, Any]:
    """Which release, and wishes that need no long waits."""
    place = {"namespace": edge.namespace, "helm_binary": str(HELM)}
    wishes = {"min_ready_seconds": 1, "pre_stop_sleep": 1, "request_accept_grace_timeout": 2, "readiness_delay": 1}
    return place | wishes


def test_check_apply_check_apply_and_a_rollback_that_leaves_no_trace(
    edge: EdgeRelease, audited: Audited, player: Player, site: Site
) -> None:
    before, owners, values = site.state(), site.owners(), edge.values()
    as_audited, run_id = audited.player(), f"helm-{edge.namespace}"
    planned = play(as_audited, edge, check=True, run_id=run_id)
    assert (planned.outcome, planned.changed) == ("ok", True), planned.message
    assert audited.writes() == []
    done = play(as_audited, edge, run_id=run_id)
    assert (done.outcome, done.changed) == ("ok", True), done.message
    assert done.result["diff"] == planned.result["diff"]
    assert PASSWORD not in json.dumps([planned.result, done.result])

    _is_merged(edge.values(), values)
    assert edge.history() == [(1, "superseded"), (2, "deployed")]
    audited.writes()
    for check in (True, False):
        again = play(as_audited, edge, check=check, run_id=run_id)
        assert (again.outcome, again.changed) == ("ok", False), again.message
    assert audited.writes() == []

    restored = player.task("restore", {"run_id": run_id, "wait": True})
    assert restored.outcome == "ok", restored.message
    assert (edge.history(), edge.values()) == ([(1, "deployed")], values)
    assert site.state() == before
    assert site.owners() == owners


def _is_merged(after: dict[str, Any], before: dict[str, Any]) -> None:
    assert after["env"] == before["env"]
    assert after["deployment"]["podAnnotations"] == before["deployment"]["podAnnotations"]
    assert after["additionalArguments"][0] == "--log.level=INFO"
    assert "--serversTransport.forwardingTimeouts.responseHeaderTimeout=30s" in after["additionalArguments"]
    zone, node = after["topologySpreadConstraints"]
    assert zone == before["topologySpreadConstraints"][0]
    assert node["topologyKey"] == "kubernetes.io/hostname"
    assert after["podDisruptionBudget"] == {"enabled": True, "minAvailable": 2}


def test_an_upgrade_that_fails_is_rolled_back(edge: EdgeRelease, player: Player, site: Site) -> None:
    before, values, run_id = site.state(), edge.values(), f"failed-{edge.namespace}"
    nowhere = {"image": {"tag": "v0.0.0-nowhere"}}
    failed = play(player, edge, values=nowhere, run_id=run_id, wait_timeout=15)
    assert failed.outcome == "failed"
    assert "is as it was: the upgrade failed and was rolled back to what revision 1 was (revision 3" in failed.message
    assert "its pods are ready" in failed.message
    assert f"not ready after 15 s: Deployment {edge.namespace}/edge" in failed.message
    assert "ImagePull" in failed.message, "what the pods' newest warnings say"
    assert [status for _revision, status in edge.history()] == ["superseded", "superseded", "deployed"]
    assert edge.values() == values
    assert player.task("restore", {"run_id": run_id, "wait": True}).outcome == "ok"
    assert edge.history() == [(1, "deployed")]
    assert site.state() == before


ANOTHER_MISTAKE = pytest.mark.variation("another mistake")


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (
            {"values": {"deployment": {"replicas": "three"}}},
            "deployment.replicas: is string, not integer",
        ),
        pytest.param(
            {"values": {"deploiment": {}}},
            "does not take the values: has deploiment, which the chart does not know",
            marks=ANOTHER_MISTAKE,
        ),
        pytest.param({"helm_binary": "/nowhere/helm"}, "helm_binary: there is no /nowhere/helm", marks=ANOTHER_MISTAKE),
        pytest.param(
            {"values_schema": "/nowhere/schema"}, "values_schema: /nowhere/schema cannot be read", marks=ANOTHER_MISTAKE
        ),
        pytest.param({"helm_chart": "/nowhere/chart"}, "helm upgrade: "),
        pytest.param({"replicas": 4}, "3 nodes take its pods", marks=ANOTHER_MISTAKE),
        pytest.param({"replicas": 2}, "would block every drain", marks=ANOTHER_MISTAKE),
    ],
)
def test_refused_before_anything_is_written(
    edge: EdgeRelease, audited: Audited, wishes: dict[str, Any], words: str
) -> None:
    refused = play(audited.player(), edge, **wishes)
    assert refused.outcome == "failed"
    assert words in refused.message, refused.message
    told = play(audited.player(), edge, only_findings=True, **wishes)
    assert told.outcome == "ok", told.message
    assert words in " ".join(told.result["findings"])
    assert audited.writes() == []


def test_values_as_a_file(edge: EdgeRelease, audited: Audited, tmp_path: Path) -> None:
    rendered = play(audited.player(), edge, render_to=str(tmp_path))
    assert rendered.outcome == "ok", rendered.message
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file == tmp_path / "values" / f"{edge.namespace}-edge.yaml"
    values = yaml.safe_load(file.read_text())
    assert values["additionalArguments"][0] == "--log.level=INFO"
    assert "env" not in values, "what is not ours is not repeated"
    assert audited.writes() == []


def test_nothing_secret_is_on_the_command_line_or_readable_by_others(
    edge: EdgeRelease, player: Player, tmp_path: Path
) -> None:
    """A helm that writes down what it is called with, and how its files may be read, and is the real one else."""
    told = tmp_path / "told"
    spy = tmp_path / "helm"
    spy.write_text(
        f'#!/bin/sh\nfor a in "$@"; do echo "$a"; case "$a" in --values=*) stat -c %a "${{a#--values=}}" ;; esac; '
        f'done >> {told}\nstat -c %a "$KUBECONFIG" >> {told}\nexec {HELM} "$@"\n'
    )
    spy.chmod(stat.S_IRWXU)
    done = play(player, edge, helm_binary=str(spy), check=True)
    assert done.outcome == "ok", done.message
    lines = told.read_text().splitlines()
    assert PASSWORD not in told.read_text()
    assert [line for line in lines if line.isdigit()] == ["600", "600"]
    (values,) = [line.removeprefix("--values=") for line in lines if line.startswith("--values=")]
    assert not Path(values).exists()


def test_an_address_that_never_comes_is_told_and_not_awaited(
    kubeconfig: Path, admin: Client, namespace: str, player: Player
) -> None:
    """Helm's own waiting is for the address too, as long as it is allowed to."""
    edge = EdgeRelease(kubeconfig, namespace)
    nobody = {"type": "LoadBalancer", "loadBalancerClass": "example.test/nobody"}
    edge.install(OWN | {"image": {"tag": f"v{lab_version(admin)}"}, "service": nobody}, wait=False)
    deployment, service = (
        ObjectRef("apps/v1", "Deployment", "edge", namespace),
        ObjectRef("v1", "Service", "edge", namespace),
    )
    wait_until_ready(admin, [deployment], 120, print)
    began, run_id = time.monotonic(), f"address-{namespace}"
    done = play(player, edge, run_id=run_id, wait_timeout=240)
    assert (done.outcome, done.changed) == ("ok", True), done.message
    assert time.monotonic() - began < 200
    assert not missing(admin.get(deployment))
    assert not (admin.get(service)["status"].get("loadBalancer") or {}).get("ingress")
    (note,) = done.result["notes"]
    assert note in done.result["warnings"]
    assert note.startswith(f"Service {namespace}/edge is of type LoadBalancer and has no address")
    assert play(player, edge, only_findings=True).result["notes"] == [note]
    began = time.monotonic()
    assert player.task("restore", {"run_id": run_id, "wait": True, "wait_timeout": 240}).outcome == "ok"
    assert time.monotonic() - began < 200
    assert edge.history() == [(1, "deployed")]


@pytest.mark.variation("killed; test_harden.py and test_restore.py try it each time")
def test_a_controller_that_is_killed_while_it_waits(
    edge: EdgeRelease, player: Player, site: Site, tmp_path: Path
) -> None:
    """The release is deployed by then, so the next run finds nothing to change: it waits for what that one left."""
    before, owners, run_id = site.state(), site.owners(), f"waiting-{edge.namespace}"
    # Three replicas that have to be ready for ten seconds each: time enough to be killed in.
    wishes: dict[str, Any] = {"min_ready_seconds": 10, "run_id": run_id}
    with killed(player, edge, wishes, tmp_path):
        eventually(lambda: (2, "deployed") in edge.history(), "the upgrade written", 60)
    deployment = ObjectRef("apps/v1", "Deployment", "edge", edge.namespace)
    assert missing(site.client.get(deployment)), "it was killed before the replicas were ready"
    assert edge.history() == [(1, "superseded"), (2, "deployed")]
    again = play(player, edge, **wishes)
    assert (again.outcome, again.changed) == ("ok", False), again.message
    assert not missing(site.client.get(deployment))
    assert player.task("restore", {"run_id": run_id, "wait": True}).outcome == "ok"
    assert edge.history() == [(1, "deployed")]
    assert (site.state(), site.owners()) == (before, owners)


@pytest.mark.variation("SIGKILL at every moment of an upgrade")
def test_a_controller_that_is_killed_with_helm_at_work(
    edge: EdgeRelease, player: Player, site: Site, tmp_path: Path
) -> None:
    before, owners, run_id = site.state(), site.owners(), f"killed-{edge.namespace}"
    with killed(player, edge, {"values": {"hold": True}, "run_id": run_id}, tmp_path):
        eventually(lambda: (2, "pending-upgrade") in edge.history(), "the upgrade under way", 60)
    assert edge.history()[-1] == (2, "pending-upgrade")
    refused = play(player, edge)
    assert "is pending-upgrade: an upgrade runs or was interrupted" in refused.message
    assert player.task("restore", {"run_id": run_id, "wait": True}).outcome == "ok"
    assert edge.history() == [(1, "deployed")]
    assert (site.state(), site.owners()) == (before, owners)


@pytest.mark.variation("SIGKILL at every moment of an upgrade")
def test_a_controller_that_is_killed_while_it_takes_an_upgrade_back(
    edge: EdgeRelease, player: Player, site: Site, tmp_path: Path
) -> None:
    before, owners, run_id = site.state(), site.owners(), f"back-{edge.namespace}"
    nowhere = {"image": {"tag": "v0.0.0-nowhere"}}
    with killed(player, edge, {"values": nowhere, "wait_timeout": 15, "run_id": run_id}, tmp_path):
        eventually(lambda: [revision for revision, _status in edge.history()] == [1, 2, 3], "a rollback begun", 150)
    assert player.task("restore", {"run_id": run_id, "wait": True}).outcome == "ok"
    assert edge.history() == [(1, "deployed")]
    assert (site.state(), site.owners()) == (before, owners)


@contextmanager
def killed(player: Player, edge: EdgeRelease, wishes: dict[str, Any], folder: Path) -> Iterator[None]:
    """A controller that carries the wishes out, and goes down with all its processes at the end of the block."""
    task = {"resilient.traefik.traefik_settings": options(edge) | wishes | player.defaults}
    book = folder / "play.yml"
    book.write_text(json.dumps([{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [task]}]))
    controller = subprocess.Popen(
        [PROGRAM, "-i", "lab,", str(book)],
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        kill_whole(controller.pid)
        controller.wait()
