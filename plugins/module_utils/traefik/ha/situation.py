# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the wishes meet in the cluster, read at once: Traefik, its delivery, nodes, budgets, autoscalers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import selects
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import Delivery, delivery_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.nodes import usable_nodes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload


@dataclass
class Situation:
    """``item`` is the workload with its managedFields. ``nodes`` are the names of those that take its pods, None when
    they may not be read. ``budgets`` select its pods, ``autoscaler`` scales it. ``kubernetes`` is the minor version.
    """

    workload: Workload
    delivery: Delivery
    item: Object
    nodes: list[str] | None
    budgets: list[Object] = field(default_factory=list)
    autoscaler: Object | None = None
    kubernetes: int = 0

    @property
    def container(self) -> str:
        """The name of the container that runs Traefik."""
        return self.workload.container

    @property
    def pod(self) -> Mapping[str, Any]:
        """The spec of its pods."""
        return dict(self.item["spec"]["template"]["spec"])


def situation_of(client: Client, workload: Workload) -> Situation:
    """Reads it. Nodes, budgets and autoscalers that may not be read are taken to be none."""
    namespace = workload.ref.namespace
    item = client.get(workload.ref)
    nodes, budgets, autoscalers = read_all(
        client,
        [
            Query("v1", "Node"),
            Query("policy/v1", "PodDisruptionBudget", namespace=namespace),
            Query("autoscaling/v2", "HorizontalPodAutoscaler", namespace=namespace),
        ],
    )
    labels = item["spec"]["template"]["metadata"].get("labels") or {}
    scalers = [each for each in autoscalers.items if _scales(each, item)]
    return Situation(
        workload=workload,
        delivery=delivery_of(client, workload.ref),
        item=item,
        nodes=usable_nodes(nodes.items, item["spec"]["template"]["spec"]) if nodes.status == "found" else None,
        budgets=[each for each in budgets.items if selects(each["spec"].get("selector") or {}, labels)],
        autoscaler=scalers[0] if scalers else None,
        kubernetes=client.minor_version(),
    )


def _scales(autoscaler: Object, item: Object) -> bool:
    target = autoscaler["spec"]["scaleTargetRef"]
    return bool(target["kind"] == item["kind"] and target["name"] == item["metadata"]["name"])
