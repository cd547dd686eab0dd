"""The parity exporter on the lab: it tells the replica that lacks something, and may do next to nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_account import least_privilege_params
from tests.integration.support_parity_lab import (
    BLIND,
    NAME,
    NAMESPACE,
    LabExporter,
    ParityPlayer,
    blinded,
)
from tests.integration.support_role import new_run

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.alone]

REPLICAS = 3
# A replica is compared 10 s after it is ready, and a loss is told after two rounds of 10 s.
SECONDS = 150.0
HOSTS = ("api.lab.test", "private.lab.test", "public.lab.test")


@pytest.fixture(scope="module")
def player(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParityPlayer]:
    """Brings the exporter up with the documented rights and no others, and takes it away in the end."""
    admin = Client({"kubeconfig": str(kubeconfig)})
    settings: dict[str, Any] = {"alerts_parity_sites_left_out": []}
    folder = tmp_path_factory.mktemp("parity")
    found = ParityPlayer("alerts", folder, least_privilege_params(admin), settings, new_run())
    try:
        assert found.bring_up("--check").well().changed == 1, "a plan of what is not there yet"
        assert _left(admin) == []
        assert found.bring_up().well().changed == 1
        assert len(_left(admin)) == 5
        yield found
    finally:
        _roll_back(found, kubeconfig)
    assert _left(admin) == []


def _roll_back(player: ParityPlayer, kubeconfig: Path) -> None:
    replace(player, options={"kubeconfig": str(kubeconfig)}).roll_back()


@pytest.fixture
def exporter(player: ParityPlayer, cluster: LabCluster) -> LabExporter:
    """The exporter, which finds all replicas well."""
    found = LabExporter(cluster)
    eventually(lambda: _is_well(found), "all replicas are compared and lack nothing", SECONDS)
    return found


def _is_well(exporter: LabExporter) -> bool:
    missing = exporter.missing()
    return len(missing) == REPLICAS and not any(missing.values())


def _left(admin: Client) -> list[str]:
    """The exporter's objects that are there."""
    kinds = {"v1": ("ServiceAccount", "Service"), "apps/v1": ("Deployment",)}
    kinds["rbac.authorization.k8s.io/v1"] = ("Role", "RoleBinding")
    refs = [ObjectRef(version, kind, NAME, NAMESPACE) for version, names in kinds.items() for kind in names]
    return [str(ref) for ref in refs if admin.find(ref)]


def test_the_well_lab_routes_alike(exporter: LabExporter) -> None:
    rounds = exporter.rounds("same")
    eventually(lambda: exporter.rounds("same") >= rounds + 2, "two more rounds", SECONDS)
    samples = exporter.samples()
    assert samples["replicas"] == REPLICAS
    assert samples["sites"] >= len(HOSTS)
    assert exporter.rounds("failed") == exporter.rounds("different") == 0
    # Applications that never answer are no replica's fault; each is asked at two entry points.
    silent = sum(value for name, value in samples.items() if name.startswith("unanswered"))
    assert silent <= REPLICAS * (samples["sites"] - len(HOSTS)) * 2
    assert exporter.log() == ""


def test_a_second_run_changes_nothing(player: ParityPlayer) -> None:
    assert player.bring_up().well().changed == 0


def test_its_account_may_list_pods_of_one_namespace_and_nothing_else(player: ParityPlayer, kubeconfig: Path) -> None:
    user = f"system:serviceaccount:{NAMESPACE}:{NAME}"
    own = Client({"kubeconfig": str(kubeconfig), "impersonate_user": user, "impersonate_groups": _groups()})
    rules = {namespace: _rights(own, namespace) for namespace in (NAMESPACE, "apps")}
    assert rules == {NAMESPACE: {("pods", "list")}, "apps": set()}


def _groups() -> list[str]:
    return ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]


def _rights(client: Client, namespace: str) -> set[tuple[str, str]]:
    """What the user may do to objects there, besides asking who he is and what he may."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    rules: list[dict[str, Any]] = client.request("POST", path, body=review)["status"]["resourceRules"]
    pairs = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    return {(resource, verb) for resource, verb in pairs if not resource.startswith("selfsubject")}


def test_the_replica_that_overlooks_a_namespace_is_told_and_no_other(
    exporter: LabExporter, admin: Client, writer: Writer
) -> None:
    with blinded(admin, writer):
        eventually(lambda: exporter.missing().get(BLIND, 0) > 0, "the loss is told", SECONDS)
        missing = exporter.missing()
        assert {name for name, value in missing.items() if value} == {BLIND}
        assert len(missing) == REPLICAS + 1
        assert missing[BLIND] >= len(HOSTS)
        told = next(line for line in exporter.log().splitlines() if f"{BLIND} lacks" in line)
        assert all(f"{host}/ at web" in told for host in HOSTS)
    eventually(lambda: BLIND not in exporter.missing(), "the removed replica is not told any more", SECONDS)
    assert _is_well(exporter)


@pytest.mark.variation("a replica that comes anew on the lab; on the loopback it is tried each time")
def test_a_replica_that_comes_anew_raises_nothing(exporter: LabExporter, cluster: LabCluster, writer: Writer) -> None:
    before, different = set(exporter.missing()), exporter.rounds("different")
    writer.delete([ObjectRef("v1", "Pod", sorted(before)[0], NAMESPACE)])
    seen: list[dict[str, float]] = []

    def renewed() -> bool:
        seen.append(exporter.missing())
        return len(seen[-1]) == REPLICAS and set(seen[-1]) != before

    eventually(renewed, "the new replica is compared", SECONDS)
    rounds = exporter.rounds()
    eventually(lambda: exporter.rounds() >= rounds + 2, "two more rounds", SECONDS)
    seen.append(exporter.missing())
    assert not any(value for missing in seen for value in missing.values())
    assert exporter.rounds("different") == different
    assert any(len(missing) < REPLICAS for missing in seen), "a replica that is not ready long enough is left out"


@pytest.mark.variation("the exporter changed and taken back on the lab")
def test_a_change_and_the_way_back(player: ParityPlayer, tmp_path: Path, kubeconfig: Path) -> None:
    settings = player.settings | {"alerts_parity_grace": 20}
    other = ParityPlayer("alerts", tmp_path, player.options, settings, new_run())
    assert other.bring_up().well().changed == 2, "the exporter, and its former configuration"
    _roll_back(other, kubeconfig)
    assert player.bring_up().well().changed == 0, "it is as it was before that run"
