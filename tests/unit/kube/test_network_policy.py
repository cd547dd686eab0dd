"""Whether NetworkPolicies let one pod ask another, by what networking.k8s.io/v1 says of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.network_policy import Pods, Policies

Object = dict[str, Any]
TRAEFIK = Pods("edge", {"app": "traefik"}, ["10.0.0.1"])
PROXY = Pods("auth", {"app": "proxy"}, ["10.0.1.1"], {"http": 9000})
LABELS = {"edge": {"zone": "front"}, "auth": {}}


def policy(name: str, namespace: str, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def way(*items: Object, source: Pods = TRAEFIK, destination: Pods = PROXY) -> list[str]:
    return Policies(items, LABELS).in_the_way(source, destination, 9000)


def ingress(*rules: Object, **selector: Any) -> Object:
    return policy("fence", "auth", podSelector=selector, policyTypes=["Ingress"], ingress=list(rules))


def test_without_a_policy_everybody_may_ask() -> None:
    assert way() == []


def test_what_lets_nobody_in_is_named() -> None:
    assert way(ingress()) == ["NetworkPolicy auth/fence lets pods of auth not be asked by them"]


def test_what_lets_nobody_out_is_named() -> None:
    closed = policy("no-way-out", "edge", podSelector={}, policyTypes=["Egress"])
    assert way(closed) == ["NetworkPolicy edge/no-way-out lets pods of edge not ask them"]


def test_one_that_lets_in_is_enough() -> None:
    own = policy("own", "auth", podSelector={"matchLabels": {"app": "proxy"}}, ingress=[{"ports": [{"port": "http"}]}])
    assert way(ingress(), own) == []


@pytest.mark.parametrize(
    "others",
    [
        policy("fence", "auth", podSelector={"matchLabels": {"app": "other"}}, policyTypes=["Ingress"]),
        policy("fence", "other", podSelector={}, policyTypes=["Ingress"]),
        policy("fence", "auth", podSelector={}, policyTypes=["Egress"]),
        policy("fence", "edge", podSelector={}, policyTypes=["Ingress"]),
    ],
    ids=["other pods", "another namespace", "what is asked may not ask", "who asks may not be asked"],
)
def test_what_is_not_about_this_way_is_not_in_it(others: Object) -> None:
    assert way(others) == []


@pytest.mark.parametrize(
    ("rule", "open_"),
    [
        ({}, True),
        ({"from": [{"podSelector": {"matchLabels": {"app": "traefik"}}}]}, False),
        ({"from": [{"namespaceSelector": {}}]}, True),
        ({"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}]}, True),
        ({"from": [{"namespaceSelector": {"matchLabels": {"zone": "front"}}}]}, True),
        ({"from": [{"namespaceSelector": {"matchLabels": {"zone": "back"}}}]}, False),
        ({"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "saboteur"}}}]}, False),
        ({"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "traefik"}}}]}, True),
        ({"from": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}, True),
        ({"from": [{"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.1/32"]}}]}, False),
        ({"from": [{"ipBlock": {"cidr": "fd00::/8"}}]}, False),
        ({"ports": [{"port": 9000}]}, True),
        ({"ports": [{"port": 9001}]}, False),
        ({"ports": [{"port": "http"}]}, True),
        ({"ports": [{"port": "status"}]}, False),
        ({"ports": [{"port": 8000, "endPort": 9100}]}, True),
        ({"ports": [{"protocol": "UDP", "port": 9000}]}, False),
        ({"ports": [{"protocol": "TCP"}]}, True),
    ],
)
def test_a_rule_lets_in_whom_it_means(rule: Object, open_: bool) -> None:
    assert (way(ingress(rule)) == []) is open_


def test_pods_on_their_nodes_network_are_no_subjects_and_meant_by_no_selector() -> None:
    closed = policy("no-way-out", "edge", podSelector={}, policyTypes=["Egress"])
    on_node = Pods("edge", {"app": "traefik"}, ["192.0.2.1"], host_network=True)
    assert way(closed, source=on_node) == []
    assert way(ingress({"from": [{"namespaceSelector": {}}]}), source=on_node) != []
    assert way(ingress({"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}), source=on_node) == []


def test_without_policy_types_an_egress_rule_makes_it_one_of_both() -> None:
    narrow = policy("narrow", "edge", podSelector={}, egress=[{"ports": [{"protocol": "UDP", "port": 53}]}])
    assert way(narrow) == ["NetworkPolicy edge/narrow lets pods of edge not ask them"]


def test_names_of_namespaces_are_known_where_these_may_not_be_listed() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}
    assert Policies([ingress({"from": [peer]})]).in_the_way(TRAEFIK, PROXY, 9000) == []
