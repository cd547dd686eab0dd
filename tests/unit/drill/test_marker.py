"""The mark of a drill: what it says, and how it is taken back by whoever finds it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import (
    ANNOTATION,
    LABEL,
    Mark,
    former_owner,
    mark_of,
)

UNTIL = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def deployment(replicas: int = 3, **metadata: Any) -> dict[str, Any]:
    """As small as one can be."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": "idp", "resourceVersion": "1", **metadata},
        "spec": {"replicas": replicas},
    }


SCALED = Mark("a1b2", UNTIL, "spec.replicas", 3, 0)
CORDONED = Mark("a1b2", UNTIL, "spec.unschedulable", None, True)


def test_a_marked_object_says_what_to_restore_and_when() -> None:
    before = deployment(labels={"app": "idp"})
    kept = copy.deepcopy(before)
    marked = SCALED.marked(before)
    assert before == kept
    assert marked["spec"]["replicas"] == 0
    assert marked["metadata"]["labels"] == {"app": "idp", LABEL: "a1b2"}
    assert mark_of(marked) == SCALED
    assert "2030-01-02T03:04:05+00:00" in marked["metadata"]["annotations"][ANNOTATION]


@pytest.mark.parametrize("mark", [SCALED, CORDONED])
def test_what_is_restored_is_as_before(mark: Mark) -> None:
    before = deployment(labels={"app": "idp"}, annotations={"a": "b"})
    marked = mark.marked(before)
    assert mark.is_in_force(marked)
    assert mark.restored(marked) == before


def test_what_somebody_else_changed_stays_and_loses_the_mark() -> None:
    marked = SCALED.marked(deployment())
    marked["spec"]["replicas"] = 5
    assert not SCALED.is_in_force(marked)
    restored = SCALED.restored(marked)
    assert restored["spec"]["replicas"] == 5
    assert mark_of(restored) is None
    assert LABEL not in restored["metadata"]["labels"]


def test_the_healer_puts_back_and_unmarks_or_only_unmarks() -> None:
    both, unmark = SCALED.steps()
    label = {"op": "test", "path": "/metadata/labels/resilient.traefik~1drill", "value": "a1b2"}
    assert both[:3] == [
        label,
        {"op": "test", "path": "/spec/replicas", "value": 0},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
    ]
    assert unmark == [label, *both[3:]]
    assert [step["op"] for step in unmark] == ["test", "remove", "remove"]
    assert {"op": "remove", "path": "/spec/unschedulable"} in CORDONED.steps()[0]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": {LABEL: "a1b2"}},
        {"labels": {LABEL: "a1b2"}, "annotations": {ANNOTATION: "{"}},
        {"labels": {LABEL: "a1b2"}, "annotations": {ANNOTATION: "{}"}},
        {"labels": {LABEL: "a1b2"}, "annotations": {ANNOTATION: "[1]"}},
        {"annotations": {ANNOTATION: SCALED.as_text()}},
    ],
)
def test_what_is_no_mark(metadata: dict[str, Any]) -> None:
    assert mark_of(deployment(**metadata)) is None


def test_the_healer_writes_in_the_name_of_the_former_owner() -> None:
    entry = {"manager": "helm", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    assert former_owner(deployment(managedFields=[entry]), SCALED) == "helm"
    assert former_owner(deployment(managedFields=[entry | {"manager": "resilient.traefik"}]), SCALED) == ""
    assert former_owner(deployment(), SCALED) == ""
