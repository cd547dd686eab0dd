# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether NetworkPolicies, whoever wrote them, let Traefik ask a proxy, and the proxy its target. Pure.

By what they say: a network that does not carry them out today may do so tomorrow, and one request that came through
tells nothing about another node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.network_policy import Pods, Policies
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_links import (
    Proxy,
    Surroundings,
    pods_behind,
    target_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload


def fence_checks(
    name: str, workload: Workload, proxy: Proxy, around: Surroundings, others: Sequence[Workload] = ()
) -> list[Check]:
    """Both stretches of the way from the middleware ``name`` to its target, as far as there are pods to tell it by.

    ``others`` are the Traefiks beside ``workload`` that are to ask the proxy too.
    """
    if proxy.deployment is None:
        return []
    policies = Policies(around.policies, around.namespaces)
    own = _of(proxy.deployment, [address for pod in proxy.pods for address in _addresses(pod)])
    checks = []
    for each in (workload, *others):
        asking = _of(each.item, [replica.ip for replica in each.replicas if replica.ip])
        who = "Traefik" if each is workload else str(each.ref)
        checks.append(
            _check(f"{name}: {who} may ask the pods of {ref_of(proxy.deployment)}", policies, asking, own, "http")
        )
    target = around.services.get(target_of(proxy, around))
    ends = [_pod(pod) for pod in pods_behind(target, around)] if target else []
    if target and ends:
        port = _target_port(proxy.deployment, target, around)
        found = {words for end in ends for words in policies.in_the_way(own, end, _number(port, end))}
        what = f"{name}: {ref_of(proxy.deployment)} may ask the pods of its target"
        told = f"{len(policies.about(own))} about its pods, {len(policies.about(ends[0]))} about the target's"
        checks.append(Check(what, not found, _EXPECTED, "; ".join(sorted(found)) or told))
    return checks


_EXPECTED = "NetworkPolicies that let it through, or none"


def _check(what: str, policies: Policies, source: Pods, destination: Pods, port: str) -> Check:
    found = policies.in_the_way(source, destination, destination.ports.get(port, 0))
    told = f"{len(policies.about(source))} about Traefik's pods, {len(policies.about(destination))} about the proxy's"
    return Check(what, not found, _EXPECTED, "; ".join(found) or told)


def _of(workload: Object, addresses: Sequence[str]) -> Pods:
    template = workload["spec"]["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    spec, namespace = template["spec"], workload["metadata"]["namespace"]
    return Pods(namespace, labels, addresses, _named_ports(spec), bool(spec.get("hostNetwork")))


def _pod(pod: Object) -> Pods:
    metadata, spec = pod["metadata"], pod["spec"]
    labels = metadata.get("labels") or {}
    return Pods(metadata["namespace"], labels, _addresses(pod), _named_ports(spec), bool(spec.get("hostNetwork")))


def _addresses(pod: Object) -> list[str]:
    address = str((pod.get("status") or {}).get("podIP") or "")
    return [address] if address else []


def _named_ports(spec: Mapping[str, Any]) -> dict[str, int]:
    return {
        str(port["name"]): int(port["containerPort"])
        for container in spec["containers"]
        for port in container.get("ports") or []
        if "name" in port
    }


def _target_port(deployment: Object, target: Object, around: Surroundings) -> str:
    """The number or name of the pods' port behind the port of the target that is asked."""
    own = around.services.get((deployment["metadata"]["namespace"], deployment["metadata"]["name"]))
    asked = forward_auth.remembered_target(own).get("port", 0) if own else 0
    port = forward_auth.service_port(target, asked) or {}
    return str(port.get("targetPort", asked))


def _number(port: str, pods: Pods) -> int:
    return int(port) if port.isdecimal() else pods.ports.get(port, 0)
