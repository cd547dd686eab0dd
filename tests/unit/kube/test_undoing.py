"""Which objects a rollback deletes, creates again, patches or leaves alone."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import Footprint
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.undoing import plan_undo

Object = dict[str, Any]
REF = ObjectRef("v1", "ConfigMap", "settings", "shop")
OURS = {"manager": "resilient.traefik", "operation": "Apply", "apiVersion": "v1"}


def _state(value: str, *managers: Object) -> Object:
    entries = [manager | {"fieldsV1": {"f:data": {"f:a": {}}}} for manager in managers]
    metadata = {"name": "settings", "namespace": "shop", "uid": "u", "resourceVersion": "1", "managedFields": entries}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}


def _entry(before: Object | None, last: str, whole: bool = False) -> Entry:
    return Entry(REF, before, last, Footprint(taken=frozenset({("f:data", "f:a")})), "", whole)


def test_created_object_is_deleted_while_it_is_ours() -> None:
    entry = _entry(None, "created")
    undo, left = plan_undo([entry], {REF: _state("1", OURS)}, {})
    assert (undo.deleted, left) == ([REF], [])
    undo, left = plan_undo([entry], {REF: _state("1", OURS | {"manager": "helm"})}, {})
    assert undo.deleted == []
    assert str(left[0]) == "ConfigMap shop/settings: was created anew by somebody else since: left as it is"
    assert plan_undo([entry], {REF: None}, {})[0].deleted == []


def test_what_was_recorded_as_absent_is_deleted_whoever_made_it() -> None:
    recorded = _entry(None, "recorded", whole=True)
    undo, left = plan_undo([recorded], {REF: _state("1", OURS | {"manager": "helm"})}, {})
    assert (undo.deleted, left) == ([REF], [])


def test_namespace_in_use_stays() -> None:
    _undo, left = plan_undo(
        [_entry(None, "created")], {REF: _state("1", OURS)}, {REF: "is in use by others (Deployment web)"}
    )
    assert str(left[0]) == (
        "ConfigMap shop/settings: is in use by others (Deployment web): left as it is. "
        "To remove it later: kubectl delete configmap settings --namespace shop"
    )


def test_deleted_object_is_created_again_without_server_fields() -> None:
    before = _state("1", OURS)
    undo, _left = plan_undo([_entry(before, "deleted")], {REF: None}, {})
    ((item, _owners),) = undo.recreated
    assert item["metadata"] == {"name": "settings", "namespace": "shop"}
    assert item["data"] == {"a": "1"}


def test_object_that_somebody_else_deleted_stays_away() -> None:
    undo, left = plan_undo([_entry(_state("1"), "changed")], {REF: None}, {})
    assert (undo.recreated, undo.patches) == ([], [])
    assert left[0].why == "was deleted by somebody else since"


def test_changed_object_is_patched_and_again_when_it_moved_on() -> None:
    before, now = _state("1"), _state("2", OURS)
    undo, left = plan_undo([_entry(before, "changed")], {REF: now}, {})
    (patch,) = undo.patches
    assert patch.body == [{"op": "replace", "path": "/data/a", "value": "1"}]
    assert left == []
    assert patch.again is not None
    newer = patch.again(now | {"metadata": now["metadata"] | {"labels": {"theirs": "1"}}})
    assert newer is not None
    assert newer.body == patch.body
    assert patch.again(before) is None


def test_state_kept_on_demand_goes_back_whole() -> None:
    before, now = _state("1"), _state("2", OURS | {"manager": "kubectl"})
    undo, left = plan_undo([_entry(before, "recorded", whole=True)], {REF: now}, {})
    assert undo.patches[0].body == [{"op": "replace", "path": "/data/a", "value": "1"}]
    assert left == []
