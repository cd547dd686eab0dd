# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit as JSON, and the schema that it fits. No I/O."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import PROFILES, SEVERITIES, Rule
from ansible_collections.resilient.traefik.plugins.module_utils.drill import verdict
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading

SCHEMA_VERSION = 1


def report_of(heading: Heading, found: Audit) -> dict[str, Any]:
    """Everything that an audit found, as the JSON file has it."""
    wrong = {each.rule for each in found.findings} | {each.rule for each, _why in found.suppressed}
    return {
        "schema": SCHEMA_VERSION,
        "title": heading.title,
        "cluster": heading.cluster,
        "run_id": heading.run_id,
        "time": heading.time,
        "versions": dict(heading.versions),
        "source": found.snapshot.source,
        "profile": found.terms.profile,
        "fail_on": found.terms.fail_on,
        "verdict": found.verdict,
        "exit_code": verdict.EXIT_CODES[found.verdict],
        "traefiks": list(found.traefiks),
        "objects": {kind: len(items) for kind, items in sorted(found.snapshot.objects.items())},
        "counts": found.counts,
        "blast_radius": [each.as_dict() for each in found.radii],
        "findings": [each.as_dict() | {"new": each.key in found.new} for each in found.findings],
        "suppressed": [
            each.as_dict() | {"reason": why.reason, "until": why.until.isoformat()} for each, why in found.suppressed
        ],
        "notes": list(found.notes),
        "rules": [_rule(rule, found.terms.profile, rule.id in wrong) for rule in found.terms.rules],
    }


def _rule(rule: Rule, profile: str, found: bool) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "title": rule.title,
        "severity": rule.severities[profile],
        "page": rule.page,
        "found": found,
    }


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_NUMBER = {"type": "integer", "minimum": 0}
_SEVERITY = {"enum": list(SEVERITIES)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


_RULE_ID = {"type": "string", "pattern": r"^RT\d{3}$"}
_FINDING = {
    "rule": _RULE_ID,
    "name": _TEXT,
    "title": _TEXT,
    "severity": _SEVERITY,
    "object": _object({"api_version": _TEXT, "kind": _TEXT, "namespace": _TEXT, "name": _TEXT}),
    "field": _TEXT,
    "evidence": _TEXT,
    "visitors": _TEXT,
    "remedy": _TEXT,
    "tag": _TEXT,
    "page": _TEXT,
    "hosts": _TEXTS,
    "file": _TEXT,
    "line": _NUMBER,
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Audit report of resilient.traefik",
    **_object(
        {
            "schema": {"const": SCHEMA_VERSION},
            "title": _TEXT,
            "cluster": _TEXT,
            "run_id": _TEXT,
            "time": _TEXT,
            "versions": {"type": "object", "additionalProperties": _TEXT},
            "source": {"enum": ["cluster", "files"]},
            "profile": {"enum": list(PROFILES)},
            "fail_on": {"enum": [*SEVERITIES, "never"]},
            "verdict": {"enum": [verdict.PASSED, verdict.DEVIATED, verdict.NOT_RUN, verdict.INCONCLUSIVE]},
            "exit_code": _NUMBER,
            "traefiks": _TEXTS,
            "objects": {"type": "object", "additionalProperties": _NUMBER},
            "counts": _object(dict.fromkeys(SEVERITIES, _NUMBER)),
            "blast_radius": {
                "type": "array",
                "items": _object(
                    {
                        "kind": {"enum": ["forward_auth", "traefik", "node", "database"]},
                        "name": _TEXT,
                        "routes": _NUMBER,
                        "hosts": _TEXTS,
                        "namespaces": _TEXTS,
                        "hang": _TEXT,
                        "gone": _TEXT,
                        "drained": _TEXT,
                        "protection": _TEXTS,
                        "asked_by": _TEXTS,
                        "objects": _TEXTS,
                    }
                ),
            },
            "findings": {"type": "array", "items": _object(_FINDING | {"new": {"type": "boolean"}})},
            "suppressed": {"type": "array", "items": _object(_FINDING | {"reason": _TEXT, "until": _TEXT})},
            "notes": _TEXTS,
            "rules": {
                "type": "array",
                "items": _object(
                    {
                        "id": _RULE_ID,
                        "name": _TEXT,
                        "title": _TEXT,
                        "severity": _SEVERITY,
                        "page": _TEXT,
                        "found": {"type": "boolean"},
                    }
                ),
            },
        }
    ),
}
