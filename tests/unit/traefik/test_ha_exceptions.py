"""Slow backends: their ServersTransports, and all that has to name them."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.exceptions import (
    ANNOTATION,
    SlowBackend,
    annotated,
    faults,
    routed,
    without_timeout,
)

SLOW = SlowBackend("shop", "reports", "10m")


def service(**annotations: str) -> dict[str, Any]:
    """The Service."""
    return {"metadata": {"name": "reports", "namespace": "shop", "annotations": annotations}}


def route(*services: dict[str, Any], namespace: str = "shop") -> dict[str, Any]:
    """An IngressRoute to these services."""
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": {"name": "site", "namespace": namespace},
        "spec": {"routes": [{"services": list(services)}, {"match": "Host(`a.test`)"}]},
    }


def transport(name: str, **timeouts: Any) -> dict[str, Any]:
    """A ServersTransport."""
    spec = {"forwardingTimeouts": timeouts} if timeouts else {}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "ServersTransport", "metadata": metadata, "spec": spec}


def test_the_transport_and_the_annotation() -> None:
    made = SLOW.servers_transport()
    assert made["metadata"]["name"] == "slow-reports"
    assert made["metadata"]["namespace"] == "shop"
    assert made["spec"] == {"forwardingTimeouts": {"dialTimeout": "2s", "responseHeaderTimeout": "10m"}}
    after = annotated(service(own="1"), SLOW)
    assert after["metadata"]["annotations"] == {"own": "1", ANNOTATION: "shop-slow-reports@kubernetescrd"}
    assert annotated(after, SLOW) == after


def test_every_entry_for_the_service_names_it() -> None:
    item = route({"name": "reports"}, {"name": "other"}, {"name": "reports", "kind": "TraefikService"})
    kept = copy.deepcopy(item)
    after = routed(item, [SLOW])
    assert item == kept
    first, second, third = after["spec"]["routes"][0]["services"]
    assert first == {"name": "reports", "serversTransport": "slow-reports"}
    assert (second, third) == ({"name": "other"}, {"name": "reports", "kind": "TraefikService"})
    assert routed(after, [SLOW]) == after


def test_from_another_namespace_it_is_called_by_its_full_name() -> None:
    item = route({"name": "reports", "namespace": "shop"}, {"name": "reports"}, namespace="front")
    first, second = routed(item, [SLOW])["spec"]["routes"][0]["services"]
    assert first["serversTransport"] == "shop-slow-reports@kubernetescrd"
    assert second == {"name": "reports"}


def test_a_weighted_service() -> None:
    item = {"metadata": {"namespace": "shop"}, "spec": {"weighted": {"services": [{"name": "reports", "weight": 1}]}}}
    (entry,) = routed(item, [SLOW])["spec"]["weighted"]["services"]
    assert entry == {"name": "reports", "weight": 1, "serversTransport": "slow-reports"}


def test_nothing_stands_against_it() -> None:
    named = service(**{ANNOTATION: SLOW.full_name})
    own = route({"name": "reports", "serversTransport": "slow-reports"})
    assert faults([SLOW], {SLOW: named}, [own]) == []


def test_findings() -> None:
    never = SlowBackend("shop", "reports", "0s")
    other = SlowBackend("shop", "gone", "soon")
    foreign = service(**{ANNOTATION: "shop-own@kubernetescrd"})
    found = faults(
        [never, SLOW, other],
        {never: foreign, SLOW: service(), other: None},
        [route({"name": "reports", "serversTransport": "own"})],
    )
    for words in (
        "Service shop/reports has response_header_timeout '0s', which is no time",
        f"has a ServersTransport already, shop-own@kubernetescrd (by its annotation {ANNOTATION})",
        "Service shop/gone has response_header_timeout 'soon'",
        "there is no Service shop/gone",
        "Service shop/reports is given more than once",
        "has a ServersTransport already, own (by IngressRoute shop/site)",
    ):
        assert [words in sentence for sentence in found].count(True) == 1, (words, found)


def test_transports_that_wait_for_ever() -> None:
    never, zero, ends, odd = (
        transport("never"),
        transport("zero", responseHeaderTimeout="0s"),
        transport("ends", responseHeaderTimeout=30),
        transport("odd", responseHeaderTimeout="soon"),
    )
    told = without_timeout([never, zero, ends, odd])
    assert [sentence.split(" sets ")[0] for sentence in told] == [
        "ServersTransport shop/never",
        "ServersTransport shop/zero",
    ]
