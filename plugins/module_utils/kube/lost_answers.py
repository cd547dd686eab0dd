# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a write whose answer was lost was done: told by the object as it is now. Pure.

Such a write is sent again, and what the API server says to the second one is about the first: that the object exists
already, was changed since, or is gone. Where it cannot be told that the object is so by the write, it is not done.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import FIELD_MANAGER, content
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

_NOTHING = object()


def was_created(item: Object, now: Object) -> bool:
    """Whether the object that is there is the one that was sent: written by us, with all that was sent in it."""
    ours = any(
        entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Update"
        for entry in now["metadata"].get("managedFields") or []
    )
    return ours and not now["metadata"].get("deletionTimestamp") and _holds(now, _as_stored(content(item)))


def was_patched(patch: Patch, now: Object) -> bool:
    """Whether the object has all that the patch sets, and nothing of what it removes, and is the one it was for."""
    if now["metadata"].get("uid") != patch.seen["metadata"].get("uid"):
        return False
    if isinstance(patch.body, list):
        return all(_has_effect(operation, now) for operation in patch.body if operation["op"] != "test")
    return _is_merged(now, patch.body)


def was_deleted(before: Object, now: Object | None) -> bool:
    """Whether the very object that was seen is gone, or on its way: one of the same name may have come since."""
    if now is None or now["metadata"].get("uid") != before["metadata"].get("uid"):
        return True
    return bool(now["metadata"].get("deletionTimestamp"))


def _as_stored(item: Object) -> Object:
    """A Secret as the API server keeps it: stringData is only ever sent."""
    if item.get("kind") != "Secret" or not item.get("stringData"):
        return item
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in item["stringData"].items()}
    rest = {key: value for key, value in item.items() if key != "stringData"}
    return rest | {"data": (item.get("data") or {}) | encoded}


def _holds(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there: the API server adds defaults, and leaves out what is empty."""
    if wanted in (None, {}, []):
        return found in (None, _NOTHING, wanted)
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(key, _NOTHING), wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        alike = isinstance(found, list) and len(found) == len(wanted)
        return alike and all(_holds(*pair) for pair in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _is_merged(found: Any, body: Mapping[str, Any]) -> bool:
    """Whether a JSON merge patch (RFC 7396) would change nothing of it."""
    if not isinstance(found, Mapping):
        return False
    for key, value in body.items():
        if value is None:
            if found.get(key) is not None:
                return False
        elif isinstance(value, Mapping):
            if not _is_merged(found.get(key) or {}, value):
                return False
        elif found.get(key) != value:
            return False
    return True


def _has_effect(operation: Mapping[str, Any], now: Object) -> bool:
    """Whether an operation of a JSON patch shows. Of an item of a list it cannot be told: others move in."""
    *way, leaf = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
    parent: Any = now
    for step in way:
        if isinstance(parent, list):
            parent = parent[int(step)] if step.isdigit() and int(step) < len(parent) else _NOTHING
        else:
            parent = parent.get(step, _NOTHING) if isinstance(parent, Mapping) else _NOTHING
    if operation["op"] == "remove" and parent is _NOTHING:
        return True
    if not isinstance(parent, Mapping):
        return False
    if operation["op"] == "remove":
        return leaf not in parent
    return operation["op"] in ("add", "replace") and bool(parent.get(leaf, _NOTHING) == operation["value"])
