"""What a drill brings: all of it owned by one object, and a healer that may do nothing but restore."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import (
    Image,
    Kit,
    Marked,
    healer,
    owners,
    stand_in,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.healer_files import (
    MARK_HEADER,
    STAND_IN_METRIC,
    ready_port,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import LABEL, Mark
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Resource

UNTIL = datetime(2030, 1, 1, tzinfo=UTC)
UIDS = {"idp": "uid-1", "traefik": "uid-2"}
KIT = Kit("a1b2", UNTIL, Image("nginx.test/nginx:1", ("/njs.so",)))


def marked(kind: str = "Deployment", namespace: str = "idp") -> Marked:
    """One that is scaled, or a node that is cordoned."""
    node = kind == "Node"
    item: dict[str, Any] = {
        "apiVersion": "v1" if node else "apps/v1",
        "kind": kind,
        "metadata": {"name": "server"} | ({} if node else {"namespace": namespace}),
        "spec": {"replicas": 2},
    }
    field, before, during = ("spec.unschedulable", None, True) if node else ("spec.replicas", 2, 0)
    resource = Resource(item["apiVersion"], kind, "nodes" if node else "deployments", not node)
    return Marked(item, resource, Mark(KIT.token, UNTIL, field, before, during))


def by_kind(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The objects by kind."""
    return {item["kind"]: item for item in objects}


def test_everything_belongs_to_the_role_of_its_namespace() -> None:
    objects = [*healer(KIT, UIDS, "traefik", [marked()]), *stand_in(KIT, UIDS, "idp", "hang", 9000, 2)]
    for item in objects:
        (owner,) = item["metadata"]["ownerReferences"]
        uid = UIDS[item["metadata"]["namespace"]]
        api_version = "rbac.authorization.k8s.io/v1"
        assert owner == {"apiVersion": api_version, "kind": "Role", "name": KIT.name, "uid": uid}
    assert {item["metadata"]["labels"][LABEL] for item in objects} == {"a1b2"}
    assert not [item for item in objects if item["kind"].startswith("Cluster")]


def test_the_healer_may_patch_what_is_marked_and_delete_its_owners_and_nothing_else() -> None:
    own = {"apiGroups": ["rbac.authorization.k8s.io"], "resourceNames": [KIT.name], "verbs": ["delete"]}
    cluster, idp, traefik = owners(KIT, ["traefik"], [marked(), marked("Node")])
    assert [(item["kind"], item["metadata"].get("namespace")) for item in (cluster, idp, traefik)] == [
        ("ClusterRole", None),
        ("Role", "idp"),
        ("Role", "traefik"),
    ]
    assert cluster["rules"] == [
        own | {"resources": ["clusterroles"]},
        {"apiGroups": [""], "resources": ["nodes"], "resourceNames": ["server"], "verbs": ["patch"]},
    ]
    assert idp["rules"] == [
        own | {"resources": ["roles"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["server"], "verbs": ["patch"]},
    ]
    assert traefik["rules"] == [own | {"resources": ["roles"]}]


def test_the_healer_is_bound_to_every_owner_and_to_no_other_role() -> None:
    bindings = [item for item in healer(KIT, UIDS, "traefik", [marked()]) if "roleRef" in item]
    assert [(item["kind"], item["metadata"]["namespace"]) for item in bindings] == [
        ("RoleBinding", "idp"),
        ("RoleBinding", "traefik"),
    ]
    for item in bindings:
        assert (item["roleRef"]["kind"], item["roleRef"]["name"]) == ("Role", KIT.name)
        assert item["subjects"] == [{"kind": "ServiceAccount", "name": KIT.name, "namespace": "traefik"}]
    with_a_node = healer(KIT, UIDS | {"": "uid-3"}, "traefik", [marked("Node")])
    assert "ClusterRoleBinding" in by_kind(with_a_node)


def test_only_a_node_needs_a_role_of_the_whole_cluster() -> None:
    assert {item["kind"] for item in owners(KIT, ["traefik"], [marked()])} == {"Role"}


def test_the_plan_ends_with_the_owners_and_has_no_body_there() -> None:
    files = by_kind(healer(KIT, UIDS | {"": "uid-3"}, "idp", [marked()]))["ConfigMap"]["data"]
    plan = json.loads(files["plan.json"])
    assert plan["until"] == UNTIL.timestamp() * 1000
    assert [step["method"] for step in plan["steps"]] == ["PATCH", "PATCH", "DELETE", "DELETE", "DELETE"]
    assert plan["steps"][0]["path"] == (
        "/apis/apps/v1/namespaces/idp/deployments/server?fieldManager=resilient.traefik"
    )
    # With a body the API server would not see the query's dryRun. The last one takes its account away.
    assert not [step for step in plan["steps"][2:] if "body" in step]
    places = [step["path"].partition("/v1/")[2].partition("?")[0] for step in plan["steps"][2:]]
    assert places == [
        f"clusterroles/{KIT.name}",
        f"namespaces/traefik/roles/{KIT.name}",
        f"namespaces/idp/roles/{KIT.name}",
    ]
    assert files["nginx.conf"].startswith("load_module /njs.so;\n")


def test_the_healer_keeps_away_from_the_node_that_is_drained() -> None:
    pod = by_kind(healer(KIT, UIDS, "traefik", [marked("Node")], ["worker"]))["Job"]["spec"]["template"]["spec"]
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["worker"]}]


@pytest.mark.parametrize("mode", ["hang", "well"])
def test_a_stand_in_counts_what_it_is_asked_and_tells_it_beside(mode: str) -> None:
    """Whoever asks whether it is ready, or what it counts, asks at another port and is not counted."""
    files = by_kind(stand_in(KIT, UIDS, "idp", mode, 9000, 2))["ConfigMap"]["data"]
    served, beside = files["nginx.conf"].split("server {")[1:]
    assert "listen 9000;" in served
    assert f"location / {{ js_content standin.{mode}; }}" in served
    assert f"listen {ready_port(9000)};" in beside
    assert "location = /metrics { js_content standin.metrics; }" in beside
    assert f"'{MARK_HEADER}'" in files["standin.js"]
    assert f"'{STAND_IN_METRIC}'" in files["standin.js"]
