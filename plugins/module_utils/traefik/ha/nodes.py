# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which nodes take a pod. Pure: taints, node selectors and required node affinity as the scheduler counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import expression_holds
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

_OF_NUMBERS = ("Gt", "Lt")


def usable_nodes(nodes: Iterable[Object], pod: Mapping[str, Any]) -> list[str]:
    """The names of the nodes that take the pod, given its spec."""
    return [node["metadata"]["name"] for node in nodes if _takes(node, pod)]


def _takes(node: Object, pod: Mapping[str, Any]) -> bool:
    return not node.get("spec", {}).get("unschedulable") and fits(node, pod)


def fits(node: Object, pod: Mapping[str, Any]) -> bool:
    """Whether the pod may be on the node, which takes no new one while it is cordoned."""
    spec, labels = node.get("spec") or {}, node["metadata"].get("labels") or {}
    hard = [taint for taint in spec.get("taints") or [] if taint.get("effect") in ("NoSchedule", "NoExecute")]
    tolerations = pod.get("tolerations") or []
    if not all(any(_tolerates(toleration, taint) for toleration in tolerations) for taint in hard):
        return False
    wanted = pod.get("nodeSelector") or {}
    return all(labels.get(name) == value for name, value in wanted.items()) and _has_affinity(labels, pod)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if str(toleration.get("effect") or taint["effect"]) != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return bool(str(toleration.get("key") or taint["key"]) == taint["key"])
    same_value = str(toleration.get("value") or "") == str(taint.get("value") or "")
    return same_value and str(toleration.get("key")) == str(taint["key"])


def _has_affinity(labels: Mapping[str, str], pod: Mapping[str, Any]) -> bool:
    affinity = (pod.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms: Sequence[Mapping[str, Any]] = required.get("nodeSelectorTerms") or []
    return not terms or any(_matches(labels, term.get("matchExpressions") or []) for term in terms)


def _matches(labels: Mapping[str, str], expressions: Sequence[Mapping[str, Any]]) -> bool:
    """Operators that compare numbers are taken to hold."""
    return all(
        each["operator"] in _OF_NUMBERS or expression_holds(labels.get(each["key"]), each) for each in expressions
    )
