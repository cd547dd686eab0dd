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
from tests.integration.support_books import QUICK, Books
from tests.integration.support_drill import options, variables
from tests.integration.support_engine import config_map
from tests.integration.support_playbook import Player
from tests.integration.support_whole_state import differing, whole_state

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
PURPOSES = ["audit", "verify", "harden", "drill", "drill-nodes"]
# Of the lab: what its Traefik and proxies are in, and the applications and targets beside them.
SPACES = ["traefik", "apps", "authentik", "poison-fountain"]
As = Callable[[str], Player]
# Left in the cluster by other tests too, and nothing without a binding.
ROLES = ("Namespace", "Role", "ClusterRole")


@pytest.fixture(scope="module")
def account(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[As]:
    """Plays as the account of a purpose, by a manifest that the playbook has written."""
    admin = Client({"kubeconfig": str(kubeconfig)})
    path = tmp_path_factory.mktemp("rbac") / "rbac.yaml"
    variables = {
        "resilient_traefik_rbac_purposes": PURPOSES,
        "resilient_traefik_rbac_namespaces": SPACES,
        "resilient_traefik_rbac_file": str(path),
    }
    arguments = ["-i", "cluster.test,", str(ROOT / "playbooks" / "rbac.yml"), "-e", json.dumps(variables)]
    ended = ansible_playbook(arguments, environment())
    assert ended.returncode == 0, ended.stdout + ended.stderr
    items = yaml.safe_load(path.read_text())["items"]
    apply_and_await(admin, items)
    yield lambda purpose: Player(least_privilege_params(admin, f"resilient-traefik-{purpose}"))
    Writer(admin, check_mode=False).delete(ref_of(item) for item in items if item["kind"] not in ROLES)


def kubeconfig_of(admins: Path, account: Player, folder: Path) -> Path:
    """A kubeconfig for the lab with the account's token in place of the administrator's certificate."""
    config = yaml.safe_load(admins.read_text())
    for user in config["users"]:
        user["user"] = {"token": account.defaults["api_key"]}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.slow
@pytest.mark.variation("whole playbooks, each as the account that it is for")
def test_whole_playbooks_run_as_the_accounts_that_they_are_for(
    account: As, admin: Client, kubeconfig: Path, tmp_path: Path
) -> None:
    before = whole_state(admin)

    def books(purpose: str) -> Books:
        folder = tmp_path / purpose
        folder.mkdir()
        return Books(kubeconfig_of(kubeconfig, account(purpose), folder), folder, dict(QUICK))

    hardening = books("harden")
    hardened = hardening.play("harden")
    try:
        assert hardened.code == 0, hardened.output
        verified = books("verify").play("verify")
        assert verified.code == 0, verified.output
        drilled = books("drill").play("drill", "-e", json.dumps(variables(scenarios=["forward_auth_down"])))
        assert drilled.code == 0, drilled.output
    finally:
        back = hardening.play("rollback")
    assert back.code == 0, back.output
    assert differing(before, whole_state(admin)) == {}


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("purpose", "scenario"),
    [
        ("drill", "forward_auth_hung"),
        pytest.param("drill-nodes", "node_drain", marks=pytest.mark.variation("another scenario")),
    ],
)
def test_who_drills_gives_its_healer_what_that_needs(purpose: str, scenario: str, account: As, tmp_path: Path) -> None:
    played = account(purpose).task("drill", options(scenario, expiry=180, directory=str(tmp_path)))
    # Where the machine is too busy to measure, what was broken is back all the same.
    assert played.result["verdict"] in ("deviated", "inconclusive"), played.result
    changes = played.result["drill"]["changes"]
    assert changes
    assert all(change["restored"] for change in changes), changes


def test_who_drills_without_nodes_drains_none(account: As) -> None:
    played = account("drill").task("drill", options("node_drain"))
    assert (played.outcome, played.result["verdict"]) == ("failed", "not_run"), played.result
    assert "clusterroles" in str(played.result["drill"]["reasons"])
    assert played.result["drill"]["changes"] == []
