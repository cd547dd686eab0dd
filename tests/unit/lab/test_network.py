"""The pod network's configuration."""

from __future__ import annotations

import json

import pytest

from lab.network import NodeNetwork, conflist, read_nodes


def node(name: str, address: str, pod_range: str | None) -> dict[str, object]:
    addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]
    return {"metadata": {"name": name}, "spec": {"podCIDR": pod_range}, "status": {"addresses": addresses}}


def test_a_node_without_a_range_is_left_out() -> None:
    nodes = {"items": [node("a", "10.0.0.1", "10.244.0.0/24"), node("b", "10.0.0.2", None)]}
    assert read_nodes(nodes) == [NodeNetwork("a", "10.0.0.1", "10.244.0.0/24")]


def test_conflist_has_the_range_and_host_ports() -> None:
    wire, ports = json.loads(conflist("10.244.1.0/24"))["plugins"]
    assert wire["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert ports == {"type": "portmap", "capabilities": {"portMappings": True}}


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        conflist("<none>")
