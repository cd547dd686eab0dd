# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an audit consists of: severities, rules, and the findings that rules make. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of

if TYPE_CHECKING:
    from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster

CRITICAL, HIGH, MEDIUM, LOW, INFO = "critical", "high", "medium", "low", "info"
# From the worst to the least.
SEVERITIES = (CRITICAL, HIGH, MEDIUM, LOW, INFO)
PRODUCTION, HOMELAB = "production", "homelab"
PROFILES = (PRODUCTION, HOMELAB)


@dataclass(frozen=True)
class Hit:
    """One object that a rule is about: which field, what was seen there, whom it concerns.

    ``hosts`` are the sites whose visitors notice. ``remedy`` and ``visitors`` are more exact than the rule's own, empty
    where these say enough.
    """

    ref: ObjectRef
    field: str
    evidence: str
    hosts: tuple[str, ...] = ()
    remedy: str = ""
    visitors: str = ""


Check = Callable[["Cluster"], Iterable[Hit]]


@dataclass(frozen=True)
class Rule:
    """A weakness that can be recognised. ``name`` is for code hosts, ``title`` a sentence for people.

    ``severities`` has one for each profile. ``visitors`` is what visitors of a site see of it, ``why`` how it comes to
    that, ``remedy`` what to change, ``tag`` the tag of the playbook harden that changes it, empty for none. ``source``
    says where the fact is from.
    """

    id: str
    name: str
    title: str
    severities: Mapping[str, str]
    visitors: str
    why: str
    remedy: str
    check: Check = field(repr=False, compare=False)
    tag: str = ""
    source: str = ""

    @property
    def page(self) -> str:
        """The page of documentation, below docs."""
        return f"rules/{self.id}.md"


@dataclass(frozen=True)
class Finding:
    """What a rule found, with everything that an output tells. ``place`` is file and line where it came from files."""

    rule: str
    name: str
    title: str
    severity: str
    ref: ObjectRef
    field: str
    evidence: str
    visitors: str
    remedy: str
    tag: str
    hosts: tuple[str, ...] = ()
    file: str = ""
    line: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same finding in another run: the rule, the object and the field."""
        return self.rule, str(self.ref), self.field

    def as_dict(self) -> dict[str, Any]:
        """The finding as the JSON report has it."""
        return {
            "rule": self.rule,
            "name": self.name,
            "title": self.title,
            "severity": self.severity,
            "object": self.ref.as_dict(),
            "field": self.field,
            "evidence": self.evidence,
            "visitors": self.visitors,
            "remedy": self.remedy,
            "tag": self.tag,
            "page": f"rules/{self.rule}.md",
            "hosts": list(self.hosts),
            "file": self.file,
            "line": self.line,
        }


class RuleBook:
    """The rules of one subject, in the order in which they are written down."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def rule(
        self,
        id: str,
        name: str,
        *,
        title: str,
        severity: tuple[str, str],
        visitors: str,
        why: str,
        remedy: str,
        tag: str = "",
        source: str = "",
    ) -> Callable[[Check], Check]:
        """Make the decorated function the check of a rule. ``severity`` is that of production, then of a homelab."""

        def register(check: Check) -> Check:
            severities = dict(zip(PROFILES, severity, strict=True))
            self.rules.append(Rule(id, name, title, severities, visitors, why, remedy, check, tag, source))
            return check

        return register


def hit(
    item: Object,
    field: str,
    evidence: str,
    *,
    hosts: Iterable[str] = (),
    remedy: str = "",
    visitors: str = "",
) -> Hit:
    """A Hit on an object. Hosts are sorted, each once."""
    return Hit(ref_of(item), field, evidence, tuple(sorted(set(hosts))), remedy, visitors)


def rank(severity: str) -> int:
    """0 for the worst."""
    return SEVERITIES.index(severity)


def found_by(rule: Rule, cluster: Cluster, profile: str) -> Iterator[Finding]:
    """The findings of one rule, each once."""
    snapshot = cluster.snapshot
    for each in dict.fromkeys(rule.check(cluster)):
        file, line = snapshot.place(each.ref, each.field)
        yield Finding(
            rule=rule.id,
            name=rule.name,
            title=rule.title,
            severity=rule.severities[profile],
            ref=each.ref,
            field=each.field,
            evidence=each.evidence,
            visitors=each.visitors or rule.visitors,
            remedy=each.remedy or rule.remedy,
            tag=rule.tag,
            hosts=each.hosts,
            file=file,
            line=line,
        )
