# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a request comes in: addresses, Services and host ports of Traefik, and the entry point behind a public port.

No I/O but in ``resolve`` and ``reach``, which ask the controller's own resolver and network.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import EntryPoints, believed
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.nodes import fits
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SiteRequest
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

OPEN, REFUSED, SILENT = "open", "refused", "no answer from here"
# Where a port-forward comes from.
LOOPBACK = "127.0.0.1"
# Of a cluster with many nodes so many addresses are tried.
_TRIED = 8


@dataclass(frozen=True)
class Door:
    """One address and port by which visitors may reach Traefik. ``node`` is whose address it is, empty for another's.

    ``local`` is whether only a replica on that node answers there: a host port, or externalTrafficPolicy Local.
    """

    address: str
    port: int
    way: str
    node: str = ""
    local: bool = False


@dataclass(frozen=True)
class Entrance:
    """How visitors come in. ``dns`` are the addresses of the host's name as the controller resolves it.

    ``doors`` are Traefik's own addresses at the public port of the entry point. ``empty_nodes`` are nodes that visitors
    may be led to and that have no ready replica. ``reached`` is what came of connecting, by address.
    """

    dns: tuple[str, ...] = ()
    dns_problem: str = ""
    doors: tuple[Door, ...] = ()
    empty_nodes: tuple[str, ...] = ()
    reached: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    @property
    def foreign(self) -> list[str]:
        """The addresses of the name that are none of Traefik's."""
        own = {door.address for door in self.doors}
        return [address for address in self.dns if own and address not in own]

    @property
    def refused(self) -> list[str]:
        """The addresses at which nothing listens."""
        return [address for address, state in self.reached.items() if state == REFUSED]

    def node_of(self, address: str) -> str:
        """Return the node whose address it is, empty for none."""
        return next((door.node for door in self.doors if door.address == address), "")

    def door_at(self, address: str) -> Door | None:
        """Return the door with that address."""
        return next((door for door in self.doors if door.address == address), None)

    def as_dict(self) -> dict[str, Any]:
        """Return it as results show it."""
        return {
            "dns": list(self.dns),
            "dns_problem": self.dns_problem,
            "addresses": [
                {"address": each.address, "port": each.port, "way": each.way, "node": each.node}
                | {"state": self.reached.get(each.address, "")}
                for each in self.doors
            ],
            "services": list(self.services),
            "nodes_without_replica": list(self.empty_nodes),
        }


def public_port(request: SiteRequest) -> int:
    """Return the port that the client connects to."""
    port = request.host.rpartition(":")[2]
    if ":" in request.host and port.isdigit() and not request.host.endswith("]"):
        return int(port)
    return 443 if request.https else 80


def entry_point_at(port: int, points: EntryPoints, public: Mapping[int, int]) -> str:
    """Return the entry point behind a public port, empty for none. ``public`` has the pods' port behind each."""
    behind = public.get(port, port)
    return next((name for name, point in points.items() if point.port == behind), "")


def doors_of(
    workload: Workload, services: Iterable[Object], nodes: Sequence[Object], port: int, target: int
) -> tuple[list[Door], list[str], list[str]]:
    """Return the doors at a public port, the Services in words, and those whose load balancer has no address.

    ``target`` is the pods' port behind it.
    """
    doors: list[Door] = []
    words: list[str] = []
    pending: list[str] = []
    addresses = {_name(node): _addresses(node) for node in nodes}
    for service in services:
        spec, meta = service["spec"], service["metadata"]
        if meta.get("namespace") != workload.ref.namespace or not serves(workload.item, service):
            continue
        kind = spec.get("type") or "ClusterIP"
        local = spec.get("externalTrafficPolicy") == "Local"
        words.append(f"Service {meta['name']} ({kind}" + (", externalTrafficPolicy Local)" if local else ")"))
        mine = [each for each in spec.get("ports") or [] if each["port"] == port]
        ingress = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or []
        if kind == "LoadBalancer" and mine:
            pending += [] if ingress else [str(meta["name"])]
            for each in ingress:
                address = each.get("ip") or each.get("hostname") or ""
                owner = next((name for name, listed in addresses.items() if address in listed), "")
                doors.append(Door(address, port, f"load balancer of Service {meta['name']}", owner, local))
        doors += [Door(each, port, f"externalIPs of {meta['name']}") for each in spec.get("externalIPs") or [] if mine]
        # A NodePort is public at a port of its own.
        if any(each.get("nodePort") == port for each in spec.get("ports") or []):
            way = f"node port of Service {meta['name']}"
            doors += [Door(listed[0], port, way, name, local) for name, listed in addresses.items() if listed]
    if _host_port(workload.item, target) == port:
        doors += [
            Door(listed[0], port, "host port", name, True)
            for name, listed in addresses.items()
            if listed and _may_run(workload, name, nodes)
        ]
    return doors, words, pending


def empty_nodes(workload: Workload, doors: Iterable[Door]) -> list[str]:
    """Return the nodes that have a door of their own and no ready replica behind it."""
    with_replica = {replica.node for replica in workload.ready}
    return sorted({door.node for door in doors if door.local and door.node} - with_replica)


def trusts(arguments: Mapping[str, str], entry_point: str, address: str) -> bool | None:
    """Return whether the entry point keeps X-Forwarded-* headers of an address; None where the address is not known."""
    insecure, listed = believed(arguments, entry_point)
    if insecure:
        return True
    if not listed:
        return False
    if not address:
        return None
    try:
        return any(ipaddress.ip_address(address) in ipaddress.ip_network(each, strict=False) for each in listed)
    except ValueError:
        return None


def forwarded_proto(request: SiteRequest, trusted: bool | None) -> str:
    """Return what X-Forwarded-Proto says behind the entry point."""
    given = request.header("X-Forwarded-Proto")
    if trusted and given:
        return given[0].lower()
    return "https" if request.https else "http"


def resolve(host: str, seconds: float) -> tuple[tuple[str, ...], str]:
    """Return the addresses of a name by the controller's resolver, and why there are none."""
    found: dict[str, Any] = {}

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found["addresses"] = tuple(dict.fromkeys(str(info[4][0]) for info in infos))
        except OSError as error:
            found["problem"] = getattr(error, "strerror", None) or str(error)

    # The resolver of the C library knows no deadline.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if not found:
        return (), f"the controller's resolver gave no answer in {seconds:g} s"
    return found.get("addresses", ()), found.get("problem", "")


def reach(address: str, port: int, seconds: float) -> str:
    """Return what comes of connecting from the controller: open, refused, or no answer from here."""
    try:
        with socket.create_connection((address, port), seconds):
            return OPEN
    except ConnectionRefusedError:
        return REFUSED
    except OSError as error:
        return REFUSED if error.errno == errno.ECONNREFUSED else SILENT


def to_try(dns: Sequence[str], doors: Sequence[Door]) -> list[str]:
    """Return the addresses to connect to: those of the name, and Traefik's own where the name has none."""
    return list(dict.fromkeys(dns or [door.address for door in doors]))[:_TRIED]


def _name(node: Object) -> str:
    return str(node["metadata"]["name"])


def _addresses(node: Object) -> list[str]:
    listed = (node.get("status") or {}).get("addresses") or []
    order = {"ExternalIP": 0, "InternalIP": 1}
    found = sorted((each for each in listed if each.get("type") in order), key=lambda each: order[each["type"]])
    return [str(each["address"]) for each in found]


def _host_port(item: Object, target: int) -> int:
    pod = item["spec"]["template"]["spec"]
    if pod.get("hostNetwork"):
        return target
    for container in pod["containers"]:
        for port in container.get("ports") or []:
            if port.get("containerPort") == target and port.get("hostPort"):
                return int(port["hostPort"])
    return 0


def _may_run(workload: Workload, name: str, nodes: Sequence[Object]) -> bool:
    """Return whether a replica is, or may be, on the node: visitors are not led to a control plane without one."""
    if any(replica.node == name for replica in workload.replicas):
        return True
    node = next(node for node in nodes if _name(node) == name)
    return fits(node, workload.item["spec"]["template"]["spec"])
