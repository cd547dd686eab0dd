"""The part of SARIF 2.1.0 that the audit uses, written down from the standard (OASIS, 27 March 2020).

The standard's own schema is not kept here. This one is stricter: nothing may be there that it does not name.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": sorted(required),
        "additionalProperties": False,
    }


_MESSAGE = _object({"text": _TEXT})
# 3.49: a descriptor's id is stable; 3.50.3: level.
_RULE = _object(
    {
        "id": {"type": "string", "pattern": r"^RT\d{3}$"},
        "name": {"type": "string", "pattern": r"^([A-Z0-9][a-z0-9]*)+$"},
        "shortDescription": _MESSAGE,
        "fullDescription": _MESSAGE,
        "help": _object({"text": _TEXT}, {"markdown": _TEXT}),
        "helpUri": {"type": "string", "pattern": "^https://"},
        "defaultConfiguration": _object({"level": _LEVEL}),
        "properties": _object(
            {
                "tags": {"type": "array", "items": _TEXT, "uniqueItems": True},
                "security-severity": {"type": "string", "pattern": r"^\d+\.\d$"},
                "precision": {"enum": ["very-high", "high", "medium", "low"]},
            }
        ),
    }
)
# 3.28, 3.29, 3.30: startLine counts from 1; a uri is a valid URI reference.
_LOCATION = _object(
    {},
    {
        "physicalLocation": _object(
            {
                "artifactLocation": _object(
                    {"uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~/%!$&'()*+,;=:@-]+$"}}
                ),
                "region": _object({"startLine": {"type": "integer", "minimum": 1}}),
            }
        ),
        "logicalLocations": {
            "type": "array",
            "items": _object({"name": _TEXT, "fullyQualifiedName": _TEXT}),
            "minItems": 1,
        },
    },
)
# 3.27
_RESULT = _object(
    {
        "ruleId": _TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": _LEVEL,
        "message": _MESSAGE,
        "locations": {"type": "array", "items": _LOCATION, "minItems": 1, "maxItems": 10},
        "partialFingerprints": {"type": "object", "additionalProperties": _TEXT, "minProperties": 1},
    },
    {
        "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
        "suppressions": {
            "type": "array",
            "items": _object({"kind": {"enum": ["inSource", "external"]}, "justification": _TEXT}),
        },
    },
)
_RUN = _object(
    {
        "tool": _object(
            {
                "driver": _object(
                    {"name": _TEXT, "version": _TEXT, "rules": {"type": "array", "items": _RULE, "uniqueItems": True}}
                )
            }
        ),
        "automationDetails": _object({"id": _TEXT}),
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "invocations": {
            "type": "array",
            "items": _object(
                {
                    "executionSuccessful": {"type": "boolean"},
                    "endTimeUtc": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                    "toolExecutionNotifications": {
                        "type": "array",
                        "items": _object({"level": _LEVEL, "message": _MESSAGE}),
                    },
                }
            ),
        },
        "results": {"type": "array", "items": _RESULT},
    }
)
SARIF: dict[str, Any] = _object(
    {
        "$schema": {"type": "string", "pattern": "sarif-schema-2.1.0.json$"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": _RUN, "minItems": 1},
    }
)
