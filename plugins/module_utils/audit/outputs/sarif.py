# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit as SARIF 2.1.0, which code hosts show at the line of a file. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    CRITICAL,
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Finding,
    Rule,
)
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading

VERSION = "2.1.0"
SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = "https://github.com/resilient/traefik/blob/main/docs"
_LEVELS = {CRITICAL: "error", HIGH: "error", MEDIUM: "warning", LOW: "note", INFO: "note"}
# What GitHub sorts by: over 9.0 critical, 7.0 high, 4.0 medium, 0.1 low.
_SCORES = {CRITICAL: "9.5", HIGH: "8.0", MEDIUM: "5.5", LOW: "2.5", INFO: "0.5"}


def as_sarif(heading: Heading, found: Audit) -> dict[str, Any]:
    """One run with all rules, and a result for each finding. Suppressed ones are there, and say so."""
    positions = {rule.id: position for position, rule in enumerate(found.terms.rules)}
    results = [_result(each, positions) | _baseline(found, each) for each in found.findings]
    results += [
        _result(each, positions)
        | {"suppressions": [{"kind": "external", "justification": f"{why.reason} (until {why.until})"}]}
        for each, why in found.suppressed
    ]
    return {
        "$schema": SCHEMA_URI,
        "version": VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "resilient.traefik.audit",
                        "version": heading.versions.get("resilient.traefik", "0"),
                        "rules": [_rule(rule, found.terms.profile) for rule in found.terms.rules],
                    }
                },
                "automationDetails": {"id": f"resilient.traefik.audit/{heading.cluster}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "endTimeUtc": heading.time,
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": note}} for note in found.notes
                        ],
                    }
                ],
                "results": results,
            }
        ],
    }


def _rule(rule: Rule, profile: str) -> dict[str, Any]:
    severity = rule.severities[profile]
    tags = ["traefik", "availability"] + ([f"harden:{rule.tag}"] if rule.tag else [])
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.why} Visitors see: {rule.visitors}."},
        "help": {
            "text": f"{rule.why}\n\nVisitors see: {rule.visitors}\n\nRemedy: {rule.remedy}",
            "markdown": f"{rule.why}\n\n**Visitors see:** {rule.visitors}\n\n**Remedy:** {rule.remedy}",
        },
        "helpUri": f"{_HOME}/{rule.page}",
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"tags": tags, "security-severity": _SCORES[severity], "precision": "high"},
    }


def _result(each: Finding, positions: Mapping[str, int]) -> dict[str, Any]:
    about = f"{each.ref}{f' {each.field}' if each.field else ''}: {each.evidence}."
    hosts = f" Sites: {', '.join(each.hosts[:10])}{' ...' if each.hosts[10:] else ''}." if each.hosts else ""
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": each.ref.name, "fullyQualifiedName": f"{each.ref}{f'/{each.field}' if each.field else ''}"}
        ]
    }
    if each.file:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(each.file)},
            "region": {"startLine": max(1, each.line)},
        }
    return {
        "ruleId": each.rule,
        "ruleIndex": positions[each.rule],
        "level": _LEVELS[each.severity],
        "message": {"text": f"{about} Visitors see: {each.visitors}.{hosts} Remedy: {each.remedy}"},
        "locations": [location],
        "partialFingerprints": {"resilientTraefik/v1": _fingerprint(each)},
    }


def _fingerprint(each: Finding) -> str:
    """The same for the same finding, wherever it moves in its file."""
    return hashlib.sha256("\0".join(each.key).encode()).hexdigest()[:32]


def _baseline(found: Audit, each: Finding) -> dict[str, Any]:
    if not found.terms.known:
        return {}
    return {"baselineState": "new" if each.key in found.new else "unchanged"}
