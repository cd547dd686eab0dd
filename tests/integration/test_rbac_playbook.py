"""The accounts that the playbook rbac makes: exactly these do what each is for, and nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.ansible_playbook.running import ansible_playbook, environment
from tests.integration.support_account import apply_and_await, least_privilege_params
from tests.integration.support_engine import config_map
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
PURPOSES = ["audit", "verify", "harden"]
As = Callable[[str], Player]
# Left in the cluster by other tests too, and nothing without a binding.
ROLES = ("Namespace", "Role", "ClusterRole")


@pytest.fixture(scope="module")
def account(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[As]:
    """Plays as the account of a purpose, by a manifest that the playbook has written."""
    admin = Client({"kubeconfig": str(kubeconfig)})
    path = tmp_path_factory.mktemp("rbac") / "rbac.yaml"
    variables = {"resilient_traefik_rbac_purposes": PURPOSES, "resilient_traefik_rbac_file": str(path)}
    arguments = ["-i", "cluster.test,", str(ROOT / "playbooks" / "rbac.yml"), "-e", json.dumps(variables)]
    ended = ansible_playbook(arguments, environment())
    assert ended.returncode == 0, ended.stdout + ended.stderr
    items = yaml.safe_load(path.read_text())["items"]
    apply_and_await(admin, items)
    yield lambda purpose: Player(least_privilege_params(admin, f"resilient-traefik-{purpose}"))
    Writer(admin, check_mode=False).delete(ref_of(item) for item in items if item["kind"] not in ROLES)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_all_may_look_everywhere(purpose: str, account: As) -> None:
    kinds = {"Deployment": "apps/v1", "Middleware": "traefik.io/v1alpha1"}
    queries = [{"api_version": version, "kind": kind} for kind, version in kinds.items()]
    played = account(purpose).task("read", {"queries": queries})
    assert played.outcome == "ok", played.message
    assert [answer["status"] for answer in played.result["results"]] == ["found", "found"]
    assert "traefik" in {item["metadata"]["namespace"] for item in played.result["results"][0]["objects"]}


@pytest.mark.parametrize("purpose", ["verify", "harden"])
def test_who_verifies_is_told_what_traefik_says(purpose: str, account: As) -> None:
    played = account(purpose).task("traefik_info", {"routing": True})
    assert played.outcome == "ok", played.message
    assert played.result["workload"]["namespace"] == "traefik"


def test_who_audits_reaches_no_pod(account: As) -> None:
    played = account("audit").task("traefik_info", {})
    assert played.outcome == "failed"
    assert 'cannot get resource "pods/portforward" in API group "" in the namespace "traefik"' in played.message


@pytest.mark.parametrize("purpose", ["audit", "verify"])
def test_who_only_looks_writes_nothing(purpose: str, account: As) -> None:
    played = account(purpose).task("apply", {"objects": [config_map("traefik", f"of-{purpose}")]})
    assert played.outcome == "failed"
    assert 'cannot patch resource "configmaps" in API group "" in the namespace "traefik"' in played.message


def test_who_hardens_writes_in_its_namespaces_and_goes_back(account: As, admin: Client) -> None:
    player, run_id, name = account("harden"), f"test-{uuid4().hex[:8]}", f"test-{uuid4().hex[:8]}"
    played = player.task("apply", {"objects": [config_map("traefik", name, a="1")], "run_id": run_id})
    assert (played.outcome, played.changed) == ("ok", True), played
    back = player.task("restore", {"run_id": run_id})
    assert (back.outcome, back.result["summary"]["deleted"]) == ("ok", [f"ConfigMap traefik/{name}"]), back
    assert admin.find(ObjectRef("v1", "ConfigMap", name, "traefik")) is None
    played = player.task("apply", {"objects": [config_map("default", name)]})
    assert played.outcome == "failed"
    assert 'cannot patch resource "configmaps" in API group "" in the namespace "default"' in played.message
