"""A part of the journal that the operator's key did not sign is told from one that it did, whatever was changed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_secrets import Signer, part_object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.unsigned_entries import refused

Object = dict[str, Any]
SIGNER = Signer("a-key-of-the-operator")


def _part() -> Object:
    return part_object("harden-1", 0, {"k": "dg=="}, {"resilient.traefik/undoes": "harden-0"})


def _changed(*path: str, value: Any) -> Object:
    part = copy.deepcopy(SIGNER.signed(_part()))
    inner = part
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return part


def test_the_key_knows_its_own() -> None:
    part = SIGNER.signed(_part())
    assert SIGNER.strange([part]) == ""
    # Noted later, when the run was put back.
    part["metadata"]["annotations"]["resilient.traefik/restored"] = "2026-01-01T00:00:00+00:00"
    assert SIGNER.strange([part]) == ""


@pytest.mark.parametrize(
    "part",
    [
        _part(),
        Signer("another-key-than-that").signed(_part()),
        _changed("data", "k", value="dh=="),
        _changed("data", "more", value="dg=="),
        _changed("data", value={}),
        _changed("metadata", "name", value="journal-harden-1-1"),
        _changed("metadata", "labels", "resilient.traefik/run", value="harden-2"),
        _changed("metadata", "labels", "resilient.traefik/part", value="1"),
        _changed("metadata", "annotations", "resilient.traefik/undoes", value=""),
        _changed("metadata", "annotations", "resilient.traefik/rebased-by", value="rollback-1"),
        _changed("metadata", "annotations", "resilient.traefik/started", value="2020-01-01T00:00:00Z"),
        _changed("metadata", "annotations", "resilient.traefik/signature", value=""),
        _changed("metadata", "annotations", value=None),
    ],
)
def test_anything_else_is_strange(part: Object) -> None:
    assert SIGNER.strange([SIGNER.signed(_part()), part]) == part["metadata"]["name"]
    with pytest.raises(errors.ResilientError, match="has no right signature"):
        SIGNER.check([part])
    assert Signer().strange([part]) == ""


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(errors.BadArgument, match="journal_key: 6 characters can be guessed"):
        Signer("secret")


ROLE = ObjectRef("rbac.authorization.k8s.io/v1", "Role", "some", "shop")


def _role(verb: str = "get", **labels: str) -> Object:
    metadata = {"name": "some", "namespace": "shop", "labels": labels}
    return {"apiVersion": ROLE.api_version, "kind": "Role", "metadata": metadata, "rules": [{"verbs": [verb]}]}


OURS = {"app.kubernetes.io/part-of": "resilient-traefik"}


@pytest.mark.parametrize(
    ("entry", "now", "stays"),
    [
        (Entry(ROLE, _role(), "deleted"), None, True),
        (Entry(ROLE, _role(**OURS), "deleted"), None, True),
        (Entry(ROLE, _role("*"), "changed"), _role(), True),
        (Entry(ROLE, _role("*"), "recorded", whole=True), _role(), True),
        (Entry(ROLE, _role(), "recorded", whole=True), _role(), False),
        (Entry(ROLE, _role("get", **OURS), "changed"), _role("list", **OURS), False),
        (Entry(ROLE, None, "created"), _role(), False),
        (Entry(ObjectRef("v1", "ConfigMap", "some", "shop"), _role(), "deleted"), None, False),
        (
            Entry(ObjectRef("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "some"), {}, ""),
            None,
            True,
        ),
    ],
)
def test_what_gives_rights_needs_a_signature(entry: Entry, now: Object | None, stays: bool) -> None:
    assert bool(refused(entry, now)) == stays
