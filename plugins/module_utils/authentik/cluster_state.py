# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the desired state meets in the cluster: authentik, its pool, nodes, budgets, autoscalers and limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.capacity_reading import Parts
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_reader import (
    Authentik,
    read_authentik,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import SERVER, WORKER
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.nodes import usable_nodes


@dataclass(frozen=True)
class ClusterState:
    """``authentik`` has its workloads with their managedFields. ``scaled`` are workloads that an autoscaler scales.

    ``budgets`` and ``limit_ranges`` are those of the pool's namespace, all of them none where they may not be read.
    ``nodes`` are the names of those that take the server's pods, None where nodes may not be read.
    """

    authentik: Authentik
    nodes: list[str] | None = None
    scaled: frozenset[ObjectRef] = frozenset()
    budgets: list[Object] = field(default_factory=list)
    limit_ranges: list[Object] = field(default_factory=list)

    @property
    def parts(self) -> Parts:
        """The workloads."""
        return self.authentik.parts

    @property
    def components(self) -> dict[str, Object]:
        """authentik's workloads by component."""
        found = {SERVER: self.parts.server, WORKER: self.parts.worker}
        return {name: item for name, item in found.items() if item is not None}


def cluster_state(client: Client, namespace: str, cluster_domain: str, version: tuple[int, ...]) -> ClusterState:
    """Read it; ``version`` counts in place of the image's where it is not empty. Raises as read_authentik."""
    found = read_authentik(client, namespace, cluster_domain)
    parts = found.parts
    listed = [item for item in (parts.server, parts.worker, parts.pool) if item]
    whole = {ref_of(item): client.get(ref_of(item)) for item in listed}
    found = replace(
        found,
        parts=replace(
            parts,
            version=version or parts.version,
            server=whole[ref_of(parts.server)],
            worker=whole[ref_of(parts.worker)] if parts.worker else None,
            pool=whole[ref_of(parts.pool)] if parts.pool else None,
        ),
    )
    space = parts.server["metadata"]["namespace"]
    beside = parts.pool["metadata"]["namespace"] if parts.pool else space
    nodes, scalers, budgets, limits = read_all(
        client,
        [
            Query("v1", "Node"),
            Query("autoscaling/v2", "HorizontalPodAutoscaler", namespace=space),
            Query("policy/v1", "PodDisruptionBudget", namespace=beside),
            Query("v1", "LimitRange", namespace=beside),
        ],
    )
    pod = parts.server["spec"]["template"]["spec"]
    return ClusterState(
        found,
        usable_nodes(nodes.items, pod) if nodes.status == "found" else None,
        frozenset(ref for ref in whole if any(_scales(each, ref) for each in scalers.items)),
        budgets.items,
        limits.items,
    )


def _scales(scaler: Object, ref: ObjectRef) -> bool:
    target = scaler["spec"]["scaleTargetRef"]
    found = (target["kind"], target["name"], scaler["metadata"]["namespace"])
    return bool(found == (ref.kind, ref.name, ref.namespace))
