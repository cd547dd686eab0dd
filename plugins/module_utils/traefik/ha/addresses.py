# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether Traefik's LoadBalancer Services have an address. Nothing of this collection waits for one."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import serves
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all


def address_notes(client: Client, workload: Object) -> list[str]:
    """A sentence for each LoadBalancer Service of the workload's pods that has no address, or why none can be told."""
    (answer,) = read_all(client, [Query("v1", "Service", namespace=workload["metadata"]["namespace"])])
    if answer.status == "forbidden":
        return [f"whether Traefik's LoadBalancer Services have an address is not known: {answer.message}"]
    return without_address(workload, answer.items)


def without_address(workload: Object, services: Iterable[Object]) -> list[str]:
    """A sentence for each of the Services that is of type LoadBalancer, for the workload's pods, and has no address."""
    return [
        f"{ref_of(service)} is of type LoadBalancer and has no address: {_who(service)} has given it none. Traefik's "
        "pods work without it and nothing waits for it, but nobody gets in by that address until it has one"
        for service in services
        if service["spec"].get("type") == "LoadBalancer" and serves(workload, service) and not _addresses(service)
    ]


def _who(service: Object) -> str:
    named = service["spec"].get("loadBalancerClass")
    return f"the load balancer of class {named}" if named else "the cluster's load balancer, if it has one,"


def _addresses(service: Object) -> list[str]:
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [str(each.get("ip") or each.get("hostname") or "") for each in given]
