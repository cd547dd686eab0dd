"""What counts as a change, and what of it may be shown."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import (
    FIELD_MANAGER,
    HIDDEN,
    HIDDEN_CHANGED,
    LAST_APPLIED,
    check_secret_values,
    content,
    differs,
    owned_fields,
    shown,
    without_secret_values,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

Item = dict[str, Any]
VALUE, OTHER = "c2VjcmV0LW9uZQ==", "c2VjcmV0LXR3bw=="


def _item(kind: str = "ConfigMap", **parts: Any) -> Item:
    metadata = {
        "name": "one",
        "namespace": "shop",
        "uid": "1-2-3",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [],
    }
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata} | parts


def _owning(fields: Item, manager: str = FIELD_MANAGER, **entry: Any) -> Item:
    item = _item()
    owner = {"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields} | entry
    item["metadata"]["managedFields"] = [owner]
    return item


def _annotated(item: Item, **annotations: str) -> Item:
    annotated = copy.deepcopy(item)
    annotated["metadata"]["annotations"] = annotations
    return annotated


def test_bookkeeping_and_status_are_no_content() -> None:
    item = _annotated(_item(data={"a": "b"}, status={"phase": "Active"}), **{LAST_APPLIED: "{}", "kept": "yes"})
    assert content(item) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "one", "namespace": "shop", "annotations": {"kept": "yes"}},
        "data": {"a": "b"},
    }
    assert item["metadata"]["uid"] == "1-2-3", "the original stays whole"
    assert content(None) == {}


def test_kubectls_copy_alone_is_no_change() -> None:
    assert not differs(_item(), _annotated(_item(), **{LAST_APPLIED: "{}"}))
    assert differs(_item(), _annotated(_item(), other="{}"))


def test_coming_and_going_are_changes() -> None:
    assert differs(None, _item())
    assert differs(_item(), None)
    assert not differs(None, None)


def test_taking_a_field_over_with_the_same_value_is_a_change() -> None:
    assert differs(_owning({"f:data": {}}, manager="gitops"), _owning({"f:data": {}}))
    assert not differs(_owning({"f:data": {"f:a": {}}}), _owning({"f:data": {"f:a": {}}}))


@pytest.mark.parametrize("part", ["f:labels", "f:annotations"])
def test_owning_empty_labels_is_no_change(part: str) -> None:
    bare: dict[str, Any] = {"f:data": {"f:a": {}}}
    assert not differs(_owning(bare), _owning(bare | {"f:metadata": {part: {}}}))
    assert differs(_owning(bare), _owning(bare | {"f:metadata": {part: {"f:team": {}}}}))


def test_only_our_own_applies_count_as_ours() -> None:
    assert owned_fields(_owning({"f:data": {}})) == {"f:data": {}}
    assert owned_fields(_owning({"f:data": {}}, manager="kubectl")) is None
    assert owned_fields(_owning({"f:data": {}}, operation="Update")) is None
    assert owned_fields(_owning({"f:status": {}}, subresource="status")) is None
    assert owned_fields({"metadata": {"managedFields": None}}) is None


def test_a_diff_is_yaml_of_what_was_wanted() -> None:
    diff = shown(_item(data={"a": "old"}), _item(data={"a": "new"}), "ConfigMap shop/one")
    assert diff["before_header"] == diff["after_header"] == "ConfigMap shop/one"
    assert yaml.safe_load(diff["before"])["data"] == {"a": "old"}
    assert yaml.safe_load(diff["after"])["data"] == {"a": "new"}
    assert "resourceVersion" not in diff["after"]


def test_a_new_object_has_no_before_and_a_removed_one_no_after() -> None:
    assert shown(None, _item(), "x")["before"] == ""
    assert shown(_item(), None, "x")["after"] == ""


def test_a_change_of_owner_alone_is_visible() -> None:
    diff = shown(_owning({}, manager="gitops"), _owning({"f:data": {}}), "x")
    assert diff["before"] != diff["after"]
    assert FIELD_MANAGER in diff["after"]


def test_values_of_variables_that_are_secrets_by_their_names_are_hidden() -> None:
    def pod(password: str, level: str) -> dict[str, Any]:
        entries = [{"name": "DB_PASSWORD", "value": password}, {"name": "LOG_LEVEL", "value": level}]
        container = {"name": "main", "env": [*entries, {"name": "TOKEN", "valueFrom": {"fieldRef": {}}}]}
        return _item("Deployment", spec={"template": {"spec": {"containers": [container]}}})

    before, after = pod(VALUE, "info"), pod(OTHER, "debug")
    diff = shown(before, after, "Deployment shop/one")
    assert VALUE not in json.dumps(diff)
    assert OTHER not in json.dumps(diff)
    assert (HIDDEN_CHANGED in diff["after"], "debug" in diff["after"]) == (True, True)
    assert HIDDEN_CHANGED not in shown(before, pod(VALUE, "debug"), "x")["after"]
    assert before["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == VALUE, "the original stays whole"


@pytest.mark.parametrize("part", ["data", "stringData"])
def test_values_of_secrets_are_hidden_and_changed_keys_named(part: str) -> None:
    before = _item("Secret", **{part: {"same": VALUE, "changed": VALUE, "gone": VALUE}})
    after = _item("Secret", **{part: {"same": VALUE, "changed": OTHER, "added": OTHER}})
    diff = shown(before, after, "Secret shop/one")
    assert VALUE not in json.dumps(diff)
    assert OTHER not in json.dumps(diff)
    assert yaml.safe_load(diff["before"])[part] == {"same": HIDDEN, "changed": HIDDEN, "gone": HIDDEN}
    assert yaml.safe_load(diff["after"])[part] == {"same": HIDDEN, "changed": HIDDEN_CHANGED, "added": HIDDEN}
    assert before[part]["same"] == VALUE, "the original stays whole"


@pytest.mark.parametrize("pair", [(None, 1), (1, None)], ids=["created", "deleted"])
def test_created_and_deleted_secrets_are_hidden_too(pair: tuple[int | None, int | None]) -> None:
    item = _annotated(_item("Secret", data={"key": VALUE}), **{LAST_APPLIED: json.dumps({"data": {"key": VALUE}})})
    before, after = (item if there else None for there in pair)
    diff = shown(before, after, "Secret shop/one")
    assert VALUE not in json.dumps(diff)
    assert HIDDEN in json.dumps(diff)


def test_a_secret_that_may_be_printed() -> None:
    item = _annotated(
        _item("Secret", data={"key": VALUE}, stringData={"text": "plain"}), **{LAST_APPLIED: VALUE, "a": "b"}
    )
    safe = without_secret_values(item)
    assert safe["data"] == {"key": HIDDEN}
    assert safe["stringData"] == {"text": HIDDEN}
    assert safe["metadata"]["annotations"] == {"a": "b"}
    assert item["data"] == {"key": VALUE}, "the original stays whole"
    plain = _item(data={"key": VALUE})
    assert without_secret_values(plain) is plain


def test_secrets_without_data_are_no_special_case() -> None:
    bare = _item("Secret", data=None)
    assert without_secret_values(bare)["data"] is None
    assert HIDDEN not in json.dumps(shown(bare, bare, "x"))


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"stringData": {"pin": 7331}}, "Secret shop/one: stringData.pin is int, not text"),
        ({"data": {"pin": True}}, "data.pin is bool"),
        ({"data": ["7331"]}, "data is list, not a dictionary"),
    ],
)
def test_a_secrets_value_that_is_no_text_is_named_without_it(parts: Item, says: str) -> None:
    with pytest.raises(BadArgument) as raised:
        check_secret_values(_item("Secret", **parts))
    assert says in str(raised.value)
    assert "7331" not in str(raised.value)


def test_other_kinds_may_have_what_they_like() -> None:
    check_secret_values(_item(data={"pin": 7331}))
    check_secret_values(_item("Secret", data=None, stringData={"key": ""}))
