# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What it takes to undo a run: which objects to delete, create again or patch, and which to leave alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Owners, Patch, Undo
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import (
    entries_of,
    in_words,
    without_server_fields,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import DELETED, Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import (
    Kept,
    json_patch,
    owners_put_back,
    put_back,
    put_back_whole,
)


@dataclass(frozen=True)
class LeftAlone:
    """An object, or a field of it, that stays as it is, and why. ``managers`` are those who own it now.

    ``later`` is the command that removes it, where a rollback would have.
    """

    ref: ObjectRef
    why: str
    field: str = ""
    managers: tuple[str, ...] = ()
    later: str = ""

    def __str__(self) -> str:
        later = f". To remove it later: {self.later}" if self.later else ""
        return f"{self.ref}: {self.field}{' ' if self.field else ''}{self.why}: left as it is{later}"

    def as_dict(self) -> dict[str, Any]:
        """For a module's result."""
        return self.ref.as_dict() | {
            "field": self.field,
            "why": self.why,
            "managers": list(self.managers),
            "later": self.later,
        }


def plan_undo(
    entries: Iterable[Entry],
    states: Mapping[ObjectRef, Object | None],
    needed: Mapping[ObjectRef, str],
    gone: Mapping[ObjectRef, str] | None = None,
) -> tuple[Undo, list[LeftAlone]]:
    """The writes that undo the entries, given the objects as they are now.

    ``needed`` are objects of the run that have to stay and why, ``gone`` those that have no place to come back to.
    """
    after = dict[ObjectRef, Object]()
    recreated: list[tuple[Object, Owners]] = []
    patches, deleted, left_alone = list[Patch](), list[ObjectRef](), list[LeftAlone]()
    for entry in entries:
        before, now = entry.before, states[entry.ref]
        if before is not None and now is not None:
            patch, kept, target = _patch_back(entry, before, now)
            patches.append(patch)
            after[entry.ref] = target
            left_alone += [_left_field(entry.ref, item) for item in kept]
        elif before is not None and entry.ref in (gone or {}):
            left_alone.append(LeftAlone(entry.ref, f"cannot come back, {(gone or {})[entry.ref]}"))
        elif before is not None and comes_back(entry):
            recreated.append((without_server_fields(before), _owners(entry, before)))
            after[entry.ref] = before
        elif before is not None:
            left_alone.append(LeftAlone(entry.ref, "was deleted by somebody else since"))
        elif now is not None:
            # A bare object, such as a Namespace without labels, has fields of nobody. One that was recorded as a whole
            # goes back to not being there, whoever made it: a program that the run called, such as Helm.
            if not entry.whole and not entries_of(now, ours=True) and entries_of(now, ours=False):
                left_alone.append(LeftAlone(entry.ref, "was created anew by somebody else since"))
            elif entry.ref in needed:
                left_alone.append(LeftAlone(entry.ref, needed[entry.ref], later=_command(entry.ref)))
            else:
                deleted.append(entry.ref)
    return Undo(recreated, patches, deleted, after), left_alone


def comes_back(entry: Entry) -> bool:
    """Whether an object that is not there any more is created again, not left to whoever deleted it."""
    return entry.before is not None and (entry.last == DELETED or entry.whole)


def _command(ref: ObjectRef) -> str:
    group = ref.api_version.rpartition("/")[0].partition("/")[0]
    kind = f"{ref.kind.lower()}.{group}" if group else ref.kind.lower()
    return f"kubectl delete {kind} {ref.name}" + (f" --namespace {ref.namespace}" if ref.namespace else "")


def _patch_back(entry: Entry, before: Object, now: Object) -> tuple[Patch, list[Kept], Object]:
    target, kept = put_back_whole(before, now), list[Kept]()
    if not entry.whole:
        target, kept = put_back(before, now, entry.touched, entry.values)

    def again(newer: Object) -> Patch | None:
        renewed, _kept, _target = _patch_back(entry, before, newer)
        return renewed if renewed.body else None

    return Patch(now, json_patch(now, target), again=again, owners=_owners(entry, before)), kept, target


def _owners(entry: Entry, before: Object) -> Owners:
    return lambda item: owners_put_back(before, item, entry.touched)


def _left_field(ref: ObjectRef, kept: Kept) -> LeftAlone:
    whom = f"by {', '.join(kept.owners)}" if kept.owners else "by somebody else"
    return LeftAlone(ref, f"was changed {whom} since", in_words(kept.path), tuple(kept.owners))
