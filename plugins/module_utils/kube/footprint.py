# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which fields of an object a write touches: what a rollback may put back, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import (
    MISSING,
    Path,
    Paths,
    containers_of,
    fields_of,
    owned_paths,
    paths_of,
    value_at,
)

_BOOKKEEPING = frozenset(("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"))


@dataclass(frozen=True)
class Footprint:
    """``taken``: paths that were set, or came to us without a new value, or were given up; ``removed``: paths that were
    taken away."""

    taken: Paths = frozenset()
    removed: Paths = frozenset()

    def __or__(self, other: Footprint) -> Footprint:
        return Footprint(self.taken | other.taken, self.removed | other.removed)

    @property
    def paths(self) -> Paths:
        """Both together."""
        return self.taken | self.removed

    def as_json(self) -> dict[str, Any]:
        """For the journal: both sets as FieldsV1."""
        return {"taken": fields_of(self.taken), "removed": fields_of(self.removed)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Footprint:
        """The inverse of as_json."""
        return cls(paths_of(given.get("taken")), paths_of(given.get("removed")))


def footprint(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Footprint:
    """What lies between two states of an object that exists in both; empty when it does not.

    By ownership where both states tell it; by values where one of them does not (it was read without managedFields, or
    worked out without asking the API server).
    """
    if before is None or after is None:
        return Footprint()
    if not _is_managed(before) or not _is_managed(after):
        return _by_values(before, after)
    ours_before, ours_after = owned_paths(before, ours=True), owned_paths(after, ours=True)
    others_before, others_after = owned_paths(before, ours=False), owned_paths(after, ours=False)
    containers = containers_of(ours_before, ours_after, others_before, others_after)
    changed = {path for path in ours_after - containers if value_at(before, path) != value_at(after, path)}
    removed = {path for path in ours_before | others_before if _went(before, after, path)}
    return Footprint(frozenset((ours_before ^ ours_after) | changed) - removed, frozenset(removed))


def _is_managed(item: Mapping[str, Any]) -> bool:
    return bool(item["metadata"].get("managedFields"))


def _went(before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> bool:
    return value_at(before, path) is not MISSING and value_at(after, path) is MISSING


def _by_values(before: Any, after: Any, path: Path = ()) -> Footprint:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found = Footprint()
        for name in sorted(before.keys() | after.keys()):
            if not _is_bookkeeping(path, name):
                found |= _by_values(before.get(name, MISSING), after.get(name, MISSING), (*path, f"f:{name}"))
        return found
    if before == after:
        return Footprint()
    if after is MISSING:
        return Footprint(removed=_leaves(before, path))
    if before is MISSING:
        return Footprint(taken=_leaves(after, path))
    return Footprint(taken=frozenset((path,)))


def _leaves(value: Any, path: Path) -> Paths:
    """Ownership counts by the single label, not by the map of labels that came with it."""
    if not isinstance(value, Mapping) or not value:
        return frozenset((path,))
    return frozenset().union(*(_leaves(below, (*path, f"f:{name}")) for name, below in value.items()))


def _is_bookkeeping(path: Path, name: str) -> bool:
    return (not path and name == "status") or (path == ("f:metadata",) and name in _BOOKKEEPING)
