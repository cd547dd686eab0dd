# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit as Prometheus text, for a scheduled run and the textfile collector or a Pushgateway. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import SEVERITIES
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading

_PREFIX = "resilient_traefik_audit"
_Series = Iterable[tuple[Mapping[str, str], float]]


def as_prometheus(heading: Heading, found: Audit) -> str:
    """The exposition format, version 0.0.4. No object's name is a label but that of a target: series stay few."""
    cluster = {"cluster": heading.cluster}
    rules = {rule.id: sum(each.rule == rule.id for each in found.findings) for rule in found.terms.rules}
    new = {
        severity: sum(each.severity == severity and each.key in found.new for each in found.findings)
        for severity in SEVERITIES
    }
    families: list[tuple[str, str, _Series]] = [
        (
            "findings",
            "Findings that are not suppressed, by severity.",
            [(cluster | {"severity": severity}, number) for severity, number in found.counts.items()],
        ),
        (
            "new_findings",
            "Findings that the baseline does not have, by severity.",
            [(cluster | {"severity": severity}, number) for severity, number in new.items()],
        ),
        (
            "rule_findings",
            "Findings of each rule.",
            [(cluster | {"rule": rule}, number) for rule, number in rules.items()],
        ),
        ("suppressed_findings", "Findings that are suppressed.", [(cluster, len(found.suppressed))]),
        (
            "dependent_hosts",
            "Hosts that depend on a ForwardAuth target, a Traefik, a node or a database.",
            [
                (
                    cluster
                    | {"kind": each.kind, "name": each.name, "protected": str(_is_protected(each.protection)).lower()},
                    len(each.hosts),
                )
                for each in found.radii
            ],
        ),
        ("passed", "Whether the audit passed.", [(cluster, float(found.verdict == "passed"))]),
        ("timestamp_seconds", "When the audit ended.", [(cluster, _seconds(heading.time))]),
    ]
    return "".join(_family(*family) for family in families)


def _is_protected(protection: Iterable[str]) -> bool:
    return any(each.startswith("fallback proxy") for each in protection)


def _family(name: str, about: str, series: _Series) -> str:
    full = f"{_PREFIX}_{name}"
    lines = [f"# HELP {full} {about}", f"# TYPE {full} gauge"]
    for labels, value in series:
        text = ",".join(f'{label}="{_escaped(each)}"' for label, each in labels.items())
        lines.append(f"{full}{{{text}}} {value:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _seconds(time: str) -> float:
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
