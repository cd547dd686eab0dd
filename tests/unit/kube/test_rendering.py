"""Planned changes as files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import (
    ABSENT,
    CREATED,
    DELETED,
    UNCHANGED,
    UPDATED,
    Change,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.rendering import merge_patch, render

SITE: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "site", "namespace": "apps"},
}


def _change(kind: str, before: Object | None, after: Object | None, declared: Object | None = None) -> Change:
    return Change(ref_of(before or after or SITE), kind, before, after, lambda: None, declared)


def _annotated(**annotations: str) -> Object:
    return SITE | {"metadata": SITE["metadata"] | {"annotations": annotations, "resourceVersion": "7"}}


def _read(path: Path) -> Object:
    return dict(yaml.safe_load(path.read_text()))


def test_a_new_object_is_written_as_it_was_given(tmp_path: Path) -> None:
    assert render([_change(CREATED, None, SITE | {"status": {"seen": True}}, declared=SITE)], tmp_path) == []
    assert _read(tmp_path / "objects/apps/ingress-site.yaml") == SITE


@pytest.mark.parametrize("kind", [UPDATED, UNCHANGED])
def test_our_own_object_is_written_as_a_whole_again(kind: str, tmp_path: Path) -> None:
    ours = SITE | {"metadata": SITE["metadata"] | {"labels": {"app.kubernetes.io/part-of": "resilient-traefik"}}}
    render([_change(kind, ours, ours, declared=ours)], tmp_path)
    assert _read(tmp_path / "objects/apps/ingress-site.yaml") == ours


def test_fields_declared_of_an_object_of_others_are_a_patch(tmp_path: Path) -> None:
    render([_change(UPDATED, SITE | {"spec": {"a": 1, "b": 2}}, SITE, declared=SITE | {"spec": {"a": 3}})], tmp_path)
    assert _read(tmp_path / "patches/apps/ingress-site.yaml") == SITE | {"spec": {"a": 3}}
    assert not (tmp_path / "objects").exists()


def test_a_patch_holds_only_what_changes(tmp_path: Path) -> None:
    render([_change(UPDATED, _annotated(a="1", b="2", c="3"), _annotated(a="1", b="3"))], tmp_path)
    assert _read(tmp_path / "patches/apps/ingress-site.yaml") == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "site", "namespace": "apps", "annotations": {"b": "3", "c": None}},
    }


def test_patches_of_one_object_end_up_in_one_file(tmp_path: Path) -> None:
    render([_change(UPDATED, _annotated(), _annotated(a="1"))], tmp_path)
    render([_change(UPDATED, _annotated(), _annotated(b="2"))], tmp_path)
    assert _read(tmp_path / "patches/apps/ingress-site.yaml")["metadata"]["annotations"] == {"a": "1", "b": "2"}


def test_a_deletion_is_a_patch(tmp_path: Path) -> None:
    render([_change(DELETED, SITE, None)], tmp_path)
    assert _read(tmp_path / "patches/apps/ingress-site.yaml")["$patch"] == "delete"


@pytest.mark.parametrize("kind", [ABSENT, UNCHANGED])
def test_nothing_to_do_leaves_no_file(kind: str, tmp_path: Path) -> None:
    render([_change(kind, SITE, SITE)], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_left_out_and_named(tmp_path: Path) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "traefik"}}
    warnings = render([_change(CREATED, None, secret, declared=secret)], tmp_path)
    assert [("users" in line, "not rendered" in line) for line in warnings] == [(True, True)]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("in the way")
    with pytest.raises(BadArgument, match=r"render_to: .*objects"):
        render([_change(CREATED, None, SITE, declared=SITE)], tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2, "b": {"c": 1}}, {"a": 2, "b": {"c": 1}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, {"a": {"b": None}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
    ],
)
def test_merge_patch(before: Object, after: Object, patch: Object) -> None:
    assert merge_patch(before, after) == patch
