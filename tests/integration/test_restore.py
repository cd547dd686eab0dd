"""A restored run leaves the cluster as it was: after a whole run, a failed one, and one that was killed."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.support_engine import Audited, config_map, namespace_object, remove, secret
from tests.integration.support_playbook import WAYS
from tests.integration.support_restore import MERGE_PATCH, Site, deployment, ingress

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
MANY = 300


@pytest.fixture
def site(kubeconfig: Path, admin: Client, namespace: str) -> Site:
    """A namespace with a Deployment of Helm's, an Ingress that somebody patches, and objects that kubectl applied."""
    made = Site(admin, {"kubeconfig": str(kubeconfig)}, namespace)
    made.as_other("helm", deployment(namespace))
    made.as_other("helm", ingress(namespace, chain="a,b", keep="1"))
    made.as_other("kubectl", config_map(namespace, a="1", b="1"))
    made.as_other("kubectl", config_map(namespace, "doomed", a="1"))
    made.as_other("kubectl", secret(namespace, user="admin", password="hunter2"))
    return made


@pytest.fixture
def run_id() -> str:
    """A run of the test's own."""
    return f"test-{uuid4().hex[:8]}"


def _hardened(namespace: str) -> Object:
    """What a run applies to the Deployment: new values, fields of its own, an item more, defaults in their wake."""
    probe = {"httpGet": {"path": "/", "port": 80}}
    containers = [
        {"name": "web", "image": "registry.test/web:2", "args": ["--safe", "--fast"], "readinessProbe": probe},
        {"name": "guard", "image": "registry.test/guard:1"},
    ]
    template = {"metadata": {"annotations": {"checksum": "1"}}, "spec": {"containers": containers}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace, "labels": {"tier": "1"}, "annotations": {"x/y": "z"}},
        "spec": {
            "strategy": {"type": "RollingUpdate"},
            "selector": {"matchLabels": {"app": "web"}},
            "template": template,
        },
    }


def _change_everything(site: Site, run_id: str) -> None:
    """Applies, patches, creates and deletes, some objects more than once."""
    run = site.run(run_id)
    run.apply([_hardened(site.namespace), secret(site.namespace, password="swordfish", more="1")])
    run.apply([config_map(site.namespace, "fresh", a="1"), _budget(site.namespace)])
    run.apply([config_map(site.namespace, "fresh", a="2")])
    web = site.client.get(site.ref("Deployment", "web", "apps/v1"))
    run.patch([Patch(web, [{"op": "remove", "path": "/spec/template/spec/containers/0/env/0"}])])
    route = site.client.get(site.ref("Ingress", "web", "networking.k8s.io/v1"))
    run.patch([Patch(route, {"metadata": {"annotations": {"chain": "retry,a,b", "keep": None, "mark": "1"}}})])
    run.delete([site.ref("ConfigMap", "doomed")])


def _budget(namespace: str) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }


def test_all_is_as_before_values_and_owners(site: Site, run_id: str) -> None:
    state, owners = site.state(), site.owners()
    _change_everything(site, run_id)
    assert site.state() != state

    result = site.restore(run_id)
    assert (result["changed"], result["left_alone"], result["warnings"]) == (True, [], [])
    assert site.state() == state
    assert site.owners() == owners
    changes = {f"{item['kind']} {item['name']}": item["change"] for item in result["results"]}
    assert changes == {
        "ConfigMap doomed": "created",
        "ConfigMap fresh": "deleted",
        "Deployment web": "updated",
        "Ingress web": "updated",
        "PodDisruptionBudget web": "deleted",
        "Secret credentials": "updated",
    }


def test_check_restore_check_restore(site: Site, run_id: str, audited: Audited) -> None:
    _change_everything(site, run_id)
    # The Deployment's controller numbers each revision: it has to have seen the last one.
    wait_until_ready(site.client, [site.ref("Deployment", "web", "apps/v1")], 30, print)
    player, arguments = audited.player(), {"run_id": run_id}
    check = player.task("restore", arguments, check=True, diff=True)
    assert (check.outcome, check.changed) == ("ok", True), check
    assert audited.writes() == []
    first = player.task("restore", arguments, diff=True)
    assert (first.outcome, first.changed) == ("ok", True), first
    assert first.result["diff"] == check.result["diff"]
    assert audited.writes() != []
    for checking in (True, False):
        again = player.task("restore", arguments, check=checking)
        assert (again.outcome, again.changed, again.result["run_ids"]) == ("ok", False, [])
        assert audited.writes() == []
    text = json.dumps([check.result, first.result])
    for value in ("hunter2", "swordfish", *(base64.b64encode(word).decode() for word in (b"hunter2", b"swordfish"))):
        assert value not in text


def test_what_others_changed_since_stays_and_is_named(site: Site, run_id: str) -> None:
    _change_everything(site, run_id)
    theirs = {"metadata": {"name": "web", "annotations": {"chain": "mine"}}}
    site.as_other("editor", ingress(site.namespace) | theirs, MERGE_PATCH)
    site.as_other("editor", config_map(site.namespace, "fresh", c="3"), MERGE_PATCH)
    site.as_other("editor", config_map(site.namespace, c="3"), MERGE_PATCH)
    result = site.restore(run_id)
    state = site.state()
    assert state["Ingress web"]["metadata"]["annotations"] == {"chain": "mine", "keep": "1"}
    assert state["ConfigMap settings"]["data"] == {"a": "1", "b": "1", "c": "3"}
    assert "ConfigMap fresh" not in state
    assert result["warnings"] == [
        f"Ingress {site.namespace}/web: metadata.annotations.chain was changed by editor since: left as it is"
    ]
    assert result["left_alone"][0]["managers"] == ["editor"]


def test_deleted_by_others_stays_deleted_and_created_anew_stays(site: Site, run_id: str) -> None:
    _change_everything(site, run_id)
    Writer(site.client, check_mode=False).delete(
        [site.ref("Ingress", "web", "networking.k8s.io/v1"), site.ref("ConfigMap", "fresh")]
    )
    site.as_other("kubectl", config_map(site.namespace, "fresh", theirs="1"))
    result = site.restore(run_id)
    assert {item["why"] for item in result["left_alone"]} == {
        "was deleted by somebody else since",
        "was created anew by somebody else since",
    }
    assert site.state()["ConfigMap fresh"]["data"] == {"theirs": "1"}
    assert "Ingress web" not in site.state()


def test_created_namespace_goes_unless_somebody_moved_in(site: Site, run_id: str) -> None:
    name = f"{site.namespace}-more"
    site.run(run_id).apply([namespace_object(name), config_map(name, a="1")])
    visitor = Writer(site.client, check_mode=False)
    visitor.apply([config_map(name, "visitor", a="1")])
    result = site.restore(run_id)
    assert result["warnings"] == [
        f"Namespace {name}: is in use by others (ConfigMap visitor): left as it is. "
        f"To remove it later: kubectl delete namespace {name}"
    ]
    assert site.client.find(ObjectRef("v1", "ConfigMap", "settings", name)) is None

    visitor.delete([ObjectRef("v1", "ConfigMap", "visitor", name)])
    remove(site.client, ObjectRef("v1", "Namespace", name))


def test_failed_run_is_taken_back_as_far_as_it_went(site: Site, run_id: str) -> None:
    """Its second object is refused when it is sent, after the first one was written."""
    state, owners = site.state(), site.owners()
    run = site.run(run_id)
    route = site.client.get(site.ref("Ingress", "web", "networking.k8s.io/v1"))
    seen = site.client.get(site.ref("ConfigMap", "settings"))
    site.as_other("editor", config_map(site.namespace, a="1", b="1") | {"immutable": False}, MERGE_PATCH)
    outdated = Patch(seen, {"data": {"a": "2"}}, after=seen | {"data": {"a": "2"}})
    after = route | {"metadata": route["metadata"] | {"annotations": {"chain": "retry"}}}
    with pytest.raises(errors.WriteFailed):
        run.patch([Patch(route, {"metadata": {"annotations": {"chain": "retry"}}}, after=after), outdated])
    result = site.restore(run_id)
    assert result["left_alone"] == []
    state["ConfigMap settings"]["immutable"] = False
    assert site.state() == state
    del owners["ConfigMap settings"]
    assert owners.items() <= site.owners().items()


_RUN_OF_MANY = """
import json, sys
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.integration.support_restore import Site
kubeconfig, namespace, run_id, objects = json.loads(sys.argv[1])
site = Site(Client({"kubeconfig": kubeconfig}), {"kubeconfig": kubeconfig}, namespace)
site.run(run_id).apply(objects) if objects else site.restore(run_id)
"""


def test_killed_run_and_killed_restore_end_where_it_began(site: Site, run_id: str) -> None:
    """SIGKILL in the middle of the writes of a run, then in the middle of the writes that take it back."""
    names = [f"many-{number:03}" for number in range(MANY)]
    for name in names[: MANY // 2]:
        site.as_other("kubectl", config_map(site.namespace, name, value="old", keep="1"))
    state, owners = site.state(), site.owners()
    objects = [config_map(site.namespace, name, value="new", more="1") for name in names]

    def is_new(name: str) -> bool:
        item = site.client.find(site.ref("ConfigMap", name))
        return item is not None and "more" in item["data"]

    _kill_when(site, run_id, objects, lambda: is_new(names[4]))
    assert not is_new(names[-1])
    site.run(run_id).apply(objects)
    assert is_new(names[-1])

    _kill_when(site, run_id, [], lambda: not is_new(names[4]))
    assert is_new(names[-1])
    result = site.restore(run_id)
    assert (result["changed"], result["left_alone"]) == (True, [])
    assert site.state() == state
    assert site.owners() == owners


def test_killed_run_alone_is_taken_back(site: Site, run_id: str) -> None:
    state, owners = site.state(), site.owners()
    objects = [config_map(site.namespace, f"many-{number:03}", value="new") for number in range(MANY)]
    _kill_when(site, run_id, objects, lambda: site.client.find(site.ref("ConfigMap", "many-004")) is not None)
    assert len(site.state()) < len(state) + MANY
    assert site.restore(run_id)["changed"] is True
    assert site.state() == state
    assert site.owners() == owners


def _kill_when(site: Site, run_id: str, objects: list[Object], reached: Callable[[], bool]) -> None:
    """Starts a run, or with no objects a restore, in a process of its own, and kills it once it got that far."""
    arguments = json.dumps([site.params["kubeconfig"], site.namespace, run_id, objects])
    path = os.pathsep.join([str(ROOT), str(ROOT / ".collections")])
    process = subprocess.Popen([sys.executable, "-c", _RUN_OF_MANY, arguments], env=os.environ | {"PYTHONPATH": path})
    try:
        deadline = time.monotonic() + 60
        # Without a pause: it is over in a second.
        while not reached():
            assert time.monotonic() < deadline, "the run never got that far"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL


def test_older_run_waits_for_newer_ones(site: Site, run_id: str) -> None:
    state, owners = site.state(), site.owners()
    first, second = f"{run_id}-1", f"{run_id}-2"
    site.run(first).apply([config_map(site.namespace, a="2")])
    site.run(second).apply([config_map(site.namespace, a="3"), config_map(site.namespace, "fresh")])
    with pytest.raises(errors.BadArgument, match=f"newer run {second} .* changed the same"):
        site.restore(first)
    result = site.restore(first, newer="include")
    assert result["run_ids"] == [second, first]
    assert site.state() == state
    assert site.owners() == owners


def test_runs_on_other_fields_do_not_disturb_each_other(site: Site, run_id: str) -> None:
    first, second = f"{run_id}-1", f"{run_id}-2"
    for run, change in ((first, {"a": "2"}), (second, {"b": "2"})):
        seen = site.client.get(site.ref("ConfigMap", "settings"))
        site.run(run).patch([Patch(seen, {"data": change})])
    site.restore(first)
    assert site.state()["ConfigMap settings"]["data"] == {"a": "1", "b": "2"}
    site.restore(second)
    assert site.state()["ConfigMap settings"]["data"] == {"a": "1", "b": "1"}


def test_object_larger_than_a_journal_secret(site: Site, run_id: str) -> None:
    """900 KB that no compression makes smaller."""
    text = base64.b64encode(random.Random(1).randbytes(680_000)).decode()
    site.as_other("kubectl", config_map(site.namespace, "large", text=text))
    state = site.state()
    site.run(run_id).apply([config_map(site.namespace, "large", text="small")])
    site.restore(run_id)
    assert site.state() == state


def test_snapshot_lists_runs_without_secret_values(site: Site, run_id: str) -> None:
    _change_everything(site, run_id)
    (run,) = site.snapshot(run_id, states=True)["runs"]
    assert (run["run_id"], run["restored"]) == (run_id, "")
    entries = {f"{entry['kind']} {entry['name']}": entry for entry in run["entries"]}
    assert {text: entry["change"] for text, entry in entries.items()} == {
        "ConfigMap doomed": "deleted",
        "ConfigMap fresh": "created",
        "Deployment web": "changed",
        "Ingress web": "changed",
        "PodDisruptionBudget web": "created",
        "Secret credentials": "changed",
    }
    assert entries["Ingress web"]["fields"] == [f"metadata.annotations.{name}" for name in ("chain", "keep", "mark")]
    assert entries["Secret credentials"]["state"]["data"] == {"password": "<hidden>", "user": "<hidden>"}
    assert entries["Deployment web"]["state"]["spec"]["strategy"] == {"type": "Recreate"}
    site.restore(run_id)
    assert site.snapshot(run_id)["runs"][0]["restored"] != ""


def test_state_that_was_kept_on_demand_comes_back_whole(site: Site, run_id: str) -> None:
    state = site.state()
    refs = [site.ref("ConfigMap", "settings"), site.ref("ConfigMap", "doomed")]
    assert len(site.snapshot(run_id, refs)["recorded"]) == 2
    assert site.snapshot(run_id, refs)["recorded"] == []
    site.as_other("editor", config_map(site.namespace, a="9", c="9"), MERGE_PATCH)
    remove(site.client, site.ref("ConfigMap", "doomed"))
    site.restore(run_id)
    assert site.state() == state


@pytest.mark.parametrize("way", WAYS)
def test_snapshot_check_apply_check_apply(site: Site, run_id: str, audited: Audited, way: str) -> None:
    arguments = {"run_id": run_id, "objects": [site.ref("ConfigMap", "settings").as_dict()]}
    player = audited.player()
    for checking, changed, writes in ((True, True, 0), (False, True, 1), (True, False, 0), (False, False, 0)):
        played = player.task("snapshot", arguments, check=checking, way=way)
        assert (played.outcome, played.changed) == ("ok", changed), played
        # A full journal loses its oldest run beside.
        assert len([write for write in audited.writes() if write.verb == "create"]) == writes
    undone = player.task("restore", {"run_id": run_id}, way=way)
    assert (undone.outcome, undone.changed, undone.result["run_ids"]) == ("ok", False, [run_id])
    assert player.task("snapshot", {"objects": arguments["objects"]}, way=way).outcome == "failed"


def test_unknown_run_is_refused(site: Site) -> None:
    with pytest.raises(errors.BadArgument, match="the journal has no run 'never-was'"):
        site.restore("never-was")
