# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the writer is asked for, plans and reports. Pure data: the writes themselves are the writer's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import shown
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import same_owners
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import owner_of

CREATED, UPDATED, DELETED, UNCHANGED, ABSENT = "created", "updated", "deleted", "unchanged", "absent"


class Recorder(Protocol):
    """Told the states of objects, as they are and as they will be, before they are written: the journal."""

    def record(self, states: Sequence[tuple[ObjectRef, Object | None, Object | None]]) -> None: ...


class Guard(Protocol):
    """Asked before each write whether it may be done: raises when the run has lost the cluster's lock."""

    def check(self) -> None: ...


# The managedFields that an object is to end up with, worked out from the object as it was written.
Owners = Callable[[Object], list[dict[str, Any]]]


@dataclass(frozen=True)
class Patch:
    """A change of a few fields of an existing object that stays somebody else's.

    ``body`` is a JSON merge patch (a mapping) or a JSON patch (a list). ``seen`` is the object that the patch was
    worked out from: the API server refuses the patch when somebody changed the object since.

    ``after`` is the exact result, from a caller who can work it out: then nothing is tried on the API server first,
    except in check mode. ``again`` works the patch out anew from a newer object when somebody changed it since, or
    returns None when there is nothing left to do; without it such a change is a Conflict.

    ``owners`` says who is to own which field afterwards. Otherwise what a patch changes becomes ours.
    """

    seen: Object
    body: dict[str, Any] | list[dict[str, Any]]
    after: Object | None = None
    again: Callable[[Object], Patch | None] | None = None
    owners: Owners | None = None


@dataclass(frozen=True)
class Undo:
    """What takes a set of objects back to where they were: written in this order, and by one plan.

    ``recreated`` are objects with their owners, created in apply order. Then come ``patches`` and last, when nothing
    refers to them any more, ``deleted``, both with those first that need others. ``after`` are the objects as they will
    be of what is created and patched.
    """

    recreated: Sequence[tuple[Object, Owners]] = ()
    patches: Sequence[Patch] = ()
    deleted: Sequence[ObjectRef] = ()
    after: Mapping[ObjectRef, Object] = field(default_factory=dict)


@dataclass
class Change:
    """One planned write. ``before`` and ``after`` are whole objects or None; ``written`` says whether it was done.

    ``declared`` is the object as a caller gave it whole, None for a patch and a deletion.
    """

    ref: ObjectRef
    change: str
    before: Object | None
    after: Object | None
    send: Callable[[], Object | None]
    declared: Object | None = None
    written: bool = False
    error: str = ""

    @property
    def changed(self) -> bool:
        """True when carrying it out alters the cluster."""
        return self.change not in (UNCHANGED, ABSENT)

    def result(self) -> dict[str, Any]:
        """The per-object result of a module."""
        outcome: dict[str, Any] = self.ref.as_dict() | {"change": self.change, "written": self.written}
        return outcome | ({"error": self.error} if self.error else {})


@dataclass
class Outcome:
    """What a set of changes did, or in check mode would do."""

    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(change.changed for change in self.changes)

    def result(self) -> dict[str, Any]:
        """``changed``, ``results`` by object and ``diff`` in Ansible's form."""
        return {
            "changed": self.changed,
            "results": [change.result() for change in self.changes],
            "diff": [shown(change.before, change.after, str(change.ref)) for change in self.changes if change.changed],
        }


def owner_warnings(plan: Sequence[Change]) -> list[str]:
    """One line an owner whose objects the plan changes, however many they are."""
    owned: dict[str, list[ObjectRef]] = {}
    for change in plan:
        owner = owner_of(change.before) if change.changed and change.before else ""
        if owner:
            owned.setdefault(owner, []).append(change.ref)
    return [
        f"{_counted(refs)} to {owner}, which may undo this change: make it there too" for owner, refs in owned.items()
    ]


def _counted(refs: Sequence[ObjectRef]) -> str:
    return f"{refs[0]} belongs" if len(refs) == 1 else f"{refs[0]} and {len(refs) - 1} more objects belong"


def patch_of_owners(item: Object, owners: Owners | None) -> Patch | None:
    """The patch that makes managedFields what they are to be; None when they are."""
    if owners is None:
        return None
    wanted = owners(item)
    if same_owners(wanted, item["metadata"].get("managedFields") or []):
        return None
    # An empty list would be taken for a client that knows nothing of managedFields: one empty entry clears them.
    body = [{"op": "add", "path": "/metadata/managedFields", "value": wanted or [{}]}]
    return Patch(item, body, again=lambda newer: patch_of_owners(newer, owners))


def explained_conflict(ref: ObjectRef, error: errors.Conflict) -> errors.Conflict:
    """The conflict with fields and managers named; as it is when it is not about field managers."""
    owned = [cause for cause in error.causes if cause.get("reason") == "FieldManagerConflict"]
    if not owned:
        return error
    fields = "; ".join(f"{cause['field']}: {cause['message']}" for cause in owned)
    return errors.Conflict(
        f"{ref}: another field manager owns what this task sets: {fields}. Leave these fields to it, change them "
        "there, or take them over on purpose with on_conflict: force.",
        status=error.status,
        reason=error.reason,
        causes=error.causes,
        conflicts=[{"object": str(ref), "field": cause["field"], "message": cause["message"]} for cause in owned],
    )


def write_failed(cause: errors.ResilientError, plan: list[Change]) -> errors.WriteFailed:
    """The failure of one write of a plan, with what became of the others."""
    written = sum(change.written for change in plan)
    left = sum(change.changed and not change.written for change in plan)
    return errors.WriteFailed(
        f"{cause} Of this set {written} objects were written and {left} were not: see results. "
        "Running the task again goes on from here.",
        results=[change.result() for change in plan],
        cause=cause,
    )


def created_by(
    refs: Sequence[ObjectRef], objects: Sequence[Object], find: Callable[[ObjectRef], Object | None]
) -> dict[str, set[str]]:
    """The namespaces that the set itself brings and that are not there yet, and the kinds that it defines."""
    return {
        "namespaces": {ref.name for ref in refs if ref.kind == "Namespace" and find(ref) is None},
        "kinds": {
            item.get("spec", {}).get("names", {}).get("kind", "")
            for ref, item in zip(refs, objects, strict=True)
            if ref.kind == "CustomResourceDefinition"
        },
    }
