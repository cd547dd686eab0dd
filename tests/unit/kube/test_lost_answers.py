"""Whether a write was done is told by the object as it is, and not where it cannot be told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lost_answers import (
    was_created,
    was_deleted,
    was_patched,
)

Object = dict[str, Any]


def _stored(manager: str = "resilient.traefik", operation: str = "Update", **data: Any) -> Object:
    metadata = {"name": "settings", "namespace": "shop", "uid": "u1", "resourceVersion": "7"}
    entry = {"manager": manager, "operation": operation, "fieldsV1": {}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata | {"managedFields": [entry]},
        "data": data,
    }


def _sent(**data: Any) -> Object:
    metadata: Object = {"name": "settings", "namespace": "shop", "creationTimestamp": None, "labels": {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_an_object_with_all_that_was_sent_was_created() -> None:
    now = _stored(a="1") | {"immutable": False}
    assert was_created(_sent(a="1"), now)
    assert not was_created(_sent(a="2"), now)
    assert not was_created(_sent(a="1", b="1"), now)
    assert not was_created(_sent(a="1"), _stored("kubectl", a="1"))
    assert not was_created(_sent(a="1"), _stored(operation="Apply", a="1"))
    now["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not was_created(_sent(a="1"), now)


def test_lists_are_compared_item_by_item() -> None:
    sent = _sent() | {"items": [{"name": "a"}, {"name": "b"}]}
    assert was_created(sent, _stored() | {"items": [{"name": "a", "default": 1}, {"name": "b"}]})
    for other in ([{"name": "b"}, {"name": "a"}], [{"name": "a"}], "ab", None):
        assert not was_created(sent, _stored() | {"items": other})


def test_a_secret_keeps_what_was_sent_as_text() -> None:
    sent = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "settings"}, "stringData": {"a": "1"}}
    stored = _stored() | {"kind": "Secret", "data": {"a": "MQ=="}}
    assert was_created(sent, stored)
    assert not was_created(sent, stored | {"data": {"a": "Mg=="}})


BODIES: list[Any] = [
    {"data": {"a": "2", "b": None}},
    [{"op": "replace", "path": "/data/a", "value": "2"}, {"op": "remove", "path": "/data/b"}],
    [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "add", "path": "/data/a", "value": "2"}],
]


@pytest.mark.parametrize("body", BODIES)
def test_an_object_that_has_what_a_patch_sets_was_patched(body: Any) -> None:
    patch = Patch(_stored(a="1", b="1"), body)
    assert was_patched(patch, _stored(a="2", c="of others"))
    assert not was_patched(patch, _stored(a="1", b="1"))
    assert not was_patched(patch, _stored(a="3"))
    other = _stored(a="2")
    other["metadata"]["uid"] = "u2"
    assert not was_patched(patch, other)


def test_what_a_patch_removes_must_be_gone() -> None:
    for body in BODIES[:2]:
        assert not was_patched(Patch(_stored(a="1", b="1"), body), _stored(a="2", b="1"))


def test_paths_lead_through_lists_and_escapes() -> None:
    def _workload(arguments: list[str], note: str) -> Object:
        item = copy.deepcopy(_stored())
        item["metadata"]["annotations"] = {"example.test/note~1": note}
        return item | {"spec": {"containers": [{"args": arguments}]}}

    body: list[Object] = [
        {"op": "replace", "path": "/spec/containers/0/args", "value": ["--b"]},
        {"op": "add", "path": "/metadata/annotations/example.test~1note~01", "value": "new"},
    ]
    patch = Patch(_workload(["--a"], "old"), body)
    assert was_patched(patch, _workload(["--b"], "new"))
    assert not was_patched(patch, _workload(["--b"], "old"))
    assert not was_patched(patch, _workload(["--a"], "new"))
    assert not was_patched(patch, _stored() | {"spec": {"containers": []}})


def test_an_item_of_a_list_cannot_be_told() -> None:
    operations: list[Object] = [{"op": "remove", "path": "/items/0"}, {"op": "add", "path": "/items/0", "value": "a"}]
    for operation in operations:
        assert not was_patched(Patch(_stored(), [operation]), _stored() | {"items": ["a"]})


def test_an_object_of_the_same_name_is_another_one() -> None:
    before = _stored()
    other = copy.deepcopy(before)
    other["metadata"]["uid"] = "u2"
    leaving = copy.deepcopy(before)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert was_deleted(before, None)
    assert was_deleted(before, other)
    assert was_deleted(before, leaving)
    assert not was_deleted(before, before)
