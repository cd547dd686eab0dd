"""Who may write the journal does not thereby write what a rollback writes: rights never, with a key nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils import restore
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Journal, runs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.integration.support_engine import config_map
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

KEY = "a-key-of-the-operator"
AT_ONCE = {"newer": "keep", "wait": False, "wait_timeout": 5, "pause": 0, "as_run": None}


@pytest.fixture
def run_id() -> str:
    """A run of the test's own."""
    return f"test-{uuid4().hex[:8]}"


def _binding(name: str) -> Object:
    """Every right to everybody's account of a namespace."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": f"system:serviceaccounts:{name}"}],
    }


def _recorded(client: Client, run_id: str, item: Object, key: str = "") -> None:
    """What somebody who may only write the journal can have a rollback believe: it had been there and was deleted."""
    Journal(client, run_id, key=key).record([(ref_of(item), item, None)])


def _restored(kubeconfig: Path, run_id: str, key: str = "") -> dict[str, Any]:
    return restore.run(Task({"kubeconfig": str(kubeconfig), "run_id": run_id, "journal_key": key} | AT_ONCE))


def test_nobody_is_given_rights_by_what_nobody_signed(
    admin: Client, kubeconfig: Path, namespace: str, run_id: str
) -> None:
    binding, harmless = _binding(namespace), config_map(namespace, a="1")
    _recorded(admin, run_id, binding)
    _recorded(admin, run_id, harmless)
    try:
        result = _restored(kubeconfig, run_id)
        assert admin.find(ref_of(binding)) is None
        assert admin.find(ref_of(harmless)) is not None
        ((left),) = result["left_alone"]
        assert (left["kind"], "journal_key" in left["why"]) == ("ClusterRoleBinding", True)
    finally:
        Writer(admin, check_mode=False).delete([ref_of(binding)])


def test_what_was_signed_is_followed(admin: Client, kubeconfig: Path, namespace: str, run_id: str) -> None:
    binding = _binding(namespace)
    _recorded(admin, run_id, binding, KEY)
    try:
        assert _restored(kubeconfig, run_id, KEY)["left_alone"] == []
        assert admin.find(ref_of(binding)) is not None
    finally:
        Writer(admin, check_mode=False).delete([ref_of(binding)])


@pytest.mark.parametrize("recorded_with", ["", "the-key-of-somebody-else"])
def test_with_a_key_nothing_else_is_followed(
    admin: Client, kubeconfig: Path, namespace: str, run_id: str, recorded_with: str
) -> None:
    item = config_map(namespace, a="1")
    _recorded(admin, run_id, item, recorded_with)
    with pytest.raises(errors.ResilientError, match=f"journal-{run_id}-0: this part of the journal has no right sign"):
        _restored(kubeconfig, run_id, KEY)
    assert admin.find(ref_of(item)) is None
    (told,) = runs(admin, run_id, KEY)
    assert (told.strange, told.entries) == (f"journal-{run_id}-0", [])
    _restored(kubeconfig, run_id)


def test_a_part_that_somebody_adds_to_a_signed_run_is_not_followed(
    admin: Client, kubeconfig: Path, namespace: str, run_id: str
) -> None:
    _recorded(admin, run_id, config_map(namespace, a="1"), KEY)
    _recorded(admin, run_id, config_map(namespace, "evil", a="1"))
    with pytest.raises(errors.ResilientError, match=f"journal-{run_id}-1: this part"):
        _restored(kubeconfig, run_id, KEY)
    _restored(kubeconfig, run_id)


def test_a_run_of_modules_is_signed_and_goes_back(player: Player, admin: Client, namespace: str, run_id: str) -> None:
    item = config_map(namespace, a="1")
    Writer(admin, check_mode=False).apply([item])
    signed = {"run_id": run_id, "journal_key": KEY}
    played = player.task("apply", signed | {"objects": [config_map(namespace, a="2")]})
    assert (played.outcome, played.changed) == ("ok", True), played
    assert KEY not in str(played.result)
    (listed,) = player.task("snapshot", signed).result["runs"]
    assert listed["signed"] is True
    assert len(listed["entries"]) == 1
    other = player.task("restore", {"run_id": run_id, "journal_key": "another-key-than-that"})
    assert other.outcome == "failed"
    assert "has no right signature" in other.message
    back = player.task("restore", signed)
    assert (back.outcome, back.result["left_alone"]) == ("ok", []), back
    assert admin.get(ref_of(item))["data"] == {"a": "1"}


def test_our_own_roles_go_back(admin: Client, kubeconfig: Path, namespace: str, run_id: str) -> None:
    """As the alerts' exporter has one: what it may do is put back without a key."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "own", "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "resilient-traefik"}}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    role: Object = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]}
    ref = ObjectRef(role["apiVersion"], "Role", "own", namespace)
    Writer(admin, check_mode=False).apply([role])
    run = Writer(admin, check_mode=False, journal=Journal(admin, run_id))
    run.patch([Patch(admin.get(ref), {"rules": [rule | {"verbs": ["get", "list"]}]})])
    assert _restored(kubeconfig, run_id)["left_alone"] == []
    assert admin.get(ref)["rules"] == [rule]
