"""Exactly the touched fields go back, with their owners, and nothing of others goes with them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import (
    fields_of,
    in_words,
    owned_paths,
    paths_of,
    same_owners,
    value_at,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import Footprint, digests, footprint
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import (
    json_patch,
    owners_put_back,
    put_back,
    put_back_whole,
)

Object = dict[str, Any]
OURS = "resilient.traefik"
WEB = 'k:{"name":"web"}'


def _entry(manager: str, operation: str, *paths: str) -> Object:
    owned = [tuple(path.split("|")) for path in paths]
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields_of(owned),
    }


def _object(spec: Object, *entries: Object, **metadata: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "managedFields": list(entries)} | metadata,
        "spec": spec,
    }


def _spec(item: Object) -> Object:
    return dict(item["spec"])


FIELDS = {
    "f:metadata": {"f:labels": {".": {}, "f:tier": {}}},
    "f:spec": {"f:containers": {WEB: {".": {}, "f:name": {}, "f:args": {}}, 'v:"x"': {}}},
}


def test_fields_and_paths_are_inverse() -> None:
    assert fields_of(paths_of(FIELDS)) == FIELDS
    assert ("f:metadata", "f:labels") in paths_of(FIELDS)
    assert ("f:metadata",) not in paths_of(FIELDS)


def test_a_path_in_words() -> None:
    path = ("f:spec", "f:ports", 'k:{"containerPort":80,"protocol":"TCP"}', "f:name")
    assert in_words(path) == "spec.ports[containerPort=80,protocol=TCP].name"
    assert in_words(("f:metadata", "f:finalizers", 'v:"x"')) == 'metadata.finalizers["x"]'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("f:a", 'k:{"port":80,"protocol":"TCP"}', "f:name"), "http"),
        (("f:b", 'v:"two"'), "two"),
        (("f:b", "i:0"), "one"),
    ],
)
def test_value_in_a_list(path: tuple[str, ...], value: str) -> None:
    # The key field protocol has a default, which the object need not state.
    assert value_at({"a": [{"port": 80, "name": "http"}], "b": ["one", "two"]}, path) == value


def test_set_field_goes_back_and_foreign_field_stays() -> None:
    before = _object({"replicas": 1}, _entry("helm", "Update", "f:spec|f:replicas"))
    after = _object({"replicas": 3, "paused": True}, _entry(OURS, "Apply", "f:spec|f:replicas", "f:spec|f:paused"))
    touched = footprint(before, after)
    now = copy.deepcopy(after)
    now["spec"]["minReadySeconds"] = 5
    now["metadata"]["managedFields"].append(_entry("kubectl", "Update", "f:spec|f:minReadySeconds"))
    target, kept = put_back(before, now, touched)
    assert _spec(target) == {"replicas": 1, "minReadySeconds": 5}
    assert kept == []


def test_what_somebody_else_set_since_stays_and_is_named() -> None:
    before = _object({"replicas": 1}, _entry("helm", "Update", "f:spec|f:replicas"))
    touched = footprint(before, _object({"replicas": 3}, _entry(OURS, "Apply", "f:spec|f:replicas")))
    now = _object({"replicas": 7}, _entry("kubectl", "Update", "f:spec|f:replicas"))
    target, kept = put_back(before, now, touched)
    assert target == now
    assert [(in_words(item.path), item.owners) for item in kept] == [("spec.replicas", ["kubectl"])]


@pytest.mark.parametrize(
    ("value", "becomes", "kept"),
    [(3, 1, []), (7, 7, ["kubectl"])],
)
def test_a_value_of_ours_goes_back_whoever_wrote_it_last(value: int, becomes: int, kept: list[str]) -> None:
    before = _object({"replicas": 1}, _entry("helm", "Update", "f:spec|f:replicas"))
    after = _object({"replicas": 3}, _entry(OURS, "Apply", "f:spec|f:replicas"))
    touched = footprint(before, after)
    now = _object({"replicas": value}, _entry("kubectl", "Update", "f:spec|f:replicas"))
    target, left = put_back(before, now, touched, digests(after, touched.paths))
    assert _spec(target) == {"replicas": becomes}
    assert [owner for item in left for owner in item.owners] == kept


def test_what_the_run_removed_comes_back_and_what_others_removed_does_not() -> None:
    before = _object({"a": 1}, _entry("helm", "Update", "f:spec|f:a"))
    after = _object({"b": 2}, _entry(OURS, "Apply", "f:spec|f:b"))
    touched = footprint(before, after)
    target, left = put_back(before, _object({}), touched, digests(after, touched.paths))
    assert (_spec(target), left) == ({"a": 1}, [])


def test_what_somebody_else_confirmed_since_stays() -> None:
    """They applied our value as their own. The journal is of version 0.2 and does not tell that it is ours."""
    before = _object({"replicas": 1}, _entry("helm", "Update", "f:spec|f:replicas"))
    ours, theirs = _entry(OURS, "Apply", "f:spec|f:replicas"), _entry("argocd", "Apply", "f:spec|f:replicas")
    touched = footprint(before, _object({"replicas": 3}, ours))
    target, kept = put_back(before, _object({"replicas": 3}, ours, theirs), touched)
    assert _spec(target) == {"replicas": 3}
    assert [item.owners for item in kept] == [["argocd"]]


def test_removed_field_comes_back_unless_somebody_gave_it_anew() -> None:
    before = _object({"args": ["a"]}, _entry("helm", "Update", "f:spec|f:args"))
    touched = footprint(before, _object({}, _entry("helm", "Update", "f:spec|f:other")))
    assert touched.removed == {("f:spec", "f:args")}
    target, _kept = put_back(before, _object({}), touched)
    assert _spec(target) == {"args": ["a"]}
    now = _object({"args": ["b"]}, _entry("kubectl", "Update", "f:spec|f:args"))
    target, kept = put_back(before, now, touched)
    assert _spec(target) == {"args": ["b"]}
    assert len(kept) == 1


def test_defaults_go_with_the_field_that_brought_them() -> None:
    """The API server filled in what nobody owns: a strategy's parameters, a probe's, an added container's."""
    before = _object({"strategy": {"type": "Recreate"}}, _entry("helm", "Update", "f:spec|f:strategy|f:type"))
    ours = _entry(OURS, "Apply", "f:spec|f:strategy|f:type", "f:spec|f:probe|f:path")
    now = _object(
        {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
            "probe": {"path": "/", "timeoutSeconds": 1},
        },
        ours,
    )
    target, _kept = put_back(before, now, footprint(before, now))
    assert _spec(target) == {"strategy": {"type": "Recreate"}}


def test_added_item_of_a_list_goes_whole_but_not_with_what_others_put_into_it() -> None:
    helm = _entry("helm", "Update", f"f:spec|f:containers|{WEB}", f"f:spec|f:containers|{WEB}|f:name")
    before = _object({"containers": [{"name": "web"}]}, helm)
    side = 'k:{"name":"side"}'
    ours = _entry(OURS, "Apply", f"f:spec|f:containers|{side}", *_below(side, "f:name", "f:image"))
    added = {"name": "side", "image": "x", "imagePullPolicy": "Always"}
    now = _object({"containers": [{"name": "web"}, added]}, helm, ours)
    touched = footprint(before, now)
    target, _kept = put_back(before, now, touched)
    assert _spec(target) == {"containers": [{"name": "web"}]}

    now["spec"]["containers"][1]["tty"] = True
    now["metadata"]["managedFields"].append(_entry("kubectl", "Update", *_below(side, "f:tty")))
    target, _kept = put_back(before, now, touched)
    assert target["spec"]["containers"][1]["tty"] is True


def _below(item: str, *fields: str) -> list[str]:
    return [f"f:spec|f:containers|{item}|{field}" for field in fields]


def test_removed_item_of_a_list_comes_back_to_its_place() -> None:
    before = _object({"containers": [_container(name) for name in "abc"]}, _owner_of_containers("abc"))
    after = _object({"containers": [_container("a"), _container("c")]}, _owner_of_containers("ac"))
    touched = footprint(before, after)
    # Then helm itself changes the first.
    now = _object({"containers": [_container("a") | {"value": "new"}, _container("c")]}, _owner_of_containers("ac"))
    target, kept = put_back(before, now, touched)
    assert target["spec"]["containers"] == [_container("a") | {"value": "new"}, _container("b"), _container("c")]
    assert kept == []


def _container(name: str) -> Object:
    return {"name": name, "value": name * 2}


def _owner_of_containers(names: str) -> Object:
    keys = [f'k:{{"name":"{name}"}}' for name in names]
    return _entry("helm", "Update", *(path for key in keys for path in _below(key, "f:name", "f:value")))


def test_map_that_came_with_our_key_goes_with_it_and_stays_for_others() -> None:
    before = _object({})
    ours = _entry(OURS, "Update", "f:metadata|f:annotations", "f:metadata|f:annotations|f:ours")
    now = _object({}, ours, annotations={"ours": "1"})
    touched = footprint(_object({}, _entry("helm", "Update", "f:spec|f:x")), now)
    target, _kept = put_back(before, now, touched)
    assert "annotations" not in target["metadata"]

    theirs = _entry("kubectl", "Update", "f:metadata|f:annotations|f:theirs")
    now = _object({}, ours, theirs, annotations={"ours": "1", "theirs": "2"})
    target, _kept = put_back(before, now, touched)
    assert target["metadata"]["annotations"] == {"theirs": "2"}


def test_work_of_another_run_stays_ours() -> None:
    before = _object({"replicas": 1}, _entry("helm", "Update", "f:spec|f:replicas"))
    touched = footprint(before, _object({"replicas": 3}, _entry(OURS, "Apply", "f:spec|f:replicas")))
    now = _object({"replicas": 3, "paused": True}, _entry(OURS, "Apply", "f:spec|f:replicas", "f:spec|f:paused"))
    target, _kept = put_back(before, now, touched)
    assert _spec(target) == {"replicas": 1, "paused": True}
    owners = owners_put_back(before, target, touched)
    assert same_owners(
        owners, [_entry(OURS, "Apply", "f:spec|f:paused"), _entry("helm", "Update", "f:spec|f:replicas")]
    )


def test_owners_get_back_what_was_taken_and_we_keep_nothing() -> None:
    before = _object({"a": 1, "b": 1}, _entry("helm", "Apply", "f:spec|f:a"), _entry("ui", "Update", "f:spec|f:b"))
    after = _object({"a": 2, "b": 2}, _entry(OURS, "Apply", "f:spec|f:a", "f:spec|f:b"))
    touched = footprint(before, after)
    # As the API server answers to the write that puts the values back: they are the writer's.
    written = _object({"a": 1, "b": 1}, _entry(OURS, "Update", "f:spec|f:a", "f:spec|f:b"))
    assert same_owners(owners_put_back(before, written, touched), before["metadata"]["managedFields"])


def test_owner_who_lost_a_field_to_somebody_else_does_not_get_it_back() -> None:
    before = _object({"a": 1}, _entry("helm", "Apply", "f:spec|f:a"))
    touched = footprint(before, _object({"a": 2}, _entry(OURS, "Apply", "f:spec|f:a")))
    now = _object({"a": 1}, _entry("kubectl", "Update", "f:spec|f:a"))
    assert same_owners(owners_put_back(before, now, touched), now["metadata"]["managedFields"])


def test_what_we_owned_before_the_run_is_ours_again() -> None:
    before = _object({"a": 1}, _entry(OURS, "Apply", "f:spec|f:a"))
    after = _object({"a": 2}, _entry(OURS, "Apply", "f:spec|f:a"))
    touched = footprint(before, after)
    target, _kept = put_back(before, after, touched)
    assert _spec(target) == {"a": 1}
    written = _object({"a": 1}, _entry(OURS, "Apply", "f:spec|f:a"), _entry(OURS, "Update", "f:spec|f:a"))
    assert same_owners(owners_put_back(before, written, touched), before["metadata"]["managedFields"])


def test_field_with_an_owner_and_no_value() -> None:
    """The API server makes data of a Secret's stringData, and keeps the owners of what it was given."""
    path = ("f:stringData|f:password",)
    before = _object({}, _entry("kubectl", "Apply", *path)) | {"data": {"password": "b2xk"}}
    after = _object({}, _entry(OURS, "Apply", *path)) | {"data": {"password": "bmV3"}}
    touched = footprint(before, after)
    target, kept = put_back(before, after, touched)
    assert (target["data"], kept) == ({"password": "b2xk"}, [])
    assert same_owners(owners_put_back(before, target, touched), before["metadata"]["managedFields"])


def test_footprint_by_values_where_ownership_is_not_known() -> None:
    before = {"metadata": {"name": "web", "labels": {"a": "1"}, "resourceVersion": "1"}, "spec": {"x": [1]}}
    after = {"metadata": {"name": "web", "annotations": {"n": "1"}, "resourceVersion": "2"}, "spec": {"x": [2]}}
    touched = footprint(before, after)
    assert {in_words(path) for path in touched.taken} == {"metadata.annotations.n", "spec.x"}
    assert {in_words(path) for path in touched.removed} == {"metadata.labels.a"}
    assert Footprint.from_json(touched.as_json()) == touched


def test_whole_object_goes_back_but_for_what_the_api_server_keeps() -> None:
    before = _object({"a": 1}, labels={"x": "1"}, resourceVersion="1", uid="u")
    now = _object({"b": 2}, annotations={"y": "2"}, resourceVersion="9", uid="u") | {"status": {"seen": 9}}
    target = put_back_whole(before, now)
    assert _spec(target) == {"a": 1}
    assert target["metadata"] == {
        "name": "web",
        "namespace": "shop",
        "labels": {"x": "1"},
        "resourceVersion": "9",
        "uid": "u",
        "managedFields": [],
    }
    assert target["status"] == {"seen": 9}


def test_json_patch_escapes_names_and_replaces_lists_whole() -> None:
    now = {"annotations": {"a/b": "1", "c~d": "2"}, "list": [1, 2]}
    target = {"annotations": {"a/b": "9"}, "list": [1], "new": {}}
    assert json_patch(now, target) == [
        {"op": "replace", "path": "/annotations/a~1b", "value": "9"},
        {"op": "remove", "path": "/annotations/c~0d"},
        {"op": "replace", "path": "/list", "value": [1]},
        {"op": "add", "path": "/new", "value": {}},
    ]
    assert json_patch(now, now) == []


def test_container_owned_by_name_only_is_no_leaf() -> None:
    """Our share of the map shrank to its existence: the keys that others put there are not ours to take."""
    ours = _entry(OURS, "Update", "f:metadata|f:labels")
    now = _object({}, ours, _entry("kubectl", "Update", "f:metadata|f:labels|f:theirs"), labels={"theirs": "1"})
    touched = Footprint(taken=owned_paths(now, ours=True))
    target, kept = put_back(_object({}), now, touched)
    assert (target, kept) == (now, [])
