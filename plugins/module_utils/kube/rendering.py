# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planned changes as files, for clusters whose objects are written from Git and not by us."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import ABSENT, DELETED, UNCHANGED, Change
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import content
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.kube.yaml_text import yaml_text

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

OBJECTS, PATCHES = "objects", "patches"


def render(changes: Sequence[Change], folder: Path) -> list[str]:
    """Writes each change as a file and returns a warning for each that is not written.

    ``objects/NAMESPACE/KIND-NAME.yaml`` is a whole object, ``patches/...`` the changed fields of an object that
    belongs to somebody else: a strategic merge patch of kustomize. Patches of one object by several tasks end up in
    one file. Secrets are left out. Raises BadArgument when a file cannot be written.
    """
    warnings = []
    for change in changes:
        if change.change == ABSENT:
            continue
        if change.ref.kind == "Secret":
            warnings.append(f"{change.ref} is not rendered: secrets do not belong into files. Bring it by other means")
            continue
        for name, item in rendered(change).items():
            _write(folder / name, item)
    return warnings


def rendered(change: Change) -> dict[str, Object]:
    """The file's name and what is in it; nothing for a patch that would change nothing."""
    if change.declared is not None:
        # Of what is there and is not ours, only some fields are declared: as a whole object it would lose the others.
        part = OBJECTS if change.before is None or is_ours(change.declared) else PATCHES
        return {_name(part, change.ref): change.declared}
    if change.change == DELETED:
        return {_name(PATCHES, change.ref): _identity(change.ref) | {"$patch": "delete"}}
    if change.change == UNCHANGED:
        return {}
    fields = merge_patch(content(change.before), content(change.after))
    return {_name(PATCHES, change.ref): merged(fields, _identity(change.ref))}


def merge_patch(before: Any, after: Any) -> Any:
    """The JSON merge patch (RFC 7396) that leads from one value to the other; an empty mapping when they are equal."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return after
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        if name not in before:
            patch[name] = value
        elif before[name] != value:
            patch[name] = merge_patch(before[name], value)
    return patch


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both, key by key; where both have a value that is not a mapping, the other's."""
    result = dict(one)
    for name, value in other.items():
        former = result.get(name)
        if isinstance(former, Mapping) and isinstance(value, Mapping):
            value = merged(former, value)
        result[name] = value
    return result


def _identity(ref: ObjectRef) -> Object:
    place = {"namespace": ref.namespace} if ref.namespace else {}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": {"name": ref.name} | place}


def _name(part: str, ref: ObjectRef) -> str:
    return f"{part}/{ref.namespace or 'cluster'}/{ref.kind.lower()}-{ref.name.replace(':', '-')}.yaml"


def _write(path: Path, item: Object) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        former = yaml.safe_load(path.read_text()) if path.exists() and PATCHES in path.parts else None
        path.write_text(f"---\n{yaml_text(merged(former or {}, item), sort_keys=False)}")
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadArgument(f"render_to: {path} cannot be written: {error}. Name another folder, or empty it") from None
