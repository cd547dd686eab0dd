# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module tier_label: moves namespaces and workloads to another tier and proves that the tier gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils import tier_policy
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import pods_query
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.tier_move import Move

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
_WORKLOAD: dict[str, dict[str, Any]] = {
    "kind": {"type": "str", "choices": list(KINDS), "default": "Deployment"},
    "name": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
}
_LIMIT_RANGE: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "default": "tier-defaults"},
    "default": {"type": "dict"},
    "default_request": {"type": "dict"},
    "max": {"type": "dict"},
    "min": {"type": "dict"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "namespaces": {"type": "list", "elements": "str", "required": True},
    "label": {"type": "str", "default": "tier"},
    "from": {"type": "str", "required": True},
    "to": {"type": "str", "required": True},
    "workloads": {"type": "list", "elements": "dict", "options": _WORKLOAD},
    "pod_template": {"type": "bool", "default": False},
    "restart": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "expect": {
        "type": "dict",
        "options": {"limit_range": {"type": "dict", "options": _LIMIT_RANGE}, "priority_class": {"type": "str"}},
    },
    "wait_timeout": {"type": "int", "default": 180},
}
# Admission may still see the namespace's former label for a moment: then the pods are recreated once more.
_ROUNDS = 2


@dataclass
class Subjects:
    """What is moved: the namespaces, and their workloads as they were read last."""

    namespaces: list[Object]
    workloads: list[Object]


def run(task: Task) -> dict[str, Any]:
    """Moves and verifies. Raises ResilientError (a foreign label), BadArgument, WaitTimeout and the writer's errors."""
    params = task.params
    expect = params["expect"] or {}
    limits = tier_policy.limit_range_values(expect.get("limit_range"))
    move = Move(params["label"], params["from"], params["to"], params["pod_template"])
    subjects = _read(task, move)
    _check_all(task, move, subjects)

    writer = task.writer()
    moved = writer.patch(_patches(subjects.namespaces, move.namespace_body))
    if limits and not task.check_mode:
        _wait_for_limits(task, subjects.namespaces, limits)
    rolled = _move_workloads(task, writer, move, subjects, expect.get("priority_class") or "")
    outcome = Outcome([*moved.changes, *rolled.changes], [*moved.warnings, *rolled.warnings])
    return task.result_of(outcome) | {"verified": _verified(task, subjects, limits)}


# --- reading -----------------------------------------------------------------------------------------------------


def _read(task: Task, move: Move) -> Subjects:
    names = list(dict.fromkeys(task.params["namespaces"]))
    namespaces = task.client.concurrently(task.client.get, [ObjectRef("v1", "Namespace", name) for name in names])
    refs = [ref for name in names for ref in _workload_refs(task, move, name)]
    return Subjects(namespaces, task.client.concurrently(task.client.get, dict.fromkeys(refs)))


def _workload_refs(task: Task, move: Move, namespace: str) -> list[ObjectRef]:
    """Those that are named or selected, by default all that carry the label. Raises ResilientError when one is not."""
    chosen = task.params["workloads"]
    if chosen is None:
        queries = [Query("apps/v1", kind, namespace=namespace, label_selector=move.label) for kind in KINDS]
        return [ref_of(item) for answer in read_found(task.client, queries) for item in answer.items]
    queries = [
        Query("apps/v1", item["kind"], item["name"] or "", namespace, ",".join(item["label_selectors"]))
        for item in chosen
    ]
    answers = read_found(task.client, queries)
    empty = [str(answer.query) for answer in answers if not answer.items]
    if empty:
        raise errors.ResilientError(f"workloads: there is no {', no '.join(empty)}")
    return [ref_of(item) for answer in answers for item in answer.items]


def pods_of(task: Task, workload: Object) -> list[Object]:
    (answer,) = read_found(task.client, [pods_query(workload)])
    return tier_policy.running(answer.items)


# --- moving ------------------------------------------------------------------------------------------------------


def _check_all(task: Task, move: Move, subjects: Subjects) -> None:
    """Every objection before the first write: labels that are not ours to change, and what the API server refuses."""
    objections = move.objections([*subjects.namespaces, *subjects.workloads])
    if objections:
        raise errors.ResilientError(
            f"nothing was moved: {'; '.join(objections)}. Only what has {move.label}={move.origin} or already "
            f"{move.label}={move.destination} is moved."
        )
    trial = Writer(task.client, check_mode=True)
    trial.patch(_patches(subjects.namespaces, move.namespace_body))
    trial.patch(_patches(subjects.workloads, lambda item: move.workload_body(item, "")))


def _patches(items: Sequence[Object], body_of: Callable[[Object], dict[str, Any]]) -> list[Patch]:
    return [_patch(item, body_of) for item in items if body_of(item)]


def _patch(item: Object, body_of: Callable[[Object], dict[str, Any]]) -> Patch:
    """Worked out anew when a controller writes the object in between, which Deployments' do all the time."""

    def again(newer: Object) -> Patch | None:
        return _patch(newer, body_of) if body_of(newer) else None

    return Patch(item, body_of(item), again=again)


def _move_workloads(task: Task, writer: Writer, move: Move, subjects: Subjects, priority_class: str) -> Outcome:
    """Writes the labels and, where pods are to be recreated, waits for it and sees with what they were admitted."""
    done = Outcome()
    for _round in range(_ROUNDS):
        restarts = {ref_of(item) for item in subjects.workloads if _is_to_restart(task, move, item, priority_class)}
        now = datetime.now(UTC).isoformat(timespec="seconds")

        def body_of(item: Object, restarts: set[ObjectRef] = restarts, now: str = now) -> dict[str, Any]:
            return move.workload_body(item, now if ref_of(item) in restarts else "")

        outcome = writer.patch(_patches(subjects.workloads, body_of))
        done = Outcome([*done.changes, *outcome.changes], [*done.warnings, *outcome.warnings])
        if task.check_mode:
            return done
        refs = [ref_of(item) for item in subjects.workloads]
        if outcome.changed:
            wait_until_ready(task.client, refs, task.params["wait_timeout"], task.progress)
        subjects.workloads = task.client.concurrently(task.client.get, refs)
        if not restarts:
            break
    _check_classes(task, subjects.workloads, priority_class)
    return done


def _is_to_restart(task: Task, move: Move, workload: Object, priority_class: str) -> bool:
    restart = task.params["restart"]
    if restart == "always":
        return move.moves(workload)
    if restart == "never" or not priority_class:
        return False
    return bool(tier_policy.with_other_class(pods_of(task, workload), priority_class))


# --- verifying ---------------------------------------------------------------------------------------------------


def _wait_for_limits(task: Task, namespaces: Sequence[Object], limits: tier_policy.LimitRangeValues) -> None:
    """A policy engine changes the LimitRange some time after the label."""
    refs = [ObjectRef("v1", "LimitRange", limits.name, item["metadata"]["name"]) for item in namespaces]
    goal = "what the tier is to give"
    wait_until(
        task.client,
        refs,
        task.params["wait_timeout"],
        task.progress,
        lambda item: tier_policy.limit_range_lacks(item, limits),
        goal,
    )


def _check_classes(task: Task, workloads: Sequence[Object], priority_class: str) -> None:
    """Raises ResilientError when running pods have another class; with ``restart: never`` that is a warning."""
    if not priority_class:
        return
    wrong = [
        f"{ref_of(pod)} has {pod['spec'].get('priorityClassName') or 'none'}"
        for item in workloads
        for pod in tier_policy.with_other_class(pods_of(task, item), priority_class)
    ]
    if not wrong:
        return
    words = f"running pods do not have PriorityClass {priority_class}: {', '.join(wrong)}"
    if task.params["restart"] == "auto":
        raise errors.ResilientError(f"{words}. They were recreated, so admission does not give it to this tier.")
    task.warnings.append(f"{words}. They get it when they are recreated, see restart.")


def _verified(task: Task, subjects: Subjects, limits: tier_policy.LimitRangeValues | None) -> dict[str, Any]:
    """What the cluster really gives now; in check mode what it gave before."""
    found: dict[str, Any] = {"limit_ranges": {}, "priority_classes": {}}
    for item in subjects.namespaces if limits else []:
        name = item["metadata"]["name"]
        limit_range = task.client.find(ObjectRef("v1", "LimitRange", limits.name if limits else "", name))
        found["limit_ranges"][name] = tier_policy.container_limits(limit_range) if limit_range else {}
    for item in subjects.workloads:
        classes = {pod["spec"].get("priorityClassName", "") for pod in pods_of(task, item)}
        found["priority_classes"][str(ref_of(item))] = sorted(classes)
    return found
