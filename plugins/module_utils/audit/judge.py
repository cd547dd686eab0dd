# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All rules over one snapshot, and what becomes of their findings: suppressed, known from before, new. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ansible_collections.resilient.traefik.plugins.module_utils.audit import suppressions
from ansible_collections.resilient.traefik.plugins.module_utils.audit.blast_radius import Radius, radii
from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    PRODUCTION,
    SEVERITIES,
    Finding,
    Rule,
    found_by,
    rank,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.registry import RULES
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import Snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.audit.suppressions import Suppression
from ansible_collections.resilient.traefik.plugins.module_utils.drill import verdict

NEVER = "never"
# Without these hardly a rule can tell anything.
_NEEDED = ("Service", "Deployment", "DaemonSet", "Middleware", "IngressRoute", "Ingress")
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Terms:
    """How findings are judged. ``known`` are keys of an earlier audit. ``fail_on`` is a severity, or ``never``."""

    profile: str = PRODUCTION
    fail_on: str = HIGH
    suppressed: Sequence[Suppression] = ()
    known: Collection[Key] = ()
    today: date = field(default_factory=date.today)
    cluster_domain: str = "cluster.local"
    rules: Sequence[Rule] = RULES


@dataclass(frozen=True)
class Audit:
    """What an audit found. ``findings`` are all that are not suppressed, the worst first; ``new`` the keys of those
    that no earlier audit had. ``notes`` is what could not be judged, and why.
    """

    snapshot: Snapshot
    terms: Terms
    radii: tuple[Radius, ...]
    findings: tuple[Finding, ...]
    suppressed: tuple[tuple[Finding, Suppression], ...]
    new: frozenset[Key]
    notes: tuple[str, ...]
    traefiks: tuple[str, ...]
    versions: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        found = Counter(each.severity for each in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    @property
    def over(self) -> list[Finding]:
        """The new findings that are as severe as what the audit fails on."""
        if self.terms.fail_on == NEVER:
            return []
        least = rank(self.terms.fail_on)
        return [each for each in self.findings if each.key in self.new and rank(each.severity) <= least]

    @property
    def verdict(self) -> str:
        """passed, deviated, not_run where there is no Traefik, inconclusive where too little could be read."""
        if self.over:
            return verdict.DEVIATED
        if not self.traefiks and self.snapshot.source != "files":
            return verdict.INCONCLUSIVE if self._unread else verdict.NOT_RUN
        return verdict.INCONCLUSIVE if self._unread else verdict.PASSED

    @property
    def _unread(self) -> list[str]:
        return [kind for kind in _NEEDED if kind in self.snapshot.unread]


def audit(snapshot: Snapshot, terms: Terms) -> Audit:
    """Run every rule over the snapshot."""
    cluster = Cluster(snapshot, terms.cluster_domain)
    everything = _sorted(each for rule in terms.rules for each in found_by(rule, cluster, terms.profile))
    annotated, faults = suppressions.annotated(snapshot)
    given = [*terms.suppressed, *annotated]
    left: list[Finding] = []
    suppressed: list[tuple[Finding, Suppression]] = []
    for each in everything:
        covering = next((entry for entry in given if entry.covers(each, terms.today)), None)
        if covering:
            suppressed.append((each, covering))
        else:
            left.append(each)
    notes = [
        *snapshot.notes,
        *(f"{kind} was not judged: {message}" for kind, message in snapshot.unread.items()),
        *faults,
        *suppressions.notes(given, everything, terms.today),
    ]
    known = set(terms.known)
    real = cluster.real_traefiks
    return Audit(
        snapshot=snapshot,
        terms=terms,
        radii=tuple(radii(cluster)),
        findings=tuple(left),
        suppressed=tuple(suppressed),
        new=frozenset(each.key for each in left if each.key not in known),
        notes=tuple(notes),
        traefiks=tuple(str(each.workload.ref) for each in real if each.workload),
        versions=_versions(cluster),
    )


def _joined(one: Finding, other: Finding) -> Finding:
    """Two hits of a rule on the same field as one finding: what was seen of both, and all hosts."""
    evidence = one.evidence if other.evidence in one.evidence else f"{one.evidence}; {other.evidence}"
    return replace(one, evidence=evidence, hosts=tuple(sorted({*one.hosts, *other.hosts})))


def _versions(cluster: Cluster) -> dict[str, str]:
    versions = [each.workload.version for each in cluster.real_traefiks if each.workload and each.workload.version]
    return {"traefik": ", ".join(dict.fromkeys(versions))} if versions else {}


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, by rule, of these those of most hosts; each key once."""
    unique: dict[Key, Finding] = {}
    for each in findings:
        known = unique.get(each.key)
        unique[each.key] = _joined(known, each) if known else each
    return sorted(
        unique.values(), key=lambda each: (rank(each.severity), each.rule, -len(each.hosts), str(each.ref), each.field)
    )
