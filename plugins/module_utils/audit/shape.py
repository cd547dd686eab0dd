# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects brought into the form that the audit reads, whatever a file holds. No I/O.

An API server returns nothing else; a file may hold anything. What has another type than its kind's schema says is left
out and noted, so that no rule has to ask twice, and no rule ends with an exception.

A shape is a type's name (``text``, ``name``, ``scalar``, ``int``, ``bool``, ``port``, ``any``), a list with the shape
of its items, ``Map`` for keys that nobody knows, or a mapping by field. In a mapping ``name!`` is a field without which
the whole is left out, and ``name+`` one that is there always, empty where the object has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.shapes import SHAPES, Map
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

_NOTHING = object()


@dataclass(frozen=True)
class Malformed:
    """A field of an object that was left out, and what it should have been."""

    field: str
    expected: str

    def within(self, at: str) -> Malformed:
        """The same as a part of what is around: ``at`` is a field, or a place in a list or a map (``[0]``)."""
        joint = "" if not self.field or self.field.startswith("[") else "."
        return Malformed(f"{at}{joint}{self.field}", self.expected)


def shaped(item: Any, default_namespace: str) -> tuple[Object | None, list[Malformed]]:
    """The object in its form with what was left out of it; None when it is not an object of a kind that is read."""
    if not isinstance(item, Mapping) or not isinstance(item.get("kind"), str):
        return None, []
    kind = SHAPES.get(item["kind"])
    # Kinds of other groups have the same names: a Service of Knative, an Ingress of a provider.
    if kind is None or _group(item.get("apiVersion")) not in map(_group, kind.versions):
        return None, []
    malformed: list[Malformed] = []
    found = _clean(item, kind.shape, malformed)
    if found is _NOTHING:
        return None, malformed
    if kind.namespaced and not found["metadata"].get("namespace"):
        found["metadata"]["namespace"] = default_namespace
    if not kind.namespaced:
        found["metadata"].pop("namespace", None)
    return found, malformed


def _group(api_version: Any) -> str | None:
    return api_version.rpartition("/")[0] if isinstance(api_version, str) and api_version else None


def _clean(value: Any, shape: Any, malformed: list[Malformed]) -> Any:
    """The value in its form; what was left out is told of relative to the value."""
    if isinstance(shape, str):
        return _scalar(value, shape, malformed)
    if isinstance(shape, list):
        return _list(value, shape[0], malformed)
    if isinstance(shape, Map):
        return _map(value, shape, malformed)
    return _mapping(value, shape, malformed)


def _part(value: Any, shape: Any, at: str, malformed: list[Malformed]) -> Any:
    """A part of a value. Where it stands is put together only where something is wrong, which is seldom."""
    before = len(malformed)
    cleaned = _clean(value, shape, malformed)
    if len(malformed) > before:
        malformed[before:] = [each.within(at) for each in malformed[before:]]
    return cleaned


def _mapping(value: Any, shape: Mapping[str, Any], malformed: list[Malformed]) -> Any:
    if not isinstance(value, Mapping):
        malformed.append(Malformed("", "a mapping"))
        return _NOTHING
    result = dict(value)
    for name, inner, needed, always in _fields(shape):
        given = value.get(name)
        cleaned = _NOTHING if given is None else _part(given, inner, name, malformed)
        if cleaned is not _NOTHING:
            result[name] = cleaned
        elif needed:
            if given is None:
                malformed.append(Malformed(name, "there"))
            return _NOTHING
        elif always:
            result[name] = _empty(inner)
        else:
            result.pop(name, None)
    return result


_Field = tuple[str, Any, bool, bool]
_FIELDS: dict[int, tuple[Mapping[str, Any], list[_Field]]] = {}


def _fields(shape: Mapping[str, Any]) -> list[_Field]:
    """Name, shape, whether it is needed and whether it is there always, by field: read once, not for each object."""
    # The shape is kept beside them, so that no other one takes its place in memory.
    known = _FIELDS.get(id(shape))
    if known is None:
        fields = [(key.rstrip("!+"), inner, key.endswith("!"), key.endswith("+")) for key, inner in shape.items()]
        known = _FIELDS[id(shape)] = (shape, fields)
    return known[1]


def _empty(shape: Any) -> Any:
    if isinstance(shape, list):
        return []
    if isinstance(shape, str):
        return ""
    return {} if isinstance(shape, Map) else {key[:-1]: _empty(each) for key, each in shape.items() if key[-1] == "+"}


def _list(value: Any, shape: Any, malformed: list[Malformed]) -> Any:
    if not isinstance(value, list):
        malformed.append(Malformed("", "a list"))
        return _NOTHING
    cleaned = (_part(each, shape, f"[{position}]", malformed) for position, each in enumerate(value))
    return [each for each in cleaned if each is not _NOTHING]


def _map(value: Any, shape: Map, malformed: list[Malformed]) -> Any:
    if not isinstance(value, Mapping):
        malformed.append(Malformed("", "a mapping"))
        return _NOTHING
    cleaned = {name: _part(each, shape.of, f"[{name}]", malformed) for name, each in value.items() if each is not None}
    return {str(name): each for name, each in cleaned.items() if each is not _NOTHING}


def _scalar(value: Any, shape: str, malformed: list[Malformed]) -> Any:
    if shape == "any":
        return value
    if isinstance(value, str):
        if shape in ("text", "port") or (shape == "name" and value):
            return value
        if shape == "scalar":
            return str(value)
    elif isinstance(value, bool):
        if shape == "bool":
            return value
        if shape == "scalar":
            return str(value).lower()
    elif isinstance(value, int):
        if shape in ("int", "port"):
            return value
        if shape == "scalar":
            return str(value)
    elif isinstance(value, float) and shape == "scalar":
        return str(value)
    malformed.append(Malformed("", _EXPECTED[shape]))
    return _NOTHING


_EXPECTED = {
    "int": "a whole number",
    "port": "a number or a name",
    "bool": "true or false",
    "text": "a text",
    "name": "a name",
    "scalar": "a text",
}
