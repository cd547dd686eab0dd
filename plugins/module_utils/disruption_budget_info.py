# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module disruption_budget_info: which budget each workload is to have, and what the present ones do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.disruption import (
    Advice,
    Limit,
    Wish,
    advise,
    changed_fault,
    limit_from,
    limit_of,
    selecting,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.eviction import rehearse_eviction
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import read_pods
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import verified
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.tier_policy import running

KINDS = ("Deployment", "StatefulSet")
_WORKLOAD: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "required": True},
    "min_available": {"type": "str"},
    "max_unavailable": {"type": "str"},
    "where_blocking": {"type": "str", "choices": ["fall_back", "finding"], "default": "fall_back"},
    "budget": {"type": "str"},
    "unhealthy_pods": {"type": "str", "choices": ["AlwaysAllow", "IfHealthyBudget"], "default": "AlwaysAllow"},
    "replicas": {"type": "int", "default": 0},
    "optional": {"type": "bool", "default": False},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "workloads": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": _WORKLOAD,
        "mutually_exclusive": [["min_available", "max_unavailable"]],
        "required_one_of": [["min_available", "max_unavailable"]],
    },
    "by_chart": {"type": "bool", "default": False},
    "verify": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 30},
}


class NotProtected(errors.ResilientError):
    """A budget does not do what it is for; ``checks`` has all that was checked."""


@dataclass(frozen=True)
class Subject:
    """One workload as it was found, with the lowest number of pods it runs with and the budgets of its namespace."""

    wish: Wish
    item: Object
    replicas: int
    budgets: list[Object]


def run(task: Task) -> dict[str, Any]:
    """Reads, and with ``verify`` checks. Raises Forbidden, and with ``verify`` BadArgument and NotProtected."""
    return _verified(task) if task.params["verify"] else _advised(task)


def _advised(task: Task) -> dict[str, Any]:
    """A bad number is a finding among the others, so that all of them are told at once."""
    try:
        wishes = _wishes(task)
    except errors.BadArgument as error:
        return _NOTHING | {"findings": [f"{error}."]}
    subjects, findings = _subjects(task, wishes)
    advices = [advise(each.wish, each.item, each.replicas, each.budgets) for each in subjects]
    told = [*findings, *(finding for advice in advices for finding in advice.findings)]
    return {
        "changed": False,
        "findings": [f"{finding}." for finding in told],
        "notes": [note for advice in advices for note in advice.notes],
        "objects": [advice.budget for advice in advices if advice.budget],
        "chart_values": {each.wish.name: _values(advice.limit) for each, advice in zip(subjects, advices, strict=True)},
        "workloads": [_result(each, advice) for each, advice in zip(subjects, advices, strict=True)],
    }


_NOTHING: dict[str, Any] = {"changed": False, "notes": [], "objects": [], "chart_values": {}, "workloads": []}


def _result(subject: Subject, advice: Advice) -> dict[str, Any]:
    return ref_of(subject.item).as_dict() | {
        "purpose": subject.wish.name,
        "replicas": subject.replicas,
        "limit": advice.limit.option(),
        "budgets": [str(ref_of(item)) for item in selecting(subject.item, subject.budgets)],
    }


def _values(limit: Limit) -> dict[str, Any]:
    return {"pdb": {"enabled": True} | limit.option()}


# --- reading -----------------------------------------------------------------------------------------------------


def _wishes(task: Task) -> list[Wish]:
    return [_wish(task, given) for given in task.params["workloads"]]


def _subjects(task: Task, wishes: Sequence[Wish]) -> tuple[list[Subject], list[str]]:
    """The workloads with what concerns them, and findings on those that were not found."""
    items, findings = _items(task)
    namespaces = sorted({item["metadata"]["namespace"] for found in items for item in found})
    budgets, scalers = _in_namespaces(task.client, namespaces)
    subjects = [
        Subject(wish, item, _lowest(item, scalers, given["replicas"]), budgets)
        for given, wish, found in zip(task.params["workloads"], wishes, items, strict=True)
        for item in found
    ]
    return subjects, findings


def _wish(task: Task, given: Mapping[str, Any]) -> Wish:
    return Wish(
        name=given["name"],
        limit=limit_from(given["name"], given),
        budget=given["budget"] or "",
        fall_back=given["where_blocking"] == "fall_back",
        unhealthy_pods=given["unhealthy_pods"],
        by_chart=task.params["by_chart"],
    )


def _items(task: Task) -> tuple[list[list[Object]], list[str]]:
    found: list[list[Object]] = []
    findings: list[str] = []
    for given in task.params["workloads"]:
        selector, namespace = ",".join(given["label_selectors"]), given["namespace"] or ""
        queries = [Query("apps/v1", kind, namespace=namespace, label_selector=selector) for kind in KINDS]
        items = [item for answer in read_found(task.client, queries) for item in answer.items]
        found.append(items)
        if not items and not given["optional"]:
            where = f"in namespace {namespace}" if namespace else "in any namespace"
            findings.append(
                f"{given['name']}_selectors: there is no {' or '.join(KINDS)} with the labels {selector} {where}"
            )
    return found, findings


def _in_namespaces(client: Client, namespaces: Sequence[str]) -> tuple[list[Object], list[Object]]:
    kinds = (("policy/v1", "PodDisruptionBudget"), ("autoscaling/v2", "HorizontalPodAutoscaler"))
    answers = read_found(client, [Query(*kind, namespace=name) for kind in kinds for name in namespaces])
    listed = [
        [item for answer in answers if answer.query.kind == kind for item in answer.items] for _group, kind in kinds
    ]
    return listed[0], listed[1]


def _lowest(item: Object, scalers: Sequence[Object], at_least: int) -> int:
    """The number of pods at the quietest hour: an autoscaler's minimum where there is one.

    ``at_least`` are those that the workload is about to have.
    """
    ref = ref_of(item)
    for scaler in scalers:
        target = scaler["spec"]["scaleTargetRef"]
        same = (target["kind"], target["name"], scaler["metadata"]["namespace"]) == (ref.kind, ref.name, ref.namespace)
        if same:
            return int(scaler["spec"].get("minReplicas") or 1)
    return max(at_least, int(item["spec"].get("replicas", 1)))


# --- verifying ---------------------------------------------------------------------------------------------------


def _verified(task: Task) -> dict[str, Any]:
    """Checks until all hold or the time is over: the disruption controller counts pods a moment later."""
    wishes = _wishes(task)

    def look() -> list[Check]:
        subjects, missing = _subjects(task, wishes)
        none = [Check(text, False, "a workload", "none") for text in missing]
        return none + [check for subject in subjects for check in budget_checks(task.client, subject)]

    return verified(look, task.params["wait_timeout"], NotProtected, task.progress)


def budget_checks(client: Client, subject: Subject) -> list[Check]:
    """Return whether one budget keeps pods of the subject, as wished, and lets a drain take one. Raises Forbidden."""
    ref, found = ref_of(subject.item), selecting(subject.item, subject.budgets)
    listed = ", ".join(f"{item['metadata']['name']} ({limit_of(item)})" for item in found) or "none"
    kept = [item for item in found if limit_of(item).allows(subject.replicas) < max(subject.replicas, 2)]
    lacking = "; ".join(filter(None, (readiness.missing(item) for item in found)))
    other = "; ".join(
        filter(None, (changed_fault(subject.wish, subject.item, subject.replicas, each) for each in found))
    )
    return [
        Check(f"{ref}: one budget keeps pods of it", len(found) == len(kept) == 1, "one that keeps some", listed),
        Check(
            f"{ref}: one disruption is allowed",
            bool(found) and not lacking,
            "disruptionsAllowed of 1 or more",
            lacking or (f"{found[0]['status']['disruptionsAllowed']}" if found else "no budget"),
        ),
        Check(f"{ref}: its budget has the wished numbers", not other, str(subject.wish.limit), other or listed),
        _eviction_check(client, subject),
    ]


def _eviction_check(client: Client, subject: Subject) -> Check:
    """Asks the API server whether a drain could evict one of the pods. Nothing is evicted."""
    ref = ref_of(subject.item)
    pods = running(read_pods(client, subject.item))
    refusal = rehearse_eviction(client, ref_of(pods[0])) if pods else "no pod is running"
    name = f"{ref}: a drain may evict one pod (rehearsed)"
    return Check(name, not refusal, "evicted", refusal or f"{pods[0]['metadata']['name']} could be evicted")
