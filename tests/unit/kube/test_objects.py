"""Identity, URL paths and the order of writing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import (
    ObjectRef,
    Resource,
    built_in_resource,
    in_apply_order,
    ref_of,
)


def _refs(*kinds: str) -> list[ObjectRef]:
    return [ObjectRef("any/v1", kind, "one", "shop") for kind in kinds]


def _order(*kinds: str, reverse: bool = False) -> list[list[str]]:
    return [[ref.kind for ref in group] for group in in_apply_order(_refs(*kinds), reverse=reverse)]


def test_what_others_need_is_written_first() -> None:
    kinds = ["IngressRoute", "Deployment", "Middleware", "Gadget", "ConfigMap", "CustomResourceDefinition", "Namespace"]
    assert [group[0] for group in _order(*kinds)] == [
        "Namespace",
        "CustomResourceDefinition",
        "ConfigMap",
        "Deployment",
        "Middleware",
        "Gadget",
        "IngressRoute",
    ]


def test_webhooks_come_last_and_removal_goes_backwards() -> None:
    kinds = ["ValidatingWebhookConfiguration", "Service", "Deployment"]
    assert _order(*kinds) == [["Service"], ["Deployment"], ["ValidatingWebhookConfiguration"]]
    assert _order(*kinds, reverse=True) == [["ValidatingWebhookConfiguration"], ["Deployment"], ["Service"]]


def test_kinds_of_one_rank_are_one_group() -> None:
    assert _order("Secret", "Deployment", "ConfigMap") == [["Secret", "ConfigMap"], ["Deployment"]]


def test_nothing_gives_no_group() -> None:
    assert _order() == []


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "subresource", "path"),
    [
        (Resource("v1", "Pod", "pods", True), "shop", "one", "log", "/api/v1/namespaces/shop/pods/one/log"),
        (Resource("v1", "Pod", "pods", True), "", "", "", "/api/v1/pods"),
        (
            Resource("apps/v1", "Deployment", "deployments", True),
            "shop",
            "",
            "",
            "/apis/apps/v1/namespaces/shop/deployments",
        ),
        (Resource("v1", "Namespace", "namespaces", False), "", "shop", "", "/api/v1/namespaces/shop"),
        (
            Resource("r/v1", "ClusterRole", "clusterroles", False),
            "",
            "system:foo",
            "",
            "/apis/r/v1/clusterroles/system%3Afoo",
        ),
        (
            Resource("g.test/v1", "Gadget", "gadgets", True),
            "shop",
            "a/../b",
            "",
            "/apis/g.test/v1/namespaces/shop/gadgets/a%2F..%2Fb",
        ),
        (Resource("apps/v1", "", "", False), "", "", "", "/apis/apps/v1"),
    ],
)
def test_paths(resource: Resource, namespace: str, name: str, subresource: str, path: str) -> None:
    assert resource.path(namespace, name, subresource) == path


def test_a_whole_object_knows_who_it_is() -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "shop"}}
    ref = ref_of(item)
    assert str(ref) == "ConfigMap shop/one"
    assert ref.as_dict() == {"api_version": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "one"}
    assert str(ref_of(item | {"metadata": {"name": "one"}})) == "ConfigMap one"


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({}, "no apiVersion (nothing else known)"),
        ({"apiVersion": "v1"}, "no kind (apiVersion 'v1')"),
        ({"apiVersion": "v1", "kind": "Pod"}, "no metadata.name"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": None}, "no metadata.name"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 12}}, "no metadata.name"),
        ({"apiVersion": 1, "kind": "Pod", "metadata": {"name": "one"}}, "no apiVersion"),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": 7}},
            "metadata.namespace must be text",
        ),
    ],
)
def test_what_is_no_object_is_said(item: dict[str, Any], says: str) -> None:
    with pytest.raises(BadArgument) as raised:
        ref_of(item)
    assert says in str(raised.value)


def test_common_kinds_need_no_discovery() -> None:
    assert built_in_resource("apps/v1", "Deployment") == Resource("apps/v1", "Deployment", "deployments", True)
    assert built_in_resource("v1", "Namespace") == Resource("v1", "Namespace", "namespaces", False)
    assert built_in_resource("traefik.io/v1alpha1", "Middleware") is None
    assert built_in_resource("apps/v1beta1", "Deployment") is None
