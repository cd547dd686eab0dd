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
    owner_role,
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


def test_everything_belongs_to_the_one_object() -> None:
    objects = [*healer(KIT, "uid-1", "idp", [marked()]), *stand_in(KIT, "uid-1", "idp", "hang", 9000, 2)]
    (owner,) = {json.dumps(item["metadata"]["ownerReferences"]) for item in objects}
    assert json.loads(owner) == [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": KIT.owner.name, "uid": "uid-1"}
    ]
    assert {item["metadata"]["labels"][LABEL] for item in objects} == {"a1b2"}


def test_the_healer_may_patch_what_is_marked_and_delete_its_owner_and_nothing_else() -> None:
    both = [marked(), marked("Node")]
    assert owner_role(KIT, both)["rules"] == [
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["clusterroles"],
            "verbs": ["delete"],
            "resourceNames": [KIT.name],
        },
        {"apiGroups": [""], "resources": ["nodes"], "resourceNames": ["server"], "verbs": ["patch"]},
    ]
    found = by_kind(healer(KIT, "uid-1", "traefik", both))
    assert found["Role"]["metadata"]["namespace"] == "idp"
    assert found["Role"]["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["server"], "verbs": ["patch"]}
    ]
    assert found["RoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": KIT.name, "namespace": "traefik"},
    ]


def test_the_plan_ends_with_the_owner_and_has_no_body_there() -> None:
    files = by_kind(healer(KIT, "uid-1", "idp", [marked()]))["ConfigMap"]["data"]
    plan = json.loads(files["plan.json"])
    assert plan["until"] == UNTIL.timestamp() * 1000
    assert [step["method"] for step in plan["steps"]] == ["PATCH", "PATCH", "DELETE"]
    assert plan["steps"][0]["path"] == (
        "/apis/apps/v1/namespaces/idp/deployments/server?fieldManager=resilient.traefik"
    )
    # With a body the API server would not see the query's dryRun.
    assert "body" not in plan["steps"][2]
    assert files["nginx.conf"].startswith("load_module /njs.so;\n")


def test_the_healer_keeps_away_from_the_node_that_is_drained() -> None:
    pod = by_kind(healer(KIT, "uid-1", "traefik", [marked("Node")], ["worker"]))["Job"]["spec"]["template"]["spec"]
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["worker"]}]


@pytest.mark.parametrize("mode", ["hang", "well"])
def test_a_stand_in_counts_what_it_is_asked_and_tells_it_beside(mode: str) -> None:
    """Whoever asks whether it is ready, or what it counts, asks at another port and is not counted."""
    files = by_kind(stand_in(KIT, "uid-1", "idp", mode, 9000, 2))["ConfigMap"]["data"]
    served, beside = files["nginx.conf"].split("server {")[1:]
    assert "listen 9000;" in served
    assert f"location / {{ js_content standin.{mode}; }}" in served
    assert f"listen {ready_port(9000)};" in beside
    assert "location = /metrics { js_content standin.metrics; }" in beside
    assert f"'{MARK_HEADER}'" in files["standin.js"]
    assert f"'{STAND_IN_METRIC}'" in files["standin.js"]
