"""Rights in words, and as a review asks about them."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right, findings, rights
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument


def test_every_verb_on_every_resource() -> None:
    assert list(rights(["get", "list"], ["pods", "secrets"], "web")) == [
        Right("get", "pods", "web"),
        Right("get", "secrets", "web"),
        Right("list", "pods", "web"),
        Right("list", "secrets", "web"),
    ]


@pytest.mark.parametrize(
    ("right", "attributes"),
    [
        (Right("list", "nodes"), {"verb": "list", "resource": "nodes"}),
        (
            Right("patch", "deployments.apps", "web", "proxy"),
            {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "web", "name": "proxy"},
        ),
        (
            Right("create", "pods/portforward", "web"),
            {"verb": "create", "resource": "pods", "subresource": "portforward", "namespace": "web"},
        ),
        (
            Right("patch", "ingresses.networking.k8s.io/status"),
            {"verb": "patch", "group": "networking.k8s.io", "resource": "ingresses", "subresource": "status"},
        ),
    ],
)
def test_attributes(right: Right, attributes: dict[str, str]) -> None:
    assert right.attributes() == attributes


@pytest.mark.parametrize("resource", ["", ".apps", "/log"])
def test_what_is_no_resource(resource: str) -> None:
    with pytest.raises(BadArgument, match="is no resource such as"):
        Right("get", resource).attributes()


def test_findings_name_resource_place_and_remedy() -> None:
    missing = [
        Right("get", "deployments.apps", "web"),
        Right("list", "nodes"),
        Right("patch", "deployments.apps", "web"),
        Right("create", "deployments.apps", "web"),
        Right("get", "secrets", "web", "users"),
    ]
    remedy = ": add it to the account's Role, docs/rbac.yaml has all"
    assert findings(missing) == [
        f"no right to get, patch and create deployments.apps in namespace web{remedy}",
        f"no right to list nodes in the whole cluster{remedy}",
        f"no right to get secrets users in namespace web{remedy}",
    ]
    assert findings([]) == []
