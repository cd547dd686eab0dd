"""The exporter on the lab: what somebody undoes of the hardening is told within seconds, with who did it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_account import least_privilege_params
from tests.integration.support_engine import namespace_object, remove
from tests.integration.support_parity_lab import NAME, NAMESPACE, LabExporter, ParityPlayer
from tests.integration.support_role import new_run

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.alone]

# Three rounds of 10 s.
SECONDS = 30.0
UP_SECONDS = 150.0
HEADERS = ["X-authentik-username", "X-authentik-groups"]


@pytest.fixture(scope="module")
def kept(kubeconfig: Path) -> Iterator[str]:
    """A namespace with what hardening brings, without pods: a proxy's Service and budget, a middleware led to it."""
    admin, name = Client({"kubeconfig": str(kubeconfig)}), f"kept-{uuid4().hex[:8]}"
    Writer(admin, check_mode=False).apply([namespace_object(name)])
    try:
        Writer(admin, check_mode=False).apply(_hardened(name))
        yield name
    finally:
        remove(admin, ObjectRef("v1", "Namespace", name))
        # Whoever records next what is hardened would find what is in it.
        wait_until_gone(admin, [ObjectRef("v1", "Namespace", name)], 120, print)


def _hardened(namespace: str) -> list[Object]:
    def described(kind: str, version: str, name: str, spec: dict[str, Any], **metadata: Any) -> Object:
        place = {"name": name, "namespace": namespace} | metadata
        return {"apiVersion": version, "kind": kind, "metadata": place, "spec": spec}

    before = {"resilient.traefik/target": f"{namespace}/outpost:9000"}
    asks = {"address": f"http://proxy.{namespace}.svc.cluster.local:8080/auth", "authResponseHeaders": HEADERS}
    pods = {"app.kubernetes.io/name": "proxy"}
    return [
        described(
            "Service",
            "v1",
            "proxy",
            {"selector": pods, "ports": [{"port": 8080}]},
            labels=dict(OUR_LABELS),
            annotations=before,
        ),
        described(
            "PodDisruptionBudget",
            "policy/v1",
            "proxy",
            {"maxUnavailable": 1, "selector": {"matchLabels": pods}},
            labels=dict(OUR_LABELS),
        ),
        described("Middleware", "traefik.io/v1alpha1", "login", {"forwardAuth": asks}),
    ]


@pytest.fixture(scope="module")
def player(kubeconfig: Path, kept: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParityPlayer]:
    """Brings the exporter up with the documented rights and no others, and takes it away in the end."""
    admin = Client({"kubeconfig": str(kubeconfig)})
    folder = tmp_path_factory.mktemp("kept")
    found = ParityPlayer(
        "alerts", folder, least_privilege_params(admin), {"alerts_parity_sites_left_out": []}, new_run()
    )
    try:
        found.bring_up().well()
        yield found
    finally:
        replace(found, options={"kubeconfig": str(kubeconfig)}).roll_back()
    assert admin.find(ObjectRef("rbac.authorization.k8s.io/v1", "Role", NAME, kept)) is None


@pytest.fixture
def exporter(player: ParityPlayer, kept: str, cluster: LabCluster) -> LabExporter:
    """The exporter, which finds all as it was."""
    found = LabExporter(cluster)
    eventually(lambda: _fields(found, kept) == _all_is_well(), "all is as it was hardened", UP_SECONDS)
    return found


def _all_is_well() -> dict[str, float]:
    login = [f"login {field}" for field in ("object", "address", "authResponseHeaders", "authRequestHeaders")]
    budget = [f"proxy {field}" for field in ("object", "maxUnavailable", "selector")]
    return dict.fromkeys([*login, *budget], 1.0)


def _fields(exporter: LabExporter, namespace: str) -> dict[str, float]:
    """By the name of an object of the namespace and its field, whether that is intact."""
    told = exporter.hardened("intact")
    return {
        f"{labels['object_name']} {labels['field']}": value
        for labels, value in told
        if labels["object_namespace"] == namespace
    }


def _undone(exporter: LabExporter, namespace: str) -> set[str]:
    return {name for name, value in _fields(exporter, namespace).items() if not value}


def _writers(exporter: LabExporter, namespace: str) -> set[str]:
    told = exporter.hardened("last_write_timestamp_seconds")
    return {labels["manager"] for labels, _value in told if labels["object_namespace"] == namespace}


def _patched(admin: Client, namespace: str, **asks: Any) -> None:
    """As `kubectl patch` does it."""
    path = admin.path(ObjectRef("traefik.io/v1alpha1", "Middleware", "login", namespace))
    body = {"spec": {"forwardAuth": asks}}
    query = {"fieldManager": "kubectl-patch"}
    admin.request("PATCH", path, body=body, query=query, content_type="application/merge-patch+json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("address", "http://outpost.test:9000/auth", id="the address"),
        pytest.param("authResponseHeaders", HEADERS[:1], id="a header", marks=pytest.mark.variation("another field")),
    ],
)
def test_who_undoes_a_middleware_is_told_until_it_is_put_right(
    exporter: LabExporter, admin: Client, kept: str, field: str, value: Any
) -> None:
    _patched(admin, kept, **{field: value})
    eventually(lambda: _undone(exporter, kept) == {f"login {field}"}, "it is told", SECONDS)
    assert _writers(exporter, kept) == {"kubectl-patch"}
    assert f"Middleware {kept}/login: {field} (last written by kubectl-patch)" in exporter.log()
    Writer(admin, check_mode=False, force=True).apply(_hardened(kept))
    eventually(lambda: _fields(exporter, kept) == _all_is_well(), "it is put right", SECONDS)


def test_a_budget_that_is_deleted_is_told_until_it_is_there_again(
    exporter: LabExporter, admin: Client, writer: Writer, kept: str
) -> None:
    writer.delete([ObjectRef("policy/v1", "PodDisruptionBudget", "proxy", kept)])
    eventually(lambda: _undone(exporter, kept) == {"proxy object"}, "it is told", SECONDS)
    writer.apply(_hardened(kept))
    eventually(lambda: _fields(exporter, kept) == _all_is_well(), "it is there again", SECONDS)


def test_a_run_of_the_alerts_alone_forgets_nothing(
    exporter: LabExporter, player: ParityPlayer, admin: Client, kept: str
) -> None:
    _patched(admin, kept, address="http://outpost.test:9000/auth")
    assert player.bring_up().well().changed == 0
    eventually(lambda: _undone(exporter, kept) == {"login address"}, "it is told", SECONDS)
    Writer(admin, check_mode=False, force=True).apply(_hardened(kept))
    eventually(lambda: _fields(exporter, kept) == _all_is_well(), "it is put right", SECONDS)


def test_without_the_right_to_read_it_is_unknown(
    exporter: LabExporter, player: ParityPlayer, writer: Writer, kept: str
) -> None:
    writer.delete([ObjectRef("rbac.authorization.k8s.io/v1", "RoleBinding", NAME, kept)])

    def unknown() -> dict[str, str]:
        told = exporter.hardened("unknown")
        return {each["object_name"]: each["reason"] for each, _value in told if each["object_namespace"] == kept}

    eventually(lambda: unknown() == {"login": "forbidden", "proxy": "forbidden"}, "it is unknown", SECONDS)
    assert _fields(exporter, kept) == {}
    player.bring_up().well()
    eventually(lambda: _fields(exporter, kept) == _all_is_well(), "it may read again", UP_SECONDS)


def test_its_account_may_get_what_is_recorded_by_name(player: ParityPlayer, kubeconfig: Path, kept: str) -> None:
    user = f"system:serviceaccount:{NAMESPACE}:{NAME}"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
    own = Client({"kubeconfig": str(kubeconfig), "impersonate_user": user, "impersonate_groups": groups})
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": kept}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    rules = own.request("POST", path, body=review)["status"]["resourceRules"]
    own_rules = [rule for rule in rules if not rule["resources"][0].startswith("selfsubject")]
    assert sorted((rule["resources"], rule["resourceNames"], rule["verbs"]) for rule in own_rules) == [
        (["middlewares"], ["login"], ["get"]),
        (["poddisruptionbudgets"], ["proxy"], ["get"]),
    ]
