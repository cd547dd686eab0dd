# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What becomes of an older run that is put back before newer ones that changed the same. Pure.

What a newer run set stays. The state that it recorded as the one before it goes back instead, so that it leads to
before both when it is put back in its turn: in whatever order runs are put back, the end is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import Footprint
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Run
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import CHANGED, Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import owners_put_back, put_back
from ansible_collections.resilient.traefik.plugins.module_utils.kube.undoing import LeftAlone


class Rebased(NamedTuple):
    """An object, the state that a newer run goes back to from now on, and whether it does so as a whole."""

    ref: ObjectRef
    state: Object | None
    whole: bool


def collide(one: Entry, other: Entry) -> bool:
    """Whether two runs changed the same of an object: a field, or one of them the object as a whole."""
    return _is_whole(one) or _is_whole(other) or bool(one.touched.paths & other.touched.paths)


def apart(
    entries: Iterable[Entry], newer: Sequence[Run]
) -> tuple[list[Entry], dict[str, list[Rebased]], list[LeftAlone]]:
    """The entries without what the newer runs (the newest first) changed too, and what these go back to instead.

    The newer runs' states are by the runs' ids. Objects that stay as a whole are named.
    """
    kept: list[Entry] = []
    rebased: dict[str, list[Rebased]] = {}
    left: list[LeftAlone] = []
    for entry in entries:
        # The oldest first: that one found what this run had left.
        later = [(run.run_id, each) for run in reversed(newer) for each in run.entries if each.ref == entry.ref]
        whole = [(run_id, each) for run_id, each in later if _is_whole(entry) or _is_whole(each)]
        if whole:
            run_id, each = whole[0]
            before_too = entry.whole or (entry.before is not None and each.before is None)
            rebased.setdefault(run_id, []).append(Rebased(entry.ref, entry.before, before_too))
            left.append(LeftAlone(entry.ref, f"was changed by the newer run {run_id} and goes back with it"))
            continue
        for run_id, each in later:
            state = _without(entry, each)
            if state is not None:
                rebased.setdefault(run_id, []).append(Rebased(entry.ref, state, False))
        kept.append(_less(entry, [each for _run_id, each in later]))
    return kept, rebased, left


def _is_whole(entry: Entry) -> bool:
    return entry.whole or entry.change != CHANGED


def _without(entry: Entry, newer: Entry) -> Object | None:
    """The state that a newer run recorded, as it would be had this run not been; None when that changes nothing."""
    if entry.before is None or newer.before is None:
        return None
    state, _kept = put_back(entry.before, newer.before, entry.touched, entry.values)
    owners = owners_put_back(entry.before, state, entry.touched)
    state["metadata"]["managedFields"] = owners
    return state if state != newer.before else None


def _less(entry: Entry, newer: Sequence[Entry]) -> Entry:
    taken = frozenset[tuple[str, ...]]().union(*(each.touched.paths for each in newer))
    if not taken & entry.touched.paths:
        return entry
    touched = Footprint(entry.touched.taken - taken, entry.touched.removed - taken)
    return replace(entry, touched=touched, values={path: entry.values[path] for path in entry.values.keys() - taken})
