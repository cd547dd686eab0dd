# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who owns which field of an object, as the API server keeps it in metadata.managedFields, and the values there.

The form is ``FieldsV1`` (k8s.io/apimachinery, meta/v1): a key is ``f:NAME`` (a field), ``k:{...}`` (the item of a list
with these key fields), ``v:VALUE`` (this item of a set) or ``i:NUMBER`` (a position); ``.`` stands for the field itself
beside fields below it, and an empty mapping for a field that is owned as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import FIELD_MANAGER
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

Path = tuple[str, ...]
Paths = frozenset[Path]
MISSING: Any = object()


def paths_of(fields: Mapping[str, Any] | None, prefix: Path = ()) -> Paths:
    """The owned paths of a FieldsV1 mapping."""
    found: set[Path] = set()
    for key, below in (fields or {}).items():
        if key == ".":
            found.add(prefix)
        elif below:
            found |= paths_of(below, (*prefix, key))
        else:
            found.add((*prefix, key))
    return frozenset(found)


def fields_of(paths: Iterable[Path]) -> dict[str, Any]:
    """The FieldsV1 mapping of owned paths: the inverse of paths_of."""
    fields: dict[str, Any] = {}
    listed = set(paths)
    for path in listed:
        node = fields
        for key in path:
            node = node.setdefault(key, {})
    for path in listed:
        node = fields
        for key in path:
            node = node[key]
        if node:
            node["."] = {}
    return fields


def containers_of(*many: Iterable[Path]) -> Paths:
    """The paths with others below them: to own one means that it exists, not what is in it."""
    return frozenset(path[:length] for paths in many for path in paths for length in range(1, len(path)))


def entries_of(item: Mapping[str, Any], ours: bool) -> list[dict[str, Any]]:
    """Our entries of managedFields, or everybody else's. What was written to the status is left out."""
    return [
        entry
        for entry in item.get("metadata", {}).get("managedFields") or []
        if (entry.get("manager") == FIELD_MANAGER) is ours and entry.get("subresource") != "status"
    ]


def owned_paths(item: Mapping[str, Any], ours: bool) -> Paths:
    """What we own of the object, or what others own, by apply and by update together."""
    return frozenset().union(*(paths_of(entry.get("fieldsV1")) for entry in entries_of(item, ours)))


def owners_at(item: Mapping[str, Any], path: Path) -> list[str]:
    """The managers other than us that own the field or something below it, by name."""
    owners = {
        str(entry.get("manager"))
        for entry in entries_of(item, ours=False)
        if any(owned[: len(path)] == path for owned in paths_of(entry.get("fieldsV1")))
    }
    return sorted(owners)


def last_writer(item: Mapping[str, Any], path: Path) -> str:
    """Who wrote the field, or something below it, last: ``MANAGER (Apply) at TIME``. Empty when nobody is named."""
    entries = [
        entry
        for entry in item.get("metadata", {}).get("managedFields") or []
        if any(owned[: len(path)] == path for owned in paths_of(entry.get("fieldsV1")))
    ]
    newest = max(entries, key=lambda entry: str(entry.get("time", "")), default=None)
    return f"{newest.get('manager')} ({newest.get('operation')}) at {newest.get('time')}" if newest else ""


def entry_key(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells one entry of managedFields from another."""
    return tuple(str(entry.get(name, "")) for name in ("manager", "operation", "apiVersion", "subresource"))


def same_owners(one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]) -> bool:
    """Whether two managedFields say the same, times aside."""
    first, second = ({entry_key(entry): paths_of(entry["fieldsV1"]) for entry in entries} for entries in (one, other))
    return first == second


def value_at(item: Any, path: Path) -> Any:
    """The value at a path, MISSING where there is none."""
    value = item
    for key in path:
        value = _step(value, key)
        if value is MISSING:
            return MISSING
    return value


def position(items: list[Any], key: str) -> int:
    """Where in a list the item is that a key of a path names; -1 when it is not there."""
    sort, _colon, rest = key.partition(":")
    wanted = json.loads(rest)
    if sort == "i":
        return wanted if wanted < len(items) else -1
    matches = _has_keys if sort == "k" else _is_equal
    return next((index for index, item in enumerate(items) if matches(item, wanted)), -1)


def key_like(key: str, item: Any) -> str:
    """The key of another item of the same list."""
    sort, _colon, rest = key.partition(":")
    if sort == "k":
        return "k:" + json.dumps({name: item.get(name) for name in json.loads(rest)})
    return f"{sort}:{json.dumps(item)}" if sort == "v" else key


def in_words(path: Path) -> str:
    """The path as people write it: ``spec.containers[name=web].image``."""
    words = ""
    for key in path:
        sort, _colon, rest = key.partition(":")
        if sort == "f":
            words += f".{rest}"
        elif sort == "k":
            words += "[" + ",".join(f"{name}={value}" for name, value in json.loads(rest).items()) + "]"
        else:
            words += f"[{rest}]"
    return words.lstrip(".")


def without_server_fields(item: Mapping[str, Any]) -> Object:
    """The object as it could be created anew: what the API server keeps about it, and its status, left out."""
    bare = {key: value for key, value in item.items() if key not in ("status", "metadata")}
    metadata = {key: value for key, value in item["metadata"].items() if key not in _SERVER_FIELDS}
    return bare | {"metadata": metadata}


_SERVER_FIELDS = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


def _step(value: Any, key: str) -> Any:
    if key.startswith("f:"):
        return value.get(key[2:], MISSING) if isinstance(value, Mapping) else MISSING
    if not isinstance(value, list):
        return MISSING
    index = position(value, key)
    return value[index] if index >= 0 else MISSING


def _has_keys(item: Any, wanted: Mapping[str, Any]) -> bool:
    """A key field that has a default may be missing in the item: then only the given ones count."""
    return isinstance(item, Mapping) and all(item.get(name, value) == value for name, value in wanted.items())


def _is_equal(item: Any, wanted: Any) -> bool:
    return bool(item == wanted)
