# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ready means serving: one pure predicate a kind, over the object as the API server has it.

Each returns what is still missing, in words, and the empty string when the object is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Predicate = Callable[[Mapping[str, Any]], str]


def missing(item: Mapping[str, Any]) -> str:
    """What the object still lacks to be ready, or the empty string. Kinds without a predicate are ready at once."""
    if item.get("metadata", {}).get("deletionTimestamp"):
        return "is being deleted"
    predicate = _PREDICATES.get(item["kind"])
    return predicate(item) if predicate else ""


def hopeless(item: Mapping[str, Any]) -> str:
    """Why waiting longer is of no use, in the API's words; empty when it may be."""
    if item["kind"] == "Job":
        return _true_condition(item, "Failed")
    progressing = _conditions(item).get("Progressing", {})
    if item["kind"] == "Deployment" and not _behind(item) and progressing.get("reason") == "ProgressDeadlineExceeded":
        return str(progressing.get("message", "progress deadline exceeded"))
    return ""


def _status(item: Mapping[str, Any]) -> Mapping[str, Any]:
    status = item.get("status")
    return status if isinstance(status, Mapping) else {}


def _conditions(item: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {condition["type"]: condition for condition in _status(item).get("conditions") or []}


def _true_condition(item: Mapping[str, Any], name: str) -> str:
    condition = _conditions(item).get(name, {})
    return str(condition.get("message") or name) if condition.get("status") == "True" else ""


def _needs_condition(*names: str) -> Predicate:
    def predicate(item: Mapping[str, Any]) -> str:
        for name in names:
            condition = _conditions(item).get(name, {})
            if condition.get("status") != "True":
                return f"condition {name} is not true: {condition.get('message') or 'not reported yet'}"
        return ""

    return predicate


def _behind(item: Mapping[str, Any]) -> str:
    """The controller has not seen the newest spec yet: all other numbers are about an older one."""
    wanted, seen = item["metadata"].get("generation", 0), _status(item).get("observedGeneration", 0)
    return f"its controller has seen generation {seen} of {wanted}" if seen < wanted else ""


def _count(item: Mapping[str, Any], wanted: int, *fields: tuple[str, str]) -> str:
    for name, words in fields:
        actual = _status(item).get(name, 0)
        if actual < wanted:
            return f"{actual} of {wanted} replicas {words}"
    return ""


def _deployment(item: Mapping[str, Any]) -> str:
    wanted = item["spec"].get("replicas", 1)
    if item["spec"].get("paused"):
        return "is paused (spec.paused)"
    lacking = _behind(item) or _count(item, wanted, ("updatedReplicas", "updated"), ("availableReplicas", "available"))
    extra = _status(item).get("replicas", 0) - wanted
    return lacking or (f"{extra} replicas of an older template still run" if extra > 0 else "")


def _stateful_set(item: Mapping[str, Any]) -> str:
    wanted, status = item["spec"].get("replicas", 1), _status(item)
    strategy = item["spec"].get("updateStrategy", {})
    rolls = strategy.get("type") != "OnDelete" and not strategy.get("rollingUpdate", {}).get("partition")
    lacking = _behind(item) or _count(item, wanted, ("readyReplicas", "ready"))
    if not lacking and rolls and status.get("currentRevision") != status.get("updateRevision"):
        return f"{status.get('updatedReplicas', 0)} of {wanted} replicas updated"
    return lacking


def _daemon_set(item: Mapping[str, Any]) -> str:
    wanted = _status(item).get("desiredNumberScheduled", 0)
    rolls = item["spec"].get("updateStrategy", {}).get("type") != "OnDelete"
    fields = [("updatedNumberScheduled", "updated")] if rolls else []
    return _behind(item) or _count(item, wanted, *fields, ("numberAvailable", "available"))


def _pod_disruption_budget(item: Mapping[str, Any]) -> str:
    status = _status(item)
    if _behind(item):
        return _behind(item)
    if status.get("disruptionsAllowed", 0) < 1:
        return (
            f"allows no disruption: {status.get('currentHealthy', 0)} of {status.get('expectedPods', 0)} pods are "
            f"healthy, {status.get('desiredHealthy', 0)} must be"
        )
    return ""


def _phase(wanted: str) -> Predicate:
    def predicate(item: Mapping[str, Any]) -> str:
        phase = _status(item).get("phase", "unknown")
        return "" if phase == wanted else f"phase is {phase}, not {wanted}"

    return predicate


_PREDICATES: dict[str, Predicate] = {
    "APIService": _needs_condition("Available"),
    "CustomResourceDefinition": _needs_condition("NamesAccepted", "Established"),
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _needs_condition("Complete"),
    "Namespace": _phase("Active"),
    "PersistentVolumeClaim": _phase("Bound"),
    "Pod": _needs_condition("Ready"),
    "PodDisruptionBudget": _pod_disruption_budget,
    "StatefulSet": _stateful_set,
}
