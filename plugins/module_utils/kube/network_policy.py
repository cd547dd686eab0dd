# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether NetworkPolicies let one pod open a TCP connection to another. Pure.

Policies only ever add to each other: a pod that any of them is about gets what at least one of them lets through, in
the direction that it is about. Whether the network carries them out, and what policies of its own it has, is not told
here.
Source: networking.k8s.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import selects
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of

INGRESS, EGRESS = "Ingress", "Egress"
# The API server gives each Namespace this label.
NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Pods:
    """Pods that are alike: ``labels`` of their template, ``addresses`` as far as known, ``ports`` by name."""

    namespace: str
    labels: Mapping[str, str]
    addresses: Sequence[str] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    host_network: bool = False


@dataclass(frozen=True)
class Policies:
    """All NetworkPolicies, and the labels of namespaces by name as far as they may be read."""

    items: Sequence[Object]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def in_the_way(self, source: Pods, destination: Pods, port: int) -> list[str]:
        """What keeps the source from that port, in words by direction; empty where it is let through.

        Pods on their node's network are no subjects of policies, and no selector means them.
        """
        sides = ((EGRESS, source, destination), (INGRESS, destination, source))
        return [words for side, pods, other in sides for words in self._closed(side, pods, other, destination, port)]

    def about(self, pods: Pods, direction: str = "") -> list[Object]:
        """Those that are about the pods, in that direction or in any."""
        return [
            each
            for each in ([] if pods.host_network else self.items)
            if each["metadata"].get("namespace") == pods.namespace
            and selects((each.get("spec") or {}).get("podSelector") or {}, pods.labels)
            and (not direction or direction in _types(each["spec"]))
        ]

    def _closed(self, side: str, pods: Pods, other: Pods, destination: Pods, port: int) -> Iterator[str]:
        found = self.about(pods, side)
        if found and not any(self._opens(each, side, other, destination, port) for each in found):
            names = ", ".join(sorted(str(ref_of(each)) for each in found))
            way = "ask them" if side == EGRESS else "be asked by them"
            yield f"{names} {'lets' if len(found) == 1 else 'let'} pods of {pods.namespace} not {way}"

    def _opens(self, policy: Object, side: str, other: Pods, destination: Pods, port: int) -> bool:
        rules, peers = (
            (policy["spec"].get("egress"), "to") if side == EGRESS else (policy["spec"].get("ingress"), "from")
        )
        return any(
            _has_port(rule.get("ports"), destination, port)
            and (
                not rule.get(peers)
                or any(self._means(each, policy["metadata"]["namespace"], other) for each in rule[peers])
            )
            for rule in rules or []
        )

    def _means(self, peer: Mapping[str, Any], namespace: str, pods: Pods) -> bool:
        if "ipBlock" in peer:
            return any(_within(address, peer["ipBlock"]) for address in pods.addresses)
        if pods.host_network:
            return False
        spaces, labels = peer.get("namespaceSelector"), peer.get("podSelector")
        own = {NAME_LABEL: pods.namespace, **self.namespaces.get(pods.namespace, {})}
        in_space = pods.namespace == namespace if spaces is None else selects(spaces, own)
        return in_space and (labels is None or selects(labels, pods.labels))


def _types(spec: Mapping[str, Any]) -> Sequence[str]:
    given: Sequence[str] = spec.get("policyTypes") or []
    return given or ([INGRESS, EGRESS] if spec.get("egress") else [INGRESS])


def _has_port(ports: Sequence[Mapping[str, Any]] | None, destination: Pods, wanted: int) -> bool:
    if not ports:
        return True
    for each in ports:
        port = each.get("port")
        if each.get("protocol", "TCP") != "TCP":
            continue
        if port is None:
            return True
        first = destination.ports.get(port, 0) if isinstance(port, str) else int(port)
        if first <= wanted <= int(each.get("endPort") or first):
            return True
    return False


def _within(address: str, block: Mapping[str, Any]) -> bool:
    own = ip_address(address)
    inside = [own in ip_network(cidr, strict=False) for cidr in (block["cidr"], *(block.get("except") or []))]
    return inside[0] and not any(inside[1:])
