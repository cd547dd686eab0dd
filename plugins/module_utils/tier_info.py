# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module tier_info: whether namespaces can move to another tier, and whether they have arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils import tier_known, tier_label, tier_policy
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import equal, verified
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.tier_move import Move
from ansible_collections.resilient.traefik.plugins.module_utils.tier_policy import LimitRangeValues

_SHARED = ("namespaces", "label", "from", "to", "workloads", "pod_template", "expect")
OPTIONS: dict[str, dict[str, Any]] = {
    **{name: tier_label.OPTIONS[name] for name in _SHARED},
    "where_missing": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
    "verify": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 30},
}


class NotInTier(errors.ResilientError):
    """Something is not as the tier is to have it; ``checks`` has all that was checked."""


@dataclass(frozen=True)
class Tier:
    """What is asked for."""

    namespaces: list[str]
    move: Move
    limits: LimitRangeValues | None
    priority_class: str


@dataclass(frozen=True)
class Seen:
    """What the cluster has: all namespaces by name, the workloads to move, and what is wrong with the choice."""

    namespaces: dict[str, Object]
    workloads: list[Object]
    faults: list[str]

    def carrying(self, move: Move, *tiers: str) -> list[str]:
        """The namespaces that carry one of these tiers."""
        return [name for name, item in self.namespaces.items() if _label(item, move.label) in tiers]


def run(task: Task) -> dict[str, Any]:
    """Reads, and with ``verify`` checks. Raises Forbidden, and with ``verify`` BadArgument and NotInTier."""
    return _verified(task) if task.params["verify"] else _advised(task)


def _advised(task: Task) -> dict[str, Any]:
    """A bad quantity is a finding among the others, so that all of them are told at once."""
    try:
        tier = _tier(task)
    except errors.BadArgument as error:
        return {"changed": False, "present": True, "findings": [f"{error}."], "notes": []}
    seen = _seen(task, tier)
    missing = _no_such_tiers(task, tier, seen)
    if missing:
        skipped = task.params["where_missing"] == "skip"
        findings, notes = ([], [missing]) if skipped else ([missing], [])
        return {"changed": False, "present": False, "findings": findings, "notes": notes}
    findings = [f"{finding}." for finding in _findings(task, tier, seen)]
    return {"changed": False, "present": True, "findings": findings, "notes": []}


def _tier(task: Task) -> Tier:
    params, expect = task.params, task.params["expect"] or {}
    return Tier(
        namespaces=list(dict.fromkeys(params["namespaces"])),
        move=Move(params["label"], params["from"], params["to"], params["pod_template"]),
        limits=tier_policy.limit_range_values(expect.get("limit_range")),
        priority_class=expect.get("priority_class") or "",
    )


# --- reading -----------------------------------------------------------------------------------------------------


def _seen(task: Task, tier: Tier) -> Seen:
    (answer,) = read_found(task.client, [Query("v1", "Namespace")])
    namespaces = {item["metadata"]["name"]: item for item in answer.items}
    there = [name for name in tier.namespaces if name in namespaces]
    queries = _queries(task, tier, there)
    answers = read_found(task.client, queries)
    chosen = task.params["workloads"] is not None
    faults = [f"workloads: there is no {each.query}" for each in answers if chosen and not each.items]
    workloads = {ref_of(item): item for each in answers for item in each.items}
    return Seen(namespaces, list(workloads.values()), faults)


def _queries(task: Task, tier: Tier, namespaces: Sequence[str]) -> list[Query]:
    chosen = task.params["workloads"]
    if chosen is None:
        label = tier.move.label
        return [Query("apps/v1", kind, "", name, label) for kind in tier_label.KINDS for name in namespaces]
    return [
        Query("apps/v1", item["kind"], item["name"] or "", name, ",".join(item["label_selectors"]))
        for item in chosen
        for name in namespaces
    ]


# --- advising ----------------------------------------------------------------------------------------------------


def _no_such_tiers(task: Task, tier: Tier, seen: Seen) -> str:
    """Why this cluster has no such tiers at all, empty when it has."""
    move = tier.move
    # A chosen namespace of yet another tier is a finding, not a cluster without tiers.
    chosen = [item for name, item in seen.namespaces.items() if name in tier.namespaces]
    if seen.carrying(move, move.origin, move.destination) or any(_label(item, move.label) != "none" for item in chosen):
        return ""
    if _class_exists(task, tier):
        return ""
    return (
        f"label: no namespace carries {move.label}={move.origin} or {move.label}={move.destination}, so this cluster "
        "has no such tiers and there is nothing to move."
    )


def _class_exists(task: Task, tier: Tier) -> bool:
    if not tier.priority_class:
        return False
    query = Query("scheduling.k8s.io/v1", "PriorityClass", tier.priority_class)
    return bool(read_found(task.client, [query])[0].items)


def _findings(task: Task, tier: Tier, seen: Seen) -> list[str]:
    move = tier.move
    found = [
        f"namespaces: Namespace {name} does not exist; name the one that the bot blocker runs in"
        for name in tier.namespaces
        if name not in seen.namespaces
    ]
    if move.origin == move.destination:
        found.append(f"to: {move.destination} is the tier to leave as well")
    else:
        found += _unknown_tier(task, tier, seen)
    subjects = [seen.namespaces[name] for name in tier.namespaces if name in seen.namespaces] + seen.workloads
    found += [
        f"from: {objection}, and only what has {move.label}={move.origin} or {move.label}={move.destination} is moved"
        for objection in move.objections(subjects)
    ]
    found += seen.faults
    if tier.priority_class and not _class_exists(task, tier):
        found.append(
            f"priority_class: there is no PriorityClass {tier.priority_class}; name the one that the tier gives"
        )
    return found + _other_limits(task, tier, seen)


def _unknown_tier(task: Task, tier: Tier, seen: Seen) -> list[str]:
    """A label that nothing answers to would take away what the present tier gives, and bring nothing."""
    move = tier.move
    expected = tier_known.tiers_of_classes(move.label, [tier.priority_class] if _class_exists(task, tier) else [])
    if seen.carrying(move, move.destination) or move.destination in expected:
        return []
    words = tier_known.known_tiers(task.client, move.label, seen.namespaces.values()).objection(
        move.label, move.destination
    )
    return [f"to: {words}"] if words else []


def _other_limits(task: Task, tier: Tier, seen: Seen) -> list[str]:
    """What the tier gives its present members, where that is not what is expected: newcomers will get the same."""
    members = [name for name in seen.carrying(tier.move, tier.move.destination) if name not in tier.namespaces]
    if tier.limits is None or not members:
        return []
    queries = [Query("v1", "LimitRange", tier.limits.name, name) for name in members]
    given = [item for answer in read_found(task.client, queries) for item in answer.items]
    lacking = [(ref_of(item), tier_policy.limit_range_lacks(item, tier.limits)) for item in given]
    return [f"limits: {ref} of the same tier is otherwise: {words}" for ref, words in lacking if words][:1]


# --- verifying ---------------------------------------------------------------------------------------------------


def _verified(task: Task) -> dict[str, Any]:
    tier = _tier(task)
    return verified(
        lambda: _checks(task, tier, _seen(task, tier)), task.params["wait_timeout"], NotInTier, task.progress
    )


def _checks(task: Task, tier: Tier, seen: Seen) -> list[Check]:
    move = tier.move
    checks = [Check(f"workloads: {fault}", False, "it is there", "it is not") for fault in seen.faults]
    for name in tier.namespaces:
        found = _label(seen.namespaces[name], move.label) if name in seen.namespaces else "no such namespace"
        checks.append(equal(f"Namespace {name}: label {move.label}", move.destination, found))
        if tier.limits:
            checks.append(_limits_check(task, tier.limits, name))
    for item in seen.workloads:
        checks.append(equal(f"{ref_of(item)}: label {move.label}", move.destination, _label(item, move.label)))
        if tier.priority_class:
            classes = {pod["spec"].get("priorityClassName", "") or "none" for pod in tier_label.pods_of(task, item)}
            found = ", ".join(sorted(classes)) or "no pods"
            checks.append(equal(f"{ref_of(item)}: PriorityClass of its pods", tier.priority_class, found))
    return checks


def _limits_check(task: Task, limits: LimitRangeValues, namespace: str) -> Check:
    (answer,) = read_found(task.client, [Query("v1", "LimitRange", limits.name, namespace)])
    item = answer.items[0] if answer.items else None
    wanted = ", ".join(
        f"{field}.{resource} {value}" for field, values in limits.limits.items() for resource, value in values.items()
    )
    lacks = tier_policy.limit_range_lacks(item, limits)
    return Check(f"LimitRange {namespace}/{limits.name}: defaults and limits", not lacks, wanted, lacks or wanted)


def _label(item: Object, label: str) -> str:
    return str((item["metadata"].get("labels") or {}).get(label, "none"))
