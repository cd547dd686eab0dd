"""The accounts that the playbook rbac makes: what writes is bound in the given namespaces, and each has its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.resilient.traefik.plugins.filter.granted import granted
from ansible_collections.resilient.traefik.plugins.plugin_utils.granting import PURPOSES, bound_in, purposes_of

Object = dict[str, Any]
MANIFEST = yaml.safe_load((Path(__file__).parents[2] / "docs" / "rbac.yaml").read_text())
NAMESPACES = ["traefik", "shop"]
READING = {"get", "list"}
# Verbs on these store nothing where no other right is bound with them, or are what a purpose is for.
CLUSTER_WIDE_WRITES = {
    "harden": {("namespaces", "create")},
    "drill-nodes": {
        ("nodes", "patch"),
        *(("clusterroles", verb) for verb in ("create", "delete")),
        *(("clusterrolebindings", verb) for verb in ("create", "patch")),
    },
}


def _items(
    *purposes: str, namespaces: list[str] | None = None, secrets: tuple[str, ...] = ("traefik",)
) -> list[Object]:
    spaces = NAMESPACES if namespaces is None else namespaces
    return list(granted(MANIFEST, purposes, spaces, secrets)["items"])


def _rights(items: list[Object], kind: str) -> set[tuple[str, str]]:
    """Resources and verbs of all that bindings of this kind give."""
    rules = {(item["kind"], item["metadata"]["name"]): item["rules"] for item in items if "rules" in item}
    bound = [item["roleRef"] for item in items if item["kind"] == kind]
    given = [rule for ref in bound for rule in rules[ref["kind"], ref["name"]]]
    return {(resource, verb) for rule in given for resource in rule["resources"] for verb in rule["verbs"]}


@pytest.mark.parametrize("purpose", [each for each in PURPOSES if each != "alerts"])
def test_what_writes_is_bound_in_namespaces(purpose: str) -> None:
    cluster_wide = {right for right in _rights(_items(purpose), "ClusterRoleBinding") if right[1] not in READING}
    assert cluster_wide == CLUSTER_WIDE_WRITES.get(purpose, set())


def test_who_audits_writes_nowhere_and_reads_no_secret() -> None:
    items = _items("audit")
    rights = _rights(items, "ClusterRoleBinding") | _rights(items, "RoleBinding")
    assert {verb for _resource, verb in rights} == READING
    assert "secrets" not in {resource for resource, _verb in rights}


def test_who_verifies_writes_nothing_that_stays() -> None:
    items = _items("verify")
    rights = _rights(items, "ClusterRoleBinding") | _rights(items, "RoleBinding")
    writes = {right for right in rights if right[1] not in READING}
    assert writes == {("pods/portforward", "create"), ("pods/eviction", "create")}


def test_only_who_drains_nodes_writes_roles_of_the_cluster() -> None:
    for purpose in PURPOSES:
        rights = _rights(_items(purpose), "ClusterRoleBinding")
        assert (("clusterroles", "create") in rights) == (purpose == "drill-nodes")


def test_who_drills_may_do_all_that_a_healer_may() -> None:
    """Kubernetes lets nobody give away more than he has."""
    for purpose in ("drill", "drill-nodes"):
        here = _rights(_items(purpose), "RoleBinding")
        patched = ("deployments", "statefulsets", "services", "middlewares")
        assert here >= {("roles", "delete"), *((kind, "patch") for kind in patched)}
    everywhere = _rights(_items("drill-nodes"), "ClusterRoleBinding")
    assert everywhere >= {("clusterroles", "delete"), ("nodes", "patch")}


def test_bindings_are_where_they_should_be() -> None:
    items = _items("harden", secrets=("login",))
    places: dict[str, set[str]] = {}
    for item in items:
        if item["kind"] == "RoleBinding":
            places.setdefault(item["roleRef"]["name"], set()).add(item["metadata"]["namespace"])
    assert places.pop("resilient-traefik-secrets") == {"login"}
    assert places.pop("resilient-traefik-lock") == places.pop("resilient-traefik-journal") == {"resilient-traefik"}
    assert set(map(frozenset, places.values())) == {frozenset(NAMESPACES)}


def test_each_purpose_has_an_account_and_a_name_of_its_own() -> None:
    items = _items(*PURPOSES)
    accounts = {item["metadata"]["name"] for item in items if item["kind"] == "ServiceAccount"}
    assert accounts == {f"resilient-traefik-{purpose}" for purpose in PURPOSES}
    names = [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in items]
    assert len(names) == len(set(names))
    for item in items:
        for subject in item.get("subjects", []):
            assert subject["name"] in accounts


def test_every_role_is_for_something_and_bound_somewhere() -> None:
    for role in (item for item in MANIFEST["items"] if "rules" in item):
        assert set(purposes_of(role)) <= set(PURPOSES)
        assert bound_in(role) in {"cluster", "namespaces", "secrets", "own"}
        assert (role["kind"] == "Role") == (bound_in(role) == "own")


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(
        AnsibleFilterError, match="purposes: admin: there are audit, verify, harden, drill, drill-nodes, alerts,"
    ):
        _items("admin")
    with pytest.raises(AnsibleFilterError, match="purposes: none"):
        _items()
    with pytest.raises(AnsibleFilterError, match="namespaces: give those of Traefik"):
        _items("verify", namespaces=[""])
