# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module snapshot: lists what the journal keeps, and keeps the state of objects on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import without_secret_values
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import in_words
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Run, runs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OBJECT_OPTIONS: dict[str, dict[str, Any]] = {
    "api_version": {"type": "str", "default": "v1"},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": ""},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "run_id": {"type": "str"},
    "objects": {"type": "list", "elements": "dict", "options": OBJECT_OPTIONS},
    "states": {"type": "bool", "default": False},
    "journal_key": {"type": "str", "no_log": True},
}
REQUIRED_BY: dict[str, Sequence[str]] = {"objects": ["run_id"]}


def run(task: Task) -> dict[str, Any]:
    """Keeps the states of the given objects, then lists the runs. Raises BadArgument, Forbidden."""
    refs = [ObjectRef(**given) for given in task.params["objects"] or []]
    kept = _keep(task, refs) if refs else []
    listed = runs(task.client, task.params["run_id"] or "", task.params.get("journal_key") or "")
    return {
        "changed": bool(kept),
        "recorded": [ref.as_dict() for ref in kept],
        "runs": [_run(one, task.params["states"], bool(task.params.get("journal_key"))) for one in listed],
    }


def _keep(task: Task, refs: list[ObjectRef]) -> list[ObjectRef]:
    journal = task.journal(task.params["run_id"])
    todo = journal.unrecorded(dict.fromkeys(refs))
    states = task.client.concurrently(task.client.find, todo)
    if todo and not task.check_mode:
        journal.record_states(zip(todo, states, strict=True))
    return todo


def _run(one: Run, with_states: bool, keyed: bool) -> dict[str, Any]:
    return {
        "run_id": one.run_id,
        "started": one.started,
        "restored": one.restored,
        "undoes": list(one.undoes),
        "folded": list(one.folded),
        "signed": not one.strange if keyed else None,
        "entries": [_entry(entry, with_states) for entry in one.entries],
    }


def _entry(entry: Entry, with_states: bool) -> dict[str, Any]:
    listed = entry.ref.as_dict() | {
        "change": entry.change,
        "recorded": entry.recorded,
        "fields": sorted(in_words(path) for path in entry.touched.paths),
    }
    return listed | ({"state": _shown(entry.before)} if with_states else {})


def _shown(state: Object | None) -> Object:
    """The kept state without Secret values and without managedFields; empty when there was no object."""
    if state is None:
        return {}
    safe = without_secret_values(state)
    return safe | {"metadata": {key: value for key, value in safe["metadata"].items() if key != "managedFields"}}
