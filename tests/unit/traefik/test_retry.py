"""The retry middleware, what is wrong with a wish for one, and which chains it would break."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import retry
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain import parsed_name
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_faults import (
    Middlewares,
    without_broken,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CHAIN_ANNOTATION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.router_check import held_against

CRD = {"providers.kubernetescrd": "true", "providers.kubernetesingress": "true"}
ACROSS = CRD | {"providers.kubernetescrd.allowcrossnamespace": "true"}
RETRY = parsed_name("name", "edge/retry")


def _known(*names: str) -> Middlewares:
    pairs = [name.split("/") for name in names]
    objects = [retry.middleware(namespace, name, 2, "1s", {}) for namespace, name in pairs]
    qualified = frozenset(crd_id(item["metadata"]["namespace"], item["metadata"]["name"]) for item in objects)
    return Middlewares({ref_of(item): item for item in objects}, qualified)


def _ingress(chain: str, namespace: str = "shop") -> Object:
    metadata = {"name": "web", "namespace": namespace, "annotations": {CHAIN_ANNOTATION: chain}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {}}


def _route(namespace: str, *middlewares: dict[str, str]) -> Object:
    routes = [{"match": "Host(`a.test`)", "middlewares": list(middlewares)}]
    metadata = {"name": "web", "namespace": namespace}
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": metadata,
        "spec": {"routes": routes},
    }


def _reason(item: Object, known: Middlewares, settings: dict[str, str]) -> str:
    items, left = without_broken([item], RETRY, known, settings)
    assert bool(items) is not bool(left)
    return "".join(left.values())


def test_one_try_is_no_retry_and_every_fault_is_told() -> None:
    assert retry.wish_faults(2, "100ms") == []
    assert retry.wish_faults(3, "1m30s") == []
    assert [fault.split(":")[0] for fault in retry.wish_faults(1, "soon")] == ["attempts", "initial_interval"]


def test_the_middleware_carries_what_else_is_given() -> None:
    item = retry.middleware("edge", "retry", 3, "1s", {"status": ["503"]})
    assert item["spec"]["retry"] == {"attempts": 3, "initialInterval": "1s", "status": ["503"]}


@pytest.mark.parametrize(("version", "old"), [("2.11.4", True), ("3.0.0", False), ("3.7.9", False), ("", False)])
def test_an_old_traefik_is_refused(version: str, old: bool) -> None:
    assert bool(retry.version_fault(version)) is old


def test_only_another_kind_of_middleware_is_in_the_way() -> None:
    ref = retry.ref_to("edge", "retry")
    assert retry.existing_fault(None, ref) == ""
    assert retry.existing_fault({"spec": {"retry": {"attempts": 5}}}, ref) == ""
    assert "no retry middleware (headers)" in retry.existing_fault({"spec": {"headers": {}}}, ref)


def test_notes_depend_on_version_and_status() -> None:
    assert "retries only what could not be connected" in retry.notes("3.6.10", {})[0]
    assert retry.notes("3.7.9", {}) == []
    assert "ForwardAuth" in retry.notes("3.7.9", {"status": ["503"]})[0]


@pytest.mark.parametrize(
    ("existing", "passed"),
    [
        (None, False),
        ({"attempts": 3, "initialInterval": "1s"}, False),
        ({"attempts": 2, "initialInterval": "1s"}, True),
        ({"attempts": 2, "initialInterval": "1s", "retryNonIdempotentMethod": False}, True),
        # Nobody wished these, and they decide what is tried again.
        ({"attempts": 2, "initialInterval": "1s", "retryNonIdempotentMethod": True}, False),
        ({"attempts": 2, "initialInterval": "1s", "disableRetryOnNetworkError": True}, False),
        ({"attempts": 2, "initialInterval": "1s", "status": ["500-599"]}, False),
    ],
)
def test_the_check_compares_what_was_wanted(existing: dict[str, Any] | None, passed: bool) -> None:
    seen = None if existing is None else {"spec": {"retry": existing | {"timeout": "5s"}}}
    assert retry.check(seen, retry.middleware("edge", "retry", 2, "1s", {})).passed is passed


@pytest.mark.parametrize(
    ("missing", "held"),
    [
        ({}, []),
        ({"flawed": ["a", "b"]}, []),
        ({"flawed": ["a", "b"], "lost": ["b"]}, ["lost"]),
        ({"one": ["a", "b"], "two": ["a", "b"], "three": ["a", "b"]}, ["one", "two", "three"]),
    ],
)
def test_a_sites_own_flaw_is_not_the_retrys(missing: dict[str, list[str]], held: list[str]) -> None:
    """Three sites were asked at two replicas."""
    assert list(held_against(missing, 3, 2)) == held


def test_a_chain_that_is_whole_stays() -> None:
    known = _known("edge/retry", "shop/login")
    assert _reason(_ingress("shop-login@kubernetescrd, other@file"), known, CRD) == ""
    assert _reason(_route("shop", {"name": "login"}), known, ACROSS) == ""
    assert _reason(_route("edge"), known, CRD) == ""


def test_a_chain_that_names_what_is_not_there_is_left_alone() -> None:
    known = _known("edge/retry")
    assert "no object makes this name" in _reason(_ingress("shop-login@kubernetescrd"), known, CRD)
    assert "Middleware shop/login does not exist" in _reason(_route("shop", {"name": "login"}), known, ACROSS)


def test_a_route_of_another_namespace_is_left_alone_unless_traefik_allows_it() -> None:
    known = _known("edge/retry")
    assert "allowCrossNamespace is off" in _reason(_route("shop"), known, CRD)
    assert _reason(_route("shop"), known, ACROSS) == ""
    assert _reason(_ingress(""), known, CRD) == "", "an Ingress may name middlewares of any namespace"


def test_an_ingress_that_may_name_none_is_left_alone() -> None:
    only = CRD | {"providers.kubernetesingress.crossprovidernamespaces": "edge"}
    assert "is not among providers.kubernetesingress.crossProviderNamespaces" in _reason(_ingress(""), _known(), only)
