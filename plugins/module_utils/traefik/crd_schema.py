# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks objects against the structural schemas of their kinds, before anything of them is sent. Pure.

The API server's own refusal names one object at a time and comes late; these name every fault of a set at once, each
with its path and, for an unknown field, the known one that it resembles. What a structural schema may hold:
Kubernetes 1.34, apiextensions-apiserver, JSONSchemaProps. Rules in CEL (x-kubernetes-validations) are left to the
API server's dry run.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_WORDS = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "an integer", float: "a number"}
_NAMES = {"object": "an object", "array": "a list", "string": "text", "boolean": "a boolean"}


def faults(item: Mapping[str, Any], schema: Schema) -> list[str]:
    """What the API server would refuse in the object, each as ``path: fault``. ``metadata`` is its own business."""
    checked = {key: value for key, value in item.items() if key != "metadata"}
    properties = {name: part for name, part in schema.get("properties", {}).items() if name != "metadata"}
    required = [name for name in schema.get("required", []) if name != "metadata"]
    return list(_walk(checked, {**schema, "properties": properties, "required": required}, ""))


def _walk(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if value is None:
        if not (schema.get("nullable") or "default" in schema or "type" not in schema):
            yield f"{path}: expected {_NAMES.get(schema['type'], schema['type'])}, got nothing (null)"
        return
    mistyped = _mistyped(value, schema)
    if mistyped:
        yield f"{path}: {mistyped}"
        return
    yield from (f"{path}: {fault}" for fault in _limits(value, schema))
    if isinstance(value, dict):
        yield from _walk_object(value, schema, path)
    elif isinstance(value, list) and "items" in schema:
        for position, entry in enumerate(value):
            yield from _walk(entry, schema["items"], f"{path}[{position}]")


def _walk_object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[str]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name in schema.get("required", []):
        if name not in value:
            yield f"{_joined(path, name)}: is required"
    for name, entry in value.items():
        if name in properties:
            yield from _walk(entry, properties[name], _joined(path, name))
        elif isinstance(others, Mapping):
            yield from _walk(entry, others, _joined(path, name))
        elif not others and not schema.get("x-kubernetes-preserve-unknown-fields") and schema.get("type") == "object":
            yield f"{_joined(path, name)}: unknown field{_resembling(str(name), properties)}"


def _joined(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _resembling(name: str, properties: Mapping[str, Any]) -> str:
    """The likeliest known fields: those that differ in case only, else those that look alike, else all when few."""
    by_case = [known for known in properties if known.lower() == name.lower()]
    alike = by_case or difflib.get_close_matches(name, properties, n=2, cutoff=0.6)
    if alike:
        return f", did you mean {' or '.join(alike)}?"
    few = sorted(properties) if 0 < len(properties) <= 8 else []
    return f" (known are {', '.join(few)})" if few else ""


def _mistyped(value: Any, schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        fits = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
        return "" if fits else f"expected an integer or text, got {_got(value)}"
    wanted = schema.get("type")
    if not wanted:
        return ""
    fits = isinstance(value, _JSON_TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    # JSON knows no integers: 3.0 is one.
    fits = fits or (wanted == "integer" and isinstance(value, float) and value.is_integer())
    return "" if fits else f"expected {_NAMES.get(wanted, wanted)}, got {_got(value)}"


def _got(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return _WORDS[type(value)]
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return shown if len(shown) <= 60 else f"{_WORDS[type(value)]} of {len(str(value))} characters"


def _limits(value: Any, schema: Schema) -> Iterator[str]:
    for keyword, check in _LIMITS.items():
        if keyword in schema:
            yield from check(value, schema[keyword])


def _enum(value: Any, allowed: Sequence[Any]) -> Iterator[str]:
    if value not in allowed:
        alike = difflib.get_close_matches(str(value), [str(entry) for entry in allowed], n=1)
        hint = f", did you mean {alike[0]}?" if alike else ""
        yield f"{_got(value)} is none of {', '.join(map(str, allowed))}{hint}"


def _pattern(value: Any, pattern: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(pattern, value):
        yield f"{_got(value)} does not match {pattern}"


def _bound(fits: Callable[[Any, Any], bool], words: str) -> Callable[[Any, Any], Iterator[str]]:
    def check(value: Any, limit: Any) -> Iterator[str]:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not fits(value, limit):
            yield f"{value} is {words} {limit}"

    return check


def _length(
    kind: type[str] | type[list[Any]] | type[dict[str, Any]], fits: Callable[[int, int], bool], words: str
) -> Callable[[Any, Any], Iterator[str]]:
    def check(value: Any, limit: Any) -> Iterator[str]:
        if isinstance(value, kind) and not fits(len(value), limit):
            yield f"{words} {limit}, not {len(value)}"

    return check


_LIMITS: dict[str, Callable[[Any, Any], Iterator[str]]] = {
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _bound(lambda value, limit: value >= limit, "below the minimum"),
    "maximum": _bound(lambda value, limit: value <= limit, "above the maximum"),
    "minLength": _length(str, lambda size, limit: size >= limit, "must have at least this many characters:"),
    "maxLength": _length(str, lambda size, limit: size <= limit, "must have at most this many characters:"),
    "minItems": _length(list, lambda size, limit: size >= limit, "must have at least this many entries:"),
    "maxItems": _length(list, lambda size, limit: size <= limit, "must have at most this many entries:"),
    "minProperties": _length(dict, lambda size, limit: size >= limit, "must have at least this many entries:"),
    "maxProperties": _length(dict, lambda size, limit: size <= limit, "must have at most this many entries:"),
}


def kinds_of(document: Mapping[str, Any]) -> dict[str, Schema]:
    """The schemas by kind of an OpenAPI v3 document (``/openapi/v3/apis/GROUP/VERSION``), lists left out."""
    found: dict[str, Schema] = {}
    for schema in document.get("components", {}).get("schemas", {}).values():
        identities = schema.get("x-kubernetes-group-version-kind") or []
        if len(identities) == 1 and not identities[0]["kind"].endswith("List"):
            found[identities[0]["kind"]] = schema
    return found
