"""An upgrade by Helm: waited for by our own readiness, and taken back where that is not reached."""

from __future__ import annotations

import base64
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import NotFound, ResilientError, WaitTimeout
from ansible_collections.resilient.traefik.plugins.module_utils.kube.fence import LockLost
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import helm, helm_program
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import Release
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_program import HelmFailed
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import stored_release
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import ValuesPlan

REF = ObjectRef("apps/v1", "Deployment", "edge", "net")
NAMES = {"name": "edge", "namespace": "net"}
MANIFEST = json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": NAMES})
FORMER = {"replicas": 1}
# A helm that keeps its revisions in a file, and does at the upgrade what a file says.
PROGRAM = """#!{python}
import json, pathlib, sys
here, given = pathlib.Path({folder!r}), sys.argv[1:]
with open(here / "called", "a") as file:
    file.write(json.dumps(given) + "\\n")
if any(each.startswith("--dry-run") for each in given):
    print(json.dumps({{"manifest": {manifest!r}}}))
    sys.exit()
kept = here / "revisions"
revisions = json.loads(kept.read_text())
mode = (here / "mode").read_text()
if given[0] == "rollback":
    if mode == "stuck":
        sys.exit("no rollback today")
    config = next(each["config"] for each in revisions if each["version"] == int(given[2]))
    revisions.append({{"version": len(revisions) + 1, "status": "deployed", "config": config}})
elif mode == "refused":
    sys.exit("the chart is broken")
else:
    values = next(each.split("=", 1)[1] for each in given if each.startswith("--values="))
    import yaml
    config = yaml.safe_load(open(values)) if mode != "theirs" else {{"theirs": True}}
    status = "failed" if mode in ("failing", "theirs") else "deployed"
    revisions.append({{"version": len(revisions) + 1, "status": status, "config": config}})
kept.write_text(json.dumps(revisions))
if given[0] == "upgrade" and mode in ("failing", "theirs"):
    sys.exit("a Service was refused")
"""


class Cluster(Client):
    """The release's Secrets, and a Deployment that is ready with the values that ``ready_with`` takes."""

    def __init__(self, folder: Path) -> None:
        super().__init__({})
        self.folder = folder
        self.ready_with: list[dict[str, Any]] = [FORMER]

    def revisions(self) -> list[dict[str, Any]]:
        """Version, status and config of each."""
        return list(json.loads((self.folder / "revisions").read_text()))

    def secret(self, kept: dict[str, Any]) -> Object:
        """A revision as Helm stores it."""
        release = NAMES | {
            "version": kept["version"],
            "info": {"status": kept["status"]},
            "chart": {"metadata": {"name": "traefik", "version": "1"}},
            "config": kept["config"],
            "manifest": MANIFEST,
        }
        data = base64.b64encode(base64.b64encode(json.dumps(release).encode())).decode()
        metadata = {"name": f"sh.helm.release.v1.edge.v{kept['version']}", "namespace": "net"}
        return {"metadata": metadata, "type": "helm.sh/release.v1", "data": {"release": data}}

    def request(self, method: str, path: str, **_more: Any) -> Any:
        assert method == "GET"
        if path.endswith("/secrets"):
            return {"items": [self.secret(each) for each in self.revisions()]}
        if path.endswith("/events"):
            event = {"involvedObject": {"name": "edge-1"}, "reason": "FailedMount", "message": "no such Secret"}
            return {"items": [event | {"metadata": {}, "lastTimestamp": "2026-01-01T00:00:00Z"}]}
        if path.endswith("/deployments/edge"):
            ready = int(self.revisions()[-1]["config"] in self.ready_with)
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), ready)
            metadata = NAMES | {"generation": 1}
            spec = {"replicas": 1, "selector": {}}
            return {
                "kind": "Deployment",
                "metadata": metadata,
                "spec": spec,
                "status": {"observedGeneration": 1} | counts,
            }
        raise NotFound("no", status=404, reason="NotFound", causes=[])


class Case:
    """A release of one revision, the fake helm beside it, and the task that upgrades it."""

    def __init__(self, folder: Path, mode: str = "well", seconds: int = 1) -> None:
        self.folder, self.cluster, self.told = folder, Cluster(folder), list[str]()
        first = {"version": 1, "status": "deployed", "config": FORMER}
        (folder / "revisions").write_text(json.dumps([first]))
        (folder / "mode").write_text(mode)
        program = folder / "helm"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder), manifest=MANIFEST))
        program.chmod(stat.S_IRWXU)
        params = {"helm_binary": str(program), "helm_chart": None, "helm_chart_version": None, "wait_timeout": seconds}
        kubeconfig: dict[str, Any] = {"clusters": [], "users": [], "contexts": []}
        self.task = Task(params | {"kubeconfig": kubeconfig}, progress=self.told.append)
        self.task.client = self.cluster

    def deliver(self, values: dict[str, Any]) -> dict[str, Any]:
        """Upgrades to the values."""
        stored = stored_release(self.cluster.secret(self.cluster.revisions()[-1]))
        release = Release({}, stored.config, (), {}, False)
        plan = ValuesPlan("Helm release net/edge", release, {(key,): value for key, value in values.items()}, stored)
        return helm.deliver(self.task, REF, plan)

    def called(self) -> list[list[str]]:
        """What helm was called with, rehearsals left out."""
        lines = map(json.loads, (self.folder / "called").read_text().splitlines())
        return [line for line in lines if not any(each.startswith("--dry-run") for each in line)]

    def states(self) -> list[tuple[str, Any]]:
        """Status and number of replicas of each revision."""
        return [(each["status"], each["config"].get("replicas")) for each in self.cluster.revisions()]


class Fence:
    """Of a run that loses the lock once helm has upgraded."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def check(self) -> None:
        if len(self.cluster.revisions()) > 1:
            raise LockLost("lost. Nothing was written by this task.", holder="another")

    def keep(self) -> None:
        pass


def test_helms_own_waiting_is_not_used(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.cluster.ready_with.append({"replicas": 3})
    assert case.deliver({"replicas": 3})["changed"]
    (called,) = case.called()
    assert called[:2] == ["upgrade", "edge"]
    assert not {each.partition("=")[0] for each in called} & {"--wait", "--atomic", "--wait-for-jobs"}
    assert case.states() == [("deployed", 1), ("deployed", 3)]


def test_what_does_not_get_ready_is_taken_back_and_told(tmp_path: Path) -> None:
    case = Case(tmp_path, seconds=3)
    with pytest.raises(HelmFailed) as failed:
        case.deliver({"replicas": 3})
    words = str(failed.value)
    assert "is as it was: the upgrade failed and was rolled back to what revision 1 was (revision 3, deployed)" in words
    assert "its pods are ready" in words
    assert "not ready after 3 s: Deployment net/edge: 0 of 1 replicas updated" in words
    assert "FailedMount: no such Secret" in words
    assert failed.value.facts["not_ready"][0]["missing"] == "0 of 1 replicas updated"
    assert case.states() == [("deployed", 1), ("deployed", 3), ("deployed", 1)]
    rollback = case.called()[-1]
    assert rollback[:3] == ["rollback", "edge", "1"]
    assert not {each.partition("=")[0] for each in rollback} & {"--wait", "--atomic", "--wait-for-jobs"}
    waiting = [line for line in case.told if line.startswith("waiting for Deployment net/edge to be ready")]
    assert waiting
    assert "(newest warning: 2026-01-01T00:00:00Z FailedMount: no such Secret)" in waiting[0]


def test_what_helm_could_not_finish_is_taken_back(tmp_path: Path) -> None:
    case = Case(tmp_path, "failing")
    with pytest.raises(HelmFailed, match=r"is as it was.*revision 3, deployed.* helm upgrade: a Service was refused"):
        case.deliver({"replicas": 3})
    assert case.states() == [("deployed", 1), ("failed", 3), ("deployed", 1)]


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("refused", r"is as it was \(revision 1, deployed\): the upgrade failed before anything was written"),
        ("theirs", r"was changed by somebody else meanwhile and is left at revision 2, failed"),
        ("stuck", r"could not be taken back to revision 1 and is left at revision 2, deployed: helm rollback: no roll"),
    ],
)
def test_where_there_is_nothing_to_take_back_or_no_way(tmp_path: Path, mode: str, words: str) -> None:
    case = Case(tmp_path, mode)
    before = len(case.cluster.revisions())
    with pytest.raises(HelmFailed, match=words):
        case.deliver({"replicas": 3})
    assert len(case.cluster.revisions()) == before + (mode != "refused")
    assert [called[0] for called in case.called()] == ["upgrade", *(["rollback"] if mode == "stuck" else [])]


def test_a_former_state_that_is_not_ready_either_is_told(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.cluster.ready_with.clear()
    with pytest.raises(HelmFailed, match=r"and is not\s+ready with that either: not ready after 1 s"):
        case.deliver({"replicas": 3})
    assert case.states()[-1] == ("deployed", 1)


def test_nothing_is_taken_back_without_the_lock(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.task.fence = Fence(case.cluster)  # type: ignore[assignment]
    with pytest.raises(
        HelmFailed, match="is left as the upgrade made it: another holds the cluster's lock now"
    ) as lost:
        case.deliver({"replicas": 3})
    assert "Nothing was written" not in str(lost.value)
    assert case.states() == [("deployed", 1), ("deployed", 3)]


def test_values_that_are_there_already_are_waited_for_too(tmp_path: Path) -> None:
    """A run that was killed while it waited may have left them."""
    case = Case(tmp_path)
    assert not case.deliver(FORMER)["changed"]
    case.cluster.ready_with.clear()
    with pytest.raises(WaitTimeout, match=r"has these values already \(revision 1, deployed\), so nothing was changed"):
        case.deliver(FORMER)
    assert not (tmp_path / "called").exists()


def test_a_helm_that_takes_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm_program, "_TOLD_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(helm_program, "_SPARE_SECONDS", 0)
    told: list[str] = []
    ended = pytest.raises(ResilientError, match=r"^helm -c did not end within 1 s$")
    with helm_program.helm_on({"kubeconfig": {"clusters": []}}, sys.executable) as program, ended:
        program.run("-c", "import time; time.sleep(60)", values={}, seconds=1, told=told.append)
    assert told[0] == "waiting for helm -c to end, 0 s by now"
