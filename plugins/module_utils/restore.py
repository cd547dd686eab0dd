# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module restore: puts the objects of a run back to where they were before it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Undo
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Run, mark_restored, runs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry, combined
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.undoing import plan_undo
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import DELETED, Outcome, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "run_id": {"type": "str"},
    "newer": {"type": "str", "choices": ["refuse", "include"], "default": "refuse"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 180},
    "pause": {"type": "float", "default": 0.0},
}
# What makes a namespace more than an empty shell that a run created.
_TENANTS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolumeClaim"),
    ("networking.k8s.io/v1", "Ingress"),
)


def run(task: Task) -> dict[str, Any]:
    """Restores the run. Raises BadArgument (no such run, a newer one in the way) and what the writer raises."""
    chosen = chosen_runs(runs(task.client), task.params["run_id"] or "", task.params["newer"])
    entries = entries_of(chosen)
    refs = [entry.ref for entry in entries]
    states = dict(zip(refs, task.client.concurrently(lambda ref: _find(task.client, ref), refs), strict=True))
    inhabited = _inhabited(task.client, entries, states)
    undo, left_alone = plan_undo(entries, states, inhabited)
    outcome = _undone(task, undo)
    task.warnings.extend(str(item) for item in left_alone)
    if not task.check_mode:
        if task.params["wait"]:
            _wait(task, outcome)
        for one in chosen:
            mark_restored(task.client, one.run_id)
    return task.result_of(outcome) | {
        "run_ids": [one.run_id for one in chosen],
        "left_alone": [item.as_dict() for item in left_alone],
    }


def _undone(task: Task, undo: Undo) -> Outcome:
    """Carries it out; between the last object put back and the first one deleted is the task's ``pause``."""
    # Not task.writer(): what a restore writes is not part of the run that it restores.
    writer = Writer(task.client, check_mode=task.check_mode)
    pause = task.params["pause"]
    if task.check_mode or not (pause and undo.deleted):
        return writer.undo(undo)
    put_back = writer.undo(Undo(undo.recreated, undo.patches))
    if task.params["wait"]:
        # Pods of the old template may still need what is deleted next.
        _wait(task, put_back)
    if put_back.changed:
        task.progress(f"waiting {pause:g} s until nobody uses what the run created")
        time.sleep(pause)
    deleted = writer.undo(Undo(deleted=undo.deleted))
    return Outcome([*put_back.changes, *deleted.changes], [*put_back.warnings, *deleted.warnings])


def chosen_runs(recorded: Sequence[Run], run_id: str, newer: str) -> list[Run]:
    """The runs to restore, out of all recorded ones, the newest first; empty when there is nothing left to restore.

    Raises BadArgument when there is no such run, or when a newer one changed the same and is not to be included.
    """
    to_do = [one for one in recorded if not one.restored]
    if not run_id:
        return to_do[:1]
    named = next((one for one in recorded if one.run_id == run_id), None)
    if named is None:
        known = ", ".join(one.run_id for one in recorded) or "none at all"
        raise errors.BadArgument(f"run_id: the journal has no run {run_id!r}. Recorded runs: {known}.")
    if named.restored:
        return []
    later = to_do[: to_do.index(named)]
    if newer == "include":
        return [*later, named]
    for one in later:
        shared = shared_objects(one, named)
        if shared:
            raise errors.BadArgument(
                f"run_id: the newer run {one.run_id} (of {one.started}) changed the same in "
                f"{', '.join(map(str, shared[:3]))}{' and more' if shared[3:] else ''}. Restore it first, or set "
                "newer: include to go back to before both."
            )
    return [named]


def shared_objects(one: Run, other: Run) -> list[ObjectRef]:
    """The objects in which two runs touched the same fields, or that one of them created or deleted."""
    others = {entry.ref: entry for entry in other.entries}
    return [entry.ref for entry in one.entries if entry.ref in others and _collide(entry, others[entry.ref])]


def entries_of(chosen: Sequence[Run]) -> list[Entry]:
    """One entry an object, the states of the oldest run first."""
    by_ref: dict[ObjectRef, list[Entry]] = {}
    for one in reversed(chosen):
        for entry in one.entries:
            by_ref.setdefault(entry.ref, []).append(entry)
    return [combined(entries) for entries in by_ref.values()]


def _collide(one: Entry, other: Entry) -> bool:
    as_a_whole = any(entry.change != "changed" or entry.whole for entry in (one, other))
    return as_a_whole or bool(one.touched.paths & other.touched.paths)


def _find(client: Client, ref: ObjectRef) -> Object | None:
    """The object as it is now; None also when its kind is not served any more."""
    try:
        return client.find(ref)
    except errors.NotFound:
        return None


def _inhabited(
    client: Client, entries: Iterable[Entry], states: dict[ObjectRef, Object | None]
) -> dict[ObjectRef, str]:
    """What others put into the namespaces, and as which resources of the kinds, that the run created: in words."""
    created = {entry.ref for entry in entries if entry.before is None}
    found: dict[ObjectRef, str] = {}
    for ref in created:
        state = states[ref]
        if state and ref.kind in ("Namespace", "CustomResourceDefinition"):
            queries = _tenants_of(ref) if ref.kind == "Namespace" else _resources_of(state)
            foreign = [
                item for answer in read_found(client, queries) for item in answer.items if _foreign(item, created)
            ]
            if foreign:
                names = [f"{item['kind']} {item['metadata']['name']}" for item in foreign]
                found[ref] = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
    return found


def _tenants_of(namespace: ObjectRef) -> list[Query]:
    return [Query(api_version, kind, namespace=namespace.name) for api_version, kind in _TENANTS]


def _resources_of(definition: Object) -> list[Query]:
    spec = definition["spec"]
    version = next(version["name"] for version in spec["versions"] if version["served"])
    return [Query(f"{spec['group']}/{version}", spec["names"]["kind"])]


def _foreign(item: Object, created: set[ObjectRef]) -> bool:
    metadata = item["metadata"]
    ref = ObjectRef(item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace", ""))
    # The API server puts this ConfigMap into every namespace; what has an owner goes with it.
    by_the_cluster = ref.kind == "ConfigMap" and ref.name == "kube-root-ca.crt"
    return not (
        ref in created or by_the_cluster or metadata.get("ownerReferences") or metadata.get("deletionTimestamp")
    )


def _wait(task: Task, outcome: Outcome) -> None:
    deleted = [change.ref for change in outcome.changes if change.change == DELETED]
    others = [change.ref for change in outcome.changes if change.changed and change.change != DELETED]
    wait_until_ready(task.client, others, task.params["wait_timeout"], task.progress)
    wait_until_gone(task.client, deleted, task.params["wait_timeout"], task.progress)
