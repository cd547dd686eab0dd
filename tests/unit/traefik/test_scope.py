"""Which objects a Traefik looks at, by its settings."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CLASS_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import Rules

CRD, INGRESS = {"providers.kubernetescrd": "true"}, {"providers.kubernetesingress": "true"}


def _item(kind: str, spec: dict[str, Any] | None = None, annotated: str | None = None, **labels: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "it", "namespace": "shop", "labels": labels}
    if annotated is not None:
        metadata["annotations"] = {CLASS_ANNOTATION: annotated}
    return {"kind": kind, "metadata": metadata, "spec": spec or {}}


@pytest.mark.parametrize(
    ("settings", "spec", "annotated", "seen"),
    [
        ({}, {}, None, True),
        ({}, {"ingressClassName": "nginx"}, None, False),
        ({}, {"ingressClassName": "traefik"}, None, True),
        ({}, {}, "nginx", False),
        ({}, {}, "traefik", True),
        ({"providers.kubernetesingress.ingressclass": "edge"}, {}, None, False),
        ({"providers.kubernetesingress.ingressclass": "edge"}, {}, "edge", True),
        ({"providers.kubernetesingress.ingressclass": "edge"}, {"ingressClassName": "edge"}, None, True),
        ({"providers.kubernetesingress.ingressclass": "edge"}, {"ingressClassName": "traefik"}, None, False),
        ({"providers.kubernetesingress.namespaces": "shop, far"}, {}, None, True),
        ({"providers.kubernetesingress.namespaces": "far"}, {}, None, False),
        ({"providers.kubernetesingress.namespaces.0": "far"}, {}, None, False),
        ({"providers.kubernetesingress.labelselector": "tier=a"}, {}, None, True),
        ({"providers.kubernetesingress.labelselector": "tier=b"}, {}, None, False),
    ],
)
def test_ingresses(settings: dict[str, str], spec: dict[str, Any], annotated: str | None, seen: bool) -> None:
    reason = scope.overlooked_ingress(
        _item("Ingress", spec, annotated, tier="a"), INGRESS | settings, {"traefik", "edge"}
    )
    assert (reason == "") is seen, reason


def test_a_class_of_another_controller() -> None:
    reason = scope.overlooked_ingress(_item("Ingress", {"ingressClassName": "nginx"}), INGRESS, set())
    assert reason == "its IngressClass nginx is not Traefik's"


def test_a_traefik_without_the_provider() -> None:
    assert "without providers.kubernetesingress" in scope.overlooked_ingress(_item("Ingress"), CRD, set())
    assert "without providers.kubernetescrd" in scope.overlooked(_item("Middleware"), INGRESS)
    assert "switched off" in scope.overlooked(_item("Middleware"), {"providers.kubernetescrd": "false"})
    assert scope.overlooked(_item("Middleware"), {"providers.kubernetescrd.throttleduration": "1s"}) == ""


@pytest.mark.parametrize(
    ("wanted", "spec", "annotated", "seen"),
    [
        ("", {}, None, True),
        ("", {}, "traefik", True),
        ("", {}, "edge", False),
        ("edge", {}, None, False),
        ("edge", {}, "edge", True),
        ("edge", {"ingressClassName": "edge"}, "other", True),
    ],
)
def test_classes_of_ingress_routes(wanted: str, spec: dict[str, Any], annotated: str | None, seen: bool) -> None:
    settings = CRD | ({"providers.kubernetescrd.ingressclass": wanted} if wanted else {})
    assert (scope.overlooked(_item("IngressRoute", spec, annotated), settings) == "") is seen
    assert scope.overlooked(_item("Middleware", spec, annotated), settings) == "", "other kinds have no class"


def test_rules_of_references() -> None:
    assert scope.rules(CRD) == Rules(False, False, None)
    prefix = "providers.kubernetescrd"
    settings = CRD | {f"{prefix}.allowcrossnamespace": "true", f"{prefix}.crossprovidernamespaces": "a,b"}
    assert scope.rules(settings) == Rules(True, False, ["a", "b"])


def test_ingresses_that_may_name_no_middleware() -> None:
    assert scope.no_foreign_names("shop", INGRESS) == ""
    settings = INGRESS | {"providers.kubernetesingress.crossprovidernamespaces": "far"}
    assert "crossProviderNamespaces" in scope.no_foreign_names("shop", settings)
    assert scope.no_foreign_names("far", settings) == ""


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        ("a==b, c.d/e=f", {"a": "b", "c.d/e": "f"}),
        ("a!=b", None),
        ("a in (b,c)", None),
        ("a", None),
    ],
)
def test_labels_that_a_probe_needs(selector: str, labels: dict[str, str] | None) -> None:
    assert scope.labels_to_be_seen({"providers.kubernetescrd.labelselector": selector}) == labels
