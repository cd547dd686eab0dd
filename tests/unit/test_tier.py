"""What a tier gives, by value, and what moves with its label."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.tier_move import RESTARTED, Move
from ansible_collections.resilient.traefik.plugins.module_utils.tier_policy import (
    limit_range_lacks,
    limit_range_values,
    running,
    same_quantity,
    with_other_class,
)

Object = dict[str, Any]
MOVE = Move("tier", "4-aux", "1-cluster", pod_template=False)
WITH_PODS = Move("tier", "4-aux", "1-cluster", pod_template=True)


@pytest.mark.parametrize(
    ("seen", "wanted", "same"),
    [
        ("1Gi", "1024Mi", True),
        ("1", "1000m", True),
        ("0.5", "500m", True),
        ("1G", "1Gi", False),
        ("512Mi", "513Mi", False),
        (None, "1", False),
    ],
)
def test_quantities_count_by_value(seen: str | None, wanted: str, same: bool) -> None:
    assert same_quantity(seen, wanted) is same


def _limit_range(**fields: Object) -> Object:
    return {"spec": {"limits": [{"type": "Pod", "max": {"memory": "9Gi"}}, {"type": "Container", **fields}]}}


def test_limit_range_says_what_differs() -> None:
    expected = limit_range_values({"name": "tier-defaults", "default": {"memory": "512Mi"}, "max": {"cpu": 1}})
    assert expected is not None
    assert limit_range_lacks(_limit_range(default={"memory": "0.5Gi"}, max={"cpu": "1000m"}), expected) == ""
    assert limit_range_lacks(None, expected) == "it does not exist"
    assert (
        limit_range_lacks(_limit_range(default={"memory": "256Mi"}), expected)
        == "default.memory is 256Mi, not 512Mi, max.cpu is not set, not 1"
    )


def test_bad_quantity_is_named() -> None:
    with pytest.raises(BadArgument, match=r"expect.limit_range.default_request.memory: '1Gb' is no quantity"):
        limit_range_values({"name": "x", "default_request": {"memory": "1Gb"}})


def test_pods_that_count() -> None:
    runs = {"metadata": {}, "spec": {"priorityClassName": "high"}, "status": {"phase": "Running"}}
    ended = {"metadata": {}, "spec": {}, "status": {"phase": "Succeeded"}}
    leaves = {"metadata": {"deletionTimestamp": "now"}, "spec": {}, "status": {"phase": "Running"}}
    assert running([runs, ended, leaves]) == [runs]
    assert with_other_class([runs], "high") == []
    assert with_other_class([runs], "low") == [runs]


def _workload(tier: str | None, in_template: str | None = None) -> Object:
    labels = {"tier": tier} if tier else {}
    template = {"metadata": {"labels": {"app": "web"} | ({"tier": in_template} if in_template else {})}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": labels},
        "spec": {"template": template},
    }


def test_label_moves_and_pods_stay() -> None:
    assert MOVE.workload_body(_workload("4-aux"), "") == {"metadata": {"labels": {"tier": "1-cluster"}}}
    assert MOVE.workload_body(_workload("1-cluster"), "") == {}
    restart = MOVE.workload_body(_workload("1-cluster"), "noon")
    assert restart == {"spec": {"template": {"metadata": {"annotations": {RESTARTED: "noon"}}}}}


def test_changed_template_needs_no_restart_beside_it() -> None:
    body = WITH_PODS.workload_body(_workload("1-cluster", "4-aux"), "noon")
    assert body == {"spec": {"template": {"metadata": {"labels": {"tier": "1-cluster"}}}}}
    assert WITH_PODS.moves(_workload("1-cluster"))
    assert not WITH_PODS.moves(_workload("1-cluster", "1-cluster"))


def test_objections_name_object_and_tier() -> None:
    assert MOVE.objections([_workload("4-aux"), _workload("1-cluster"), _workload("4-aux", "2-edge")]) == []
    assert MOVE.objections([_workload("2-edge")]) == ["Deployment shop/web has tier=2-edge"]
    assert MOVE.objections([_workload(None)]) == ["Deployment shop/web has no label tier"]
    assert WITH_PODS.objections([_workload("4-aux", "2-edge")]) == [
        "the pod template of Deployment shop/web has tier=2-edge"
    ]
