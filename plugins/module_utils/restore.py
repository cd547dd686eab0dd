# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module restore: puts the objects of a run back to where they were before it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Undo
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.inhabitants import inhabitants
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import (
    Run,
    mark_restored,
    reopen,
    runs,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry, combined
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_secrets import unsigned
from ansible_collections.resilient.traefik.plugins.module_utils.kube.newer_runs import Rebased, apart, collide
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.kube.run_name import check_run_name
from ansible_collections.resilient.traefik.plugins.module_utils.kube.undoing import LeftAlone, comes_back, plan_undo
from ansible_collections.resilient.traefik.plugins.module_utils.kube.unsigned_entries import refused
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import (
    CREATED,
    DELETED,
    UPDATED,
    Outcome,
    Writer,
)
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.still_needed import still_needed

OPTIONS: dict[str, dict[str, Any]] = {
    "run_id": {"type": "str"},
    "newer": {"type": "str", "choices": ["keep", "refuse", "include"], "default": "keep"},
    "as_run": {"type": "str"},
    "journal_key": {"type": "str", "no_log": True},
    "lock_holder": {"type": "str"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 180},
    "pause": {"type": "float", "default": 0.0},
}


def run(task: Task) -> dict[str, Any]:
    """Restores the run. Raises BadArgument (no such run, a newer one in the way) and what the writer raises."""
    params = task.params
    recorded = runs(task.client, key=params.get("journal_key") or "")
    chosen = chosen_runs(recorded, params["run_id"] or "", params["newer"])
    newer = newer_runs(recorded, chosen)
    check_signatures([*chosen, *newer])
    entries, rebased, left_to_them = apart(entries_of(chosen), newer)
    rollback = _Rollback(task, entries, _writer(task, chosen))
    outcome, left_alone = rollback.planned() if task.check_mode else rollback.done()
    left_alone = [*left_to_them, *left_alone]
    task.warnings.extend(str(item) for item in left_alone)
    if not task.check_mode:
        _note(task, chosen, rebased)
    return task.result_of(outcome) | {
        "run_ids": [one.run_id for one in chosen],
        "left_alone": [item.as_dict() for item in left_alone],
        "summary": {
            name: [str(change.ref) for change in outcome.changes if change.change == kind]
            for name, kind in (("created", CREATED), ("put_back", UPDATED), ("deleted", DELETED))
        },
    }


@dataclass(frozen=True)
class _Rollback:
    """The undoing of entries: planned anew before anything is deleted, for by then somebody may refer to it."""

    task: Task
    entries: list[Entry]
    writer: Writer

    def planned(self) -> tuple[Outcome, list[LeftAlone]]:
        """All of it in one plan; nothing is written in check mode."""
        undo, left_alone = self._plan()
        return self.writer.undo(undo), left_alone

    def done(self) -> tuple[Outcome, list[LeftAlone]]:
        """What others need comes back first, and what nobody needs any more goes last."""
        undo, left_alone = self._plan()
        namespaces = [patch for patch in undo.patches if patch.seen["kind"] == "Namespace"]
        others = [patch for patch in undo.patches if patch.seen["kind"] != "Namespace"]
        written = [self._write(Undo(undo.recreated, namespaces)), self._write(Undo(patches=others))]
        if undo.deleted:
            self._pause(written)
            undo, left_alone = self._plan()
            written.append(self._write(Undo(deleted=undo.deleted)))
        changes = [change for outcome in written for change in outcome.changes]
        return Outcome(changes, [warning for outcome in written for warning in outcome.warnings]), left_alone

    def _plan(self) -> tuple[Undo, list[LeftAlone]]:
        refs, client = [entry.ref for entry in self.entries], self.task.client
        states = dict(zip(refs, client.concurrently(lambda ref: _find(client, ref), refs), strict=True))
        entries, refusals = self._allowed(states)
        gone = _gone(client, entries, states)
        # First as if nobody needed any of it: that tells what would go, and how the rest will be.
        undo, _left_alone = plan_undo(entries, states, {}, gone)
        doomed = {ref: state for ref in undo.deleted if (state := states[ref])}
        needed = still_needed(client, doomed, undo.after) if doomed else {}
        needed |= _inhabited(client, {ref: item for ref, item in doomed.items() if ref not in needed})
        undo, left_alone = plan_undo(entries, states, needed, gone)
        return undo, [*refusals, *left_alone]

    def _allowed(self, states: Mapping[ObjectRef, Object | None]) -> tuple[list[Entry], list[LeftAlone]]:
        """The entries that are followed, and what stays because nobody signed that it should be written."""
        if self.task.params.get("journal_key"):
            return self.entries, []
        words = {entry.ref: refused(entry, states[entry.ref]) for entry in self.entries}
        entries = [entry for entry in self.entries if not words[entry.ref]]
        return entries, [LeftAlone(ref, why) for ref, why in words.items() if why]

    def _write(self, undo: Undo) -> Outcome:
        outcome = self.writer.undo(undo)
        if self.task.params["wait"]:
            _wait(self.task, outcome)
        return outcome

    def _pause(self, written: Sequence[Outcome]) -> None:
        """Pods of the old template, and Traefik's replicas, may still use what is deleted next."""
        pause = self.task.params["pause"]
        if pause and any(outcome.changed for outcome in written):
            self.task.progress(f"waiting {pause:g} s until nobody uses what the run created")
            time.sleep(pause)


def _writer(task: Task, chosen: Sequence[Run]) -> Writer:
    """Not task.writer(): what a restore writes is no part of the run that it restores, but of a run of its own."""
    name, undoes = task.params["as_run"], [one.run_id for one in chosen]
    if name:
        check_run_name("as_run", name)
    journal = task.journal(name, undoes) if name and chosen else None
    return Writer(task.client, check_mode=task.check_mode, journal=journal, fence=task.fence)


def _note(task: Task, chosen: Sequence[Run], rebased: Mapping[str, Sequence[Rebased]]) -> None:
    """What the journal has to know of it. Last: until then the restore can be done again."""
    by = task.params["as_run"] or ""
    for run_id, states in rebased.items():
        task.journal(run_id).rebase(states, by)
    for one in chosen:
        mark_restored(task.client, one.run_id, by)
        if one.undoes:
            reopen(task.client, one.run_id)


def chosen_runs(recorded: Sequence[Run], run_id: str, newer: str) -> list[Run]:
    """The runs to restore, out of all recorded ones, the newest first; empty when there is nothing left to restore.

    Rollbacks are restored by name only. Raises BadArgument when there is no such run, or when a newer one changed the
    same and that is to be refused.
    """
    to_do = [one for one in recorded if not one.restored and not one.undoes]
    if not run_id:
        return to_do[:1]
    named = next((one for one in recorded if one.run_id == run_id), None)
    if named is None:
        holder = next((one.run_id for one in recorded if run_id in one.folded), "")
        if holder:
            raise errors.BadArgument(
                f"run_id: {run_id} became part of the run {holder} when the journal was full. Restore that one: it "
                "leads to before both."
            )
        known = ", ".join(one.run_id for one in recorded) or "none at all"
        raise errors.BadArgument(f"run_id: the journal has no run {run_id!r}. Recorded runs: {known}.")
    if named.restored:
        return []
    later = newer_runs(recorded, [named])
    if newer == "include":
        return [*later, named]
    for one in later if newer == "refuse" else ():
        shared = shared_objects(one, named)
        if shared:
            raise errors.BadArgument(
                f"run_id: the newer run {one.run_id} (of {one.started}) changed the same in "
                f"{', '.join(map(str, shared[:3]))}{' and more' if shared[3:] else ''}. Restore it first, set newer: "
                "include to go back to before both, or newer: keep to leave what it set."
            )
    return [named]


def check_signatures(used: Sequence[Run]) -> None:
    """Raise ResilientError where what is to be followed was not signed with the key that the task was given."""
    for one in used:
        if one.strange:
            raise unsigned(one.strange)


def newer_runs(recorded: Sequence[Run], chosen: Sequence[Run]) -> list[Run]:
    """Those not restored that are newer than the oldest chosen one and are not chosen themselves, the newest first."""
    if not chosen:
        return []
    newer = recorded[: recorded.index(chosen[-1])]
    return [one for one in newer if not (one.restored or one.undoes or one in chosen)]


def shared_objects(one: Run, other: Run) -> list[ObjectRef]:
    """The objects in which two runs touched the same fields, or that one of them created or deleted."""
    others = {entry.ref: entry for entry in other.entries}
    return [entry.ref for entry in one.entries if entry.ref in others and collide(entry, others[entry.ref])]


def entries_of(chosen: Sequence[Run]) -> list[Entry]:
    """One entry an object, the states of the oldest run first."""
    by_ref: dict[ObjectRef, list[Entry]] = {}
    for one in reversed(chosen):
        for entry in one.entries:
            by_ref.setdefault(entry.ref, []).append(entry)
    return [combined(entries) for entries in by_ref.values()]


def _find(client: Client, ref: ObjectRef) -> Object | None:
    """The object as it is now; None also when its kind is not served any more."""
    try:
        return client.find(ref)
    except errors.NotFound:
        return None


def _gone(client: Client, entries: Iterable[Entry], states: Mapping[ObjectRef, Object | None]) -> dict[ObjectRef, str]:
    """The objects that cannot be created again because their namespace or kind is gone, and why."""
    missing = [entry for entry in entries if comes_back(entry) and states[entry.ref] is None]
    namespaces = {entry.ref.namespace for entry in missing if entry.ref.namespace}
    returning = {entry.ref.name for entry in missing if entry.ref.kind == "Namespace"}
    defined = {
        (entry.before["spec"]["group"], entry.before["spec"]["names"]["kind"])
        for entry in missing
        if entry.before and entry.ref.kind == "CustomResourceDefinition"
    }
    without = {name: words for name in namespaces - returning if (words := _lacks_namespace(client, name))}
    found = {entry.ref: without[entry.ref.namespace] for entry in missing if entry.ref.namespace in without}
    for entry in missing:
        group = entry.ref.api_version.rpartition("/")[0]
        if entry.ref not in found and (group, entry.ref.kind) not in defined and not _is_served(client, entry.ref):
            found[entry.ref] = f"its kind {entry.ref.kind} is not served any more"
    return found


def _lacks_namespace(client: Client, name: str) -> str:
    try:
        namespace = client.find(ObjectRef("v1", "Namespace", name))
    except errors.Forbidden:
        return ""
    if namespace is None:
        return f"its namespace {name} is gone"
    return f"its namespace {name} is being deleted" if namespace["metadata"].get("deletionTimestamp") else ""


def _is_served(client: Client, ref: ObjectRef) -> bool:
    try:
        client.resource(ref.api_version, ref.kind)
    except errors.NotFound:
        return False
    return True


def _inhabited(client: Client, doomed: Mapping[ObjectRef, Object]) -> dict[ObjectRef, str]:
    """The namespaces and definitions of kinds in which others have something, and what, in words."""
    found = {}
    for ref, state in doomed.items():
        words = ""
        if ref.kind == "Namespace":
            words = inhabitants(client, ref.name, doomed.keys())
        elif ref.kind == "CustomResourceDefinition":
            words = _resources_of(client, state, doomed)
        if words:
            found[ref] = words
    return found


def _resources_of(client: Client, definition: Object, doomed: Mapping[ObjectRef, Object]) -> str:
    spec = definition["spec"]
    version = next(version["name"] for version in spec["versions"] if version["served"])
    (answer,) = read_all(client, [Query(f"{spec['group']}/{version}", spec["names"]["kind"])])
    if answer.status == "forbidden":
        return f"may be in use, which cannot be told: {answer.message.rstrip('.')}"
    ours = {(ref.kind, ref.namespace, ref.name) for ref in doomed}
    names = [
        f"{item['kind']} {item['metadata']['name']}"
        for item in answer.items
        if (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) not in ours
    ]
    more = f" and {len(names) - 3} more" if names[3:] else ""
    return f"is in use by others ({', '.join(names[:3])}{more})" if names else ""


def _wait(task: Task, outcome: Outcome) -> None:
    deleted = [change.ref for change in outcome.changes if change.change == DELETED]
    others = [change.ref for change in outcome.changes if change.changed and change.change != DELETED]
    wait_until_ready(task.client, others, task.params["wait_timeout"], task.progress)
    wait_until_gone(task.client, deleted, task.params["wait_timeout"], task.progress)
