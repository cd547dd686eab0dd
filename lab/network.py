"""The pod network, without a daemon: each node routes its own pods, and knows the way to the others'."""

from __future__ import annotations

import ipaddress
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lab.engine import Engine

CONFLIST = "/etc/cni/net.d/10-lab.conflist"
# Pods inherit the node's resolv.conf. A search domain or name server of the container engine's that they cannot reach
# costs every first lookup of a name 2 to 4 s. The file is a mount: it can be written, not replaced.
PLAIN_RESOLV_CONF = "plain=$(grep -E '^nameserver [0-9.]+$' /etc/resolv.conf) && echo \"$plain\" > /etc/resolv.conf"


@dataclass(frozen=True)
class NodeNetwork:
    """A node's address among the nodes, and the range its pods take theirs from."""

    name: str
    address: str
    pod_range: str


def read_nodes(node_list: dict[str, Any]) -> list[NodeNetwork]:
    """The networks of a NodeList from the API, without those that have no pod range yet."""
    return [
        NodeNetwork(item["metadata"]["name"], _internal_address(item), item["spec"]["podCIDR"])
        for item in node_list["items"]
        if item["spec"].get("podCIDR")
    ]


def conflist(pod_range: str) -> str:
    """The CNI configuration of one node, as JSON: a wire to each pod, and host ports (hostPort needs portmap)."""
    ipaddress.ip_network(pod_range)
    wire = {
        "type": "ptp",
        "ipMasq": False,
        "mtu": 1500,
        "ipam": {
            "type": "host-local",
            "dataDir": "/run/cni-ipam-state",
            "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": pod_range}]],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "lab", "plugins": [wire, ports]})


def connect(engine: Engine, nodes: list[NodeNetwork]) -> None:
    """Configure every node. Raises LabError when a node cannot be."""
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: _connect(engine, node, nodes), nodes))


def _connect(engine: Engine, node: NodeNetwork, nodes: list[NodeNetwork]) -> None:
    routes = [f"ip route replace {other.pod_range} via {other.address}" for other in nodes if other != node]
    # The kubelet must not read half a file.
    lines = ["set -e", PLAIN_RESOLV_CONF, *routes, f"cat > {CONFLIST}.new", f"mv {CONFLIST}.new {CONFLIST}"]
    script = "\n".join(lines)
    engine.execute(node.name, "sh", "-c", script, doing=f"connecting {node.name}", stdin=conflist(node.pod_range))


def _internal_address(node: dict[str, Any]) -> str:
    addresses = node["status"]["addresses"]
    return str(next(address["address"] for address in addresses if address["type"] == "InternalIP"))
