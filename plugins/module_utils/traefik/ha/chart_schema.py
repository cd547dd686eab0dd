# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values against a chart's schema, before anything is sent. Pure."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names them, so a missing one is reported before
    import jsonschema
    import referencing

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

_SHOWN = 5
_COUNT = {"type": ["integer", "string", "null"]}
_MINIMAL: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "additionalArguments": {"type": "array", "items": {"type": "string"}},
        "deployment": {
            "type": "object",
            "properties": {
                "lifecycle": {"type": "object"},
                "minReadySeconds": {"type": "integer", "minimum": 0},
                "replicas": {"type": ["integer", "null"], "minimum": 0},
                "terminationGracePeriodSeconds": {"type": "integer", "minimum": 0},
            },
        },
        "podDisruptionBudget": {
            "type": "object",
            "properties": {"enabled": {"type": "boolean"}, "minAvailable": _COUNT, "maxUnavailable": _COUNT},
            "additionalProperties": False,
        },
        "ports": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
        "priorityClassName": {"type": "string"},
        "readinessProbe": {"type": "object"},
        "topologySpreadConstraints": {"type": "array", "items": {"type": "object"}},
        "updateStrategy": {"type": "object", "properties": {"rollingUpdate": {"type": ["object", "null"]}}},
    },
}


def minimal_schema() -> dict[str, Any]:
    """What holds of the keys that this collection sets, in the charts 37 to 41: for want of the chart's own schema."""
    return _MINIMAL


def schema_from(text: str | bytes, source: str) -> dict[str, Any]:
    """A schema out of its JSON. Raises BadArgument naming the source when it is none."""
    try:
        schema = json.loads(text)
        jsonschema.validators.validator_for(schema).check_schema(schema)
    except (ValueError, jsonschema.SchemaError) as error:
        raise BadArgument(f"{source} is no JSON schema: {str(error).splitlines()[0]}") from None
    return dict(schema)


def refusals(values: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What the schema does not take, as ``deployment.replicas: is text, not integer``: the path, and no value."""
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    # An empty registry: no schema is fetched from anywhere.
    found = kind(schema, registry=referencing.Registry()).iter_errors(values)
    ordered = sorted(found, key=lambda error: list(map(str, error.absolute_path)))
    words = [f"{_path(error.absolute_path)}: {_reason(error)}" for error in ordered]
    return words[:_SHOWN] + ([f"and {len(words) - _SHOWN} more"] if words[_SHOWN:] else [])


def _path(parts: Any) -> str:
    return ".".join(map(str, parts)) or "the values"


def _reason(error: jsonschema.ValidationError) -> str:
    """The schema's demand in words: the library's own words repeat the value, which may be a secret."""
    demand: Any = error.validator_value
    if error.validator == "type":
        wanted = " or ".join(demand) if isinstance(demand, list) else demand
        return f"is {_json_type(error.instance)}, not {wanted}"
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known: Any = error.schema["properties"] if isinstance(error.schema, Mapping) else {}
        unknown = sorted(str(key) for key in error.instance if key not in known)
        return f"has {', '.join(unknown)}, which the chart does not know"
    if error.validator == "required":
        return f"lacks one of {', '.join(map(str, demand))}"
    if error.validator in ("enum", "const", "minimum", "maximum", "pattern", "minLength", "minItems"):
        return f"does not fit {error.validator} {demand}"
    return f"does not fit the schema's {error.validator}"


def _json_type(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
