# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Works out how an object gets back the fields that a run touched, and their owners. Pure: nothing is sent here."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import (
    MISSING,
    Path,
    Paths,
    containers_of,
    entries_of,
    entry_key,
    fields_of,
    key_like,
    owned_paths,
    owners_at,
    paths_of,
    position,
    value_at,
    without_server_fields,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import Digests, Footprint, digest
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object


@dataclass(frozen=True)
class Kept:
    """A field that a run touched and that stays as it is, because somebody else changed it since."""

    path: Path
    owners: list[str]


def put_back(
    before: Object, now: Object, touched: Footprint, values: Digests | None = None
) -> tuple[Object, list[Kept]]:
    """The object as it would be with the touched fields as they were before, and what is left alone.

    A field goes back when it has the value that the run set (``values``), whoever wrote it last. One with another value
    goes back unless somebody else owns it: who changes a field owns it from then on. One that is gone comes back only
    when it was the run that removed it.
    """
    values = values or {}
    as_set = frozenset(path for path, value in values.items() if digest(value_at(now, path)) == value)
    ours, others = owned_paths(now, ours=True), owned_paths(now, ours=False)
    containers = containers_of(ours, others, owned_paths(before, ours=True), owned_paths(before, ours=False))
    foreign = (others - as_set) | _of_other_runs(ours - containers, touched, before, now)
    target, kept = copy.deepcopy(now), list[Kept]()
    for path in sorted(touched.paths - containers):
        was, is_now = value_at(before, path), value_at(now, path)
        if was == is_now:
            continue
        removed_by_others = is_now is MISSING and path not in touched.removed and path not in as_set
        if path in foreign or removed_by_others:
            kept.append(Kept(path, owners_at(now, path)))
        else:
            _put_back_field(target, before, path, foreign)
    return target, kept


def put_back_whole(before: Object, now: Object) -> Object:
    """The object as it was, whoever changed it since; only what the API server keeps about it stays."""
    bare = without_server_fields(now)
    kept_metadata = {key: value for key, value in now["metadata"].items() if key not in bare["metadata"]}
    wanted = copy.deepcopy(without_server_fields(before))
    wanted["metadata"] |= kept_metadata
    return wanted | ({"status": now["status"]} if "status" in now else {})


def owners_put_back(before: Object, now: Object, touched: Footprint) -> list[dict[str, Any]]:
    """The managedFields that go with the fields: ours as they were, and others have back what was taken from them.

    What we own outside the footprint and that differs from before (another run's work) stays ours.
    """
    containers = containers_of(_all_paths(before), _all_paths(now))

    def is_back(path: Path) -> bool:
        was, is_now = value_at(before, path), value_at(now, path)
        # A field may have an owner and no value: a Secret's stringData.
        return (was is MISSING) == (is_now is MISSING) if path in containers else was == is_now

    former = {entry_key(entry): paths_of(entry["fieldsV1"]) for entry in entries_of(before, ours=True)}
    taken_over = owned_paths(now, ours=False)
    entries = {entry_key(entry): dict(entry) for entry in now["metadata"].get("managedFields") or []}
    for entry in entries_of(now, ours=True):
        own, had = paths_of(entry["fieldsV1"]), former.get(entry_key(entry), frozenset())
        ours = {path for path in own if path in had or not (is_back(path) or path in touched.paths)}
        entries[entry_key(entry)]["fieldsV1"] = fields_of(ours)
    for entry in [*entries_of(before, ours=True), *entries_of(before, ours=False)]:
        own = paths_of(entry["fieldsV1"])
        again = {path for path in own if is_back(path) and path not in taken_over}
        known = entries.setdefault(entry_key(entry), dict(entry) | {"fieldsV1": {}})
        known["fieldsV1"] = fields_of(paths_of(known["fieldsV1"]) | again)
    return [entry for entry in entries.values() if entry["fieldsV1"]]


def json_patch(now: Any, target: Any, path: str = "") -> list[dict[str, Any]]:
    """The JSON patch (RFC 6902) between two values: mappings by key, everything else as a whole."""
    if isinstance(now, Mapping) and isinstance(target, Mapping):
        operations: list[dict[str, Any]] = []
        for name in sorted(now.keys() | target.keys()):
            below = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in target:
                operations.append({"op": "remove", "path": below})
            elif name not in now:
                operations.append({"op": "add", "path": below, "value": target[name]})
            else:
                operations += json_patch(now[name], target[name], below)
        return operations
    return [] if now == target else [{"op": "replace", "path": path, "value": target}]


def _of_other_runs(ours: Paths, touched: Footprint, before: Object, now: Object) -> Paths:
    """What we set outside this footprint: as little to be removed along with a parent as a foreign field."""
    return frozenset(path for path in ours - touched.paths if value_at(before, path) != value_at(now, path))


def _all_paths(item: Object) -> Paths:
    return owned_paths(item, ours=True) | owned_paths(item, ours=False)


def _put_back_field(target: Object, before: Object, path: Path, foreign: Paths) -> None:
    if value_at(before, path) is MISSING:
        _remove(target, _highest_to_remove(before, path, foreign))
        return
    # The highest parent that went with the field comes back with it, defaults included.
    for length in range(1, len(path) + 1):
        if length == len(path) or value_at(target, path[:length]) is MISSING:
            _set(target, before, path[:length])
            return


def _highest_to_remove(before: Object, path: Path, foreign: Paths) -> Path:
    """The field, or the largest part around it that came with it and holds nothing of others."""
    while len(path) > 1 and value_at(before, path[:-1]) is MISSING and not _holds(foreign, path[:-1]):
        path = path[:-1]
    return path


def _holds(paths: Paths, parent: Path) -> bool:
    return any(path[: len(parent)] == parent for path in paths)


def _remove(target: Object, path: Path) -> None:
    parent, key = value_at(target, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent.pop(key[2:], None)
    elif isinstance(parent, list) and (index := position(parent, key)) >= 0:
        del parent[index]


def _set(target: Object, before: Object, path: Path) -> None:
    parent, key, value = value_at(target, path[:-1]), path[-1], copy.deepcopy(value_at(before, path))
    if isinstance(parent, dict):
        parent[key[2:]] = value
    elif isinstance(parent, list):
        index = position(parent, key)
        if index >= 0:
            parent[index] = value
        else:
            parent.insert(_place(parent, value_at(before, path[:-1]), key), value)


def _place(items: list[Any], former: list[Any], key: str) -> int:
    """Where an item of a list goes back: behind the nearest of its former predecessors that is still there."""
    predecessors = reversed(former[: position(former, key)])
    places = (position(items, key_like(key, item)) for item in predecessors)
    return next((place + 1 for place in places if place >= 0), 0)
