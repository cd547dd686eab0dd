# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes between two states of an object, and what of it may be shown."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.yaml_text import yaml_text

FIELD_MANAGER = "resilient.traefik"
# kubectl keeps a whole copy of the object here, plain Secret values included.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
HIDDEN = "<hidden>"
HIDDEN_CHANGED = "<hidden, changed>"
# Variables whose values are secrets, by how people name them.
_SECRET_VARIABLE = re.compile(r"(?i)(pass|pwd|token|secret|api_?key|credential|private|dsn)")


def content(item: Mapping[str, Any] | None) -> Object:
    """The object without the API server's bookkeeping and without status: what somebody wanted. Empty for None."""
    if item is None:
        return {}
    bare = {key: value for key, value in item.items() if key not in ("status", "metadata")}
    metadata = {key: value for key, value in item.get("metadata", {}).items() if key not in _BOOKKEEPING}
    annotations = {
        key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key != LAST_APPLIED
    }
    if annotations:
        metadata["annotations"] = annotations
    return bare | {"metadata": metadata}


def owned_fields(item: Mapping[str, Any], manager: str = FIELD_MANAGER) -> Any:
    """The fieldsV1 set that the manager applied on the object, None when it owns nothing."""
    for entry in item.get("metadata", {}).get("managedFields") or []:
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return entry.get("fieldsV1")
    return None


def differs(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    """True when the content differs, or what we own of it: both would be written."""
    if before is None or after is None:
        return before is not after
    return content(before) != content(after) or _claims(before) != _claims(after)


def _claims(item: Mapping[str, Any]) -> Any:
    """What we own, without empty labels and annotations: the API server forgets these once others put theirs there."""
    fields = owned_fields(item)
    if not fields or "f:metadata" not in fields:
        return fields
    metadata = {
        name: inner
        for name, inner in fields["f:metadata"].items()
        if inner or name not in ("f:labels", "f:annotations")
    }
    others = {name: inner for name, inner in fields.items() if name != "f:metadata"}
    return others | ({"f:metadata": metadata} if metadata else {})


def shown(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, label: str) -> dict[str, str]:
    """The two states as Ansible's diff wants them, as YAML text, with the values of Secrets hidden."""
    old, new = _without_secrets(content(before), content(after))
    if old == new and before is not None and after is not None:
        old["# field manager"], new["# field manager"] = "others", FIELD_MANAGER
    return {
        "before_header": label,
        "after_header": label,
        "before": _as_yaml(old),
        "after": _as_yaml(new),
    }


def _without_secrets(before: Object, after: Object) -> tuple[Object, Object]:
    if "Secret" not in (before.get("kind"), after.get("kind")):
        return _without_secret_variables(before, {}), _without_secret_variables(after, _variables(before))
    before, after = copy.copy(before), copy.copy(after)
    for part in ("data", "stringData"):
        old, new = before.get(part) or {}, after.get(part) or {}
        if old:
            before[part] = dict.fromkeys(old, HIDDEN)
        if new:
            after[part] = {key: HIDDEN_CHANGED if key in old and old[key] != new[key] else HIDDEN for key in new}
    return before, after


def _without_secret_variables(item: Object, former: Mapping[str, Any]) -> Object:
    """A copy without the values of variables that are secrets by their names; ``former`` are the values before."""
    safe = copy.deepcopy(item)
    for entry in _entries(safe):
        if entry.get("value") and _SECRET_VARIABLE.search(entry["name"]):
            changed = former.get(entry["name"], entry["value"]) != entry["value"]
            entry["value"] = HIDDEN_CHANGED if changed else HIDDEN
    return safe


def _variables(item: Object) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in _entries(item)}


def _entries(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The environment of all containers of a pod or of a workload's template; of other kinds none."""
    spec = item.get("spec")
    template = spec.get("template") if isinstance(spec, Mapping) else None
    pod = template.get("spec") if isinstance(template, Mapping) else spec
    if not isinstance(pod, Mapping):
        return
    for kind in ("containers", "initContainers"):
        containers = pod.get(kind)
        for container in containers if isinstance(containers, list) else []:
            entries = container.get("env") if isinstance(container, Mapping) else None
            yield from (each for each in entries or [] if isinstance(each, dict) and isinstance(each.get("name"), str))


def without_secret_values(item: Object) -> Object:
    """A copy that may be printed: Secret values hidden, kubectl's copy of them left out."""
    if item.get("kind") != "Secret":
        return item
    safe = copy.deepcopy(item)
    (safe.get("metadata", {}).get("annotations") or {}).pop(LAST_APPLIED, None)
    for part in ("data", "stringData"):
        if safe.get(part):
            safe[part] = dict.fromkeys(safe[part], HIDDEN)
    return safe


def check_secret_values(item: Mapping[str, Any]) -> None:
    """Raises BadArgument for a Secret's value that is not text: the API server would repeat it in its refusal."""
    if item.get("kind") != "Secret":
        return
    for part in ("data", "stringData"):
        values = item.get(part) or {}
        if not isinstance(values, Mapping):
            raise BadArgument(f"{ref_of(item)}: {part} is {type(values).__name__}, not a dictionary")
        for key, value in values.items():
            if not isinstance(value, str):
                raise BadArgument(f"{ref_of(item)}: {part}.{key} is {type(value).__name__}, not text: quote it")


def _as_yaml(item: Object) -> str:
    return yaml_text(item) if item else ""
