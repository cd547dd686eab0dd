# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which fields of an object a write touches: what a rollback may put back, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import (
    MISSING,
    Path,
    Paths,
    fields_of,
    owned_paths,
    paths_of,
    position,
    value_at,
)

_BOOKKEEPING = frozenset(("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"))


@dataclass(frozen=True)
class Footprint:
    """The touched paths: ``removed`` are those that were taken away, ``taken`` all others."""

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


# By path what a run set there last, as a digest: compared, and never put back.
Digests = Mapping[Path, str]


def digest(value: Any) -> str:
    """Stand for a value when two are compared; the empty string for a missing one."""
    if value is MISSING:
        return ""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def digests(item: Mapping[str, Any] | None, paths: Iterable[Path]) -> dict[Path, str]:
    """Return the digests of an object's values at the paths; without an object none."""
    return {path: digest(value_at(item, path)) for path in paths} if item else {}


def footprint(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Footprint:
    """What lies between two states of an object that exists in both; empty when it does not.

    Touched is what came to us or left us, and what has another value, owned or not: defaults that the API server fills
    in beside a new field belong to nobody, and neither do the values that it makes of a Secret's stringData.
    """
    if before is None or after is None:
        return Footprint()
    ours_before, ours_after = owned_paths(before, ours=True), owned_paths(after, ours=True)
    owned = ours_before | ours_after | owned_paths(before, ours=False) | owned_paths(after, ours=False)
    differing = _differing(before, after, _keys_of_lists(owned))
    changed_hands = frozenset(path for path in ours_before ^ ours_after if value_at(after, path) is not MISSING)
    return Footprint(differing.taken | changed_hands, differing.removed)


def _keys_of_lists(owned: Paths) -> dict[Path, set[str]]:
    """By list whose items have owners of their own, the keys of these items."""
    keys: dict[Path, set[str]] = {}
    for path in owned:
        for length, key in enumerate(path):
            if not key.startswith("f:"):
                keys.setdefault(path[:length], set()).add(key)
    return keys


def _differing(before: Any, after: Any, keys: Mapping[Path, set[str]], path: Path = ()) -> Footprint:
    if before == after:
        return Footprint()
    if after is MISSING:
        return Footprint(removed=_leaves(before, keys, path))
    if before is MISSING:
        return Footprint(taken=_leaves(after, keys, path))
    below = [*_keys_below(before, keys, path), *_keys_below(after, keys, path)]
    if not below or type(before) is not type(after):
        return Footprint(taken=frozenset((path,)))
    parts = [_differing(value_at(before, (key,)), value_at(after, (key,)), keys, (*path, key)) for key in set(below)]
    return reduce(or_, parts)


def _leaves(value: Any, keys: Mapping[Path, set[str]], path: Path) -> Paths:
    """Ownership counts by the single label, not by the map of labels that came with it."""
    below = _keys_below(value, keys, path)
    if not below:
        return frozenset((path,))
    return frozenset().union(*(_leaves(value_at(value, (key,)), keys, (*path, key)) for key in below))


def _keys_below(value: Any, keys: Mapping[Path, set[str]], path: Path) -> list[str]:
    """The keys of what a mapping or a list of owned items holds; none for a value that counts as a whole."""
    if isinstance(value, Mapping):
        return [f"f:{name}" for name in value if not _is_bookkeeping(path, name)]
    if isinstance(value, list):
        return [key for key in keys.get(path, ()) if position(value, key) >= 0]
    return []


def _is_bookkeeping(path: Path, name: str) -> bool:
    return (not path and name == "status") or (path == ("f:metadata",) and name in _BOOKKEEPING)
