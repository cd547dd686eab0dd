# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark that a fault leaves on what it changes: who did it, until when, and what to restore. Pure.

A label finds the object, an annotation says how it goes back: with these two anybody can heal it, the cluster too.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import (
    MISSING,
    entries_of,
    owners_at,
    paths_of,
    value_at,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import footprint
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import json_patch, owners_put_back
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION as TRAEFIK_API

LABEL = "resilient.traefik/drill"
ANNOTATION = "resilient.traefik/drill-restores"
# Where marked objects are looked for: what a fault may change.
MARKED_KINDS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("v1", "Service"),
    ("v1", "Node"),
    (TRAEFIK_API, "Middleware"),
)


@dataclass(frozen=True)
class Mark:
    """One field of one object in a drill. ``before`` is None where the field was not set.

    ``field`` is the path in words, such as ``spec.replicas``; ``token`` names the drill, which is healed at ``until``.
    """

    token: str
    until: datetime
    field: str
    before: Any
    during: Any

    @property
    def path(self) -> tuple[str, ...]:
        """The field's path as managedFields write it."""
        return tuple(f"f:{name}" for name in self.field.split("."))

    def marked(self, item: Object) -> Object:
        """The object in the drill, marked."""
        target = _with(item, self.path, self.during)
        metadata = target["metadata"]
        metadata["labels"] = dict(metadata.get("labels") or {}) | {LABEL: self.token}
        metadata["annotations"] = dict(metadata.get("annotations") or {}) | {ANNOTATION: self.as_text()}
        return target

    def restored(self, item: Object) -> Object:
        """The object without the mark, its field back unless somebody else changed it meanwhile."""
        back = self.is_in_force(item)
        target = _with(item, self.path, MISSING if self.before is None else self.before) if back else item
        target = copy.deepcopy(target)
        for part, key in (("labels", LABEL), ("annotations", ANNOTATION)):
            (target["metadata"].get(part) or {}).pop(key, None)
        return target

    def is_in_force(self, item: Object) -> bool:
        """Whether the field still has the drill's value."""
        return bool(value_at(item, self.path) == self.during)

    def as_text(self) -> str:
        """The annotation."""
        return json.dumps(
            {
                "field": self.field,
                "before": self.before,
                "during": self.during,
                "until": self.until.isoformat(timespec="seconds"),
            }
        )

    def steps(self) -> list[list[dict[str, Any]]]:
        """JSON patches for a healer that reads nothing, to be sent one after the other; 422 means not needed.

        The first puts the field back if it has the drill's value, the second takes the mark away whatever it has.
        """
        pointer = "/" + self.field.replace(".", "/")
        ours = {"op": "test", "path": _pointer("labels", LABEL), "value": self.token}
        unmark = [
            {"op": "remove", "path": _pointer(*place)} for place in (("labels", LABEL), ("annotations", ANNOTATION))
        ]
        back: dict[str, Any] = {"op": "replace", "path": pointer, "value": self.before}
        if self.before is None:
            back = {"op": "remove", "path": pointer}
        return [[ours, {"op": "test", "path": pointer, "value": self.during}, back, *unmark], [ours, *unmark]]


def mark_of(item: Mapping[str, Any]) -> Mark | None:
    """The mark that an object carries; None for one without, or with one that nobody can read."""
    metadata = item["metadata"]
    token = (metadata.get("labels") or {}).get(LABEL)
    try:
        told = json.loads((metadata.get("annotations") or {}).get(ANNOTATION, ""))
        until = datetime.fromisoformat(told["until"])
        return Mark(str(token), until, str(told["field"]), told["before"], told["during"]) if token else None
    except (ValueError, KeyError, TypeError):
        return None


def former_owner(item: Object, mark: Mark) -> str:
    """The manager of the field before the drill, empty when it had none: a healer writes in its name."""
    if any(mark.path in paths_of(entry["fieldsV1"]) for entry in entries_of(item, ours=True)):
        return ""
    return next(iter(owners_at(item, mark.path)), "")


def patch_to_mark(item: Object, mark: Mark) -> Patch:
    """What brings the fault, worked out anew while others write to the object."""
    return Patch(item, json_patch(item, mark.marked(item)), again=lambda newer: patch_to_mark(newer, mark))


def patch_to_restore(now: Object, mark: Mark, before: Object | None = None) -> Patch:
    """What takes the fault back. With the object as it was ``before``, its fields' owners are restored too."""
    owners = None
    if before is not None:
        touched = footprint(before, mark.marked(before)) | footprint(before, now)
        owners = partial(owners_put_back, before, touched=touched)

    def again(newer: Object) -> Patch | None:
        return patch_to_restore(newer, mark, before) if mark_of(newer) else None

    return Patch(now, json_patch(now, mark.restored(now)), again=again, owners=owners)


def _pointer(part: str, key: str) -> str:
    return f"/metadata/{part}/{key.replace('~', '~0').replace('/', '~1')}"


def _with(item: Object, path: tuple[str, ...], value: Any) -> Object:
    target = copy.deepcopy(item)
    parent = value_at(target, path[:-1])
    if value is MISSING:
        parent.pop(path[-1][2:], None)
    else:
        parent[path[-1][2:]] = value
    return target
