"""LoadBalancer Services without an address are told, and never waited for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.readiness import missing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.addresses import without_address

LABELS = {"app": "edge"}
WORKLOAD: dict[str, Any] = {"spec": {"template": {"metadata": {"labels": LABELS | {"more": "x"}}}}}


def _service(kind: str = "LoadBalancer", address: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "edge", "namespace": "net"},
        "spec": {"type": kind, "selector": LABELS} | spec,
        "status": {"loadBalancer": {"ingress": [address]} if address else {}},
    }


def test_a_service_without_an_address_is_named_with_what_it_means() -> None:
    (note,) = without_address(WORKLOAD, [_service()])
    assert note.startswith("Service net/edge is of type LoadBalancer and has no address: the cluster's load balancer")
    assert "Traefik's pods work without it and nothing waits for it" in note
    (note,) = without_address(WORKLOAD, [_service(loadBalancerClass="nobody.test/none")])
    assert "the load balancer of class nobody.test/none has given it none" in note


@pytest.mark.parametrize(
    "service",
    [
        _service(address={"ip": "192.0.2.1"}),
        _service(address={"hostname": "lb.test"}),
        _service("ClusterIP"),
        _service("NodePort"),
        _service(selector={"app": "other"}),
        _service(selector=None),
    ],
)
def test_others_are_not(service: dict[str, Any]) -> None:
    assert without_address(WORKLOAD, [service]) == []


def test_no_readiness_waits_for_an_address() -> None:
    assert missing(_service()) == ""
