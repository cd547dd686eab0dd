# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pods of a workload, and where those that serve run. Pure but for ``read_pods``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import takes
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def read_pods(client: Client, workload: Object) -> list[Object]:
    """The pods that are the workload's own, those on their way out too. Raises Forbidden, Unreachable."""
    (answer,) = read_found(client, [pods_query(workload)])
    return [pod for pod in answer.items if belongs(pod, ref_of(workload))]


def pods_query(workload: Object) -> Query:
    """The query for the pods that a workload selects. Others may carry the same labels: see ``belongs``."""
    ref = ref_of(workload)
    return Query("v1", "Pod", namespace=ref.namespace, label_selector=selector_text(workload["spec"].get("selector")))


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector in the form of a query, empty for none."""
    given = selector or {}
    parts = [f"{key}={value}" for key, value in (given.get("matchLabels") or {}).items()]
    for expression in given.get("matchExpressions") or []:
        key, operator, values = expression["key"], expression["operator"], ",".join(expression.get("values") or [])
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        parts.append(forms.get(operator, f"!{key}"))
    return ",".join(parts)


def serves(workload: Object, service: Object) -> bool:
    """Whether a Service of the same namespace selects the Pod, or the workload's pods by their template's labels."""
    return takes(service["spec"].get("selector"), _served_labels(workload))


def _served_labels(item: Object) -> Mapping[str, str]:
    template = item["spec"].get("template") or item
    return template["metadata"].get("labels") or {}


class Selectable:
    """Workloads or pods by their labels, so that a Service finds its own without a look at all of the namespace."""

    def __init__(self, items: Iterable[Object]) -> None:
        self._by_label: dict[tuple[str, str, str], list[Object]] = {}
        for item in items:
            namespace = item["metadata"].get("namespace", "")
            for name, value in _served_labels(item).items():
                self._by_label.setdefault((namespace, name, value), []).append(item)

    def by(self, service: Object) -> list[Object]:
        """Those that the Service selects, in their order; a Service without a selector selects none."""
        namespace, selector = service["metadata"].get("namespace", ""), service["spec"].get("selector") or {}
        carriers = [self._by_label.get((namespace, name, value), []) for name, value in selector.items()]
        return [each for each in min(carriers, key=len, default=[]) if serves(each, service)]


def belongs(pod: Object, ref: ObjectRef) -> bool:
    """Two workloads may share labels: a pod's owner is the workload itself or a ReplicaSet named after it."""
    owners = pod["metadata"].get("ownerReferences") or []
    if ref.kind == "Deployment":
        return any(owner["kind"] == "ReplicaSet" and owner["name"].rsplit("-", 1)[0] == ref.name for owner in owners)
    return any(owner["kind"] == ref.kind and owner["name"] == ref.name for owner in owners)


def ready_targets(piece: Object) -> list[str]:
    """Return the names of the pods among the ready endpoints of an EndpointSlice, in its order.

    An unset condition counts as ready (discovery.k8s.io/v1).
    """
    return [
        endpoint["targetRef"]["name"]
        for endpoint in piece.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready", True) is not False
        and (endpoint.get("targetRef") or {}).get("kind") == "Pod"
    ]


def serving_nodes(pods: Iterable[Object]) -> list[str]:
    """The nodes on which pods are Ready and not on their way out, by name, each once."""
    return sorted({pod["spec"].get("nodeName", "") for pod in pods if not readiness.missing(pod)} - {""})
