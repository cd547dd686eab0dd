# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of one scenario, as docs/drill.schema.json describes it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import figures
from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import Seen
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import NOT_RUN
from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check


@dataclass
class Phases:
    """When the parts of a drill began, in epoch seconds; None for what never came."""

    begun: float = field(default_factory=time.time)
    fault: float | None = None
    restored: float | None = None
    recovered: float | None = None
    ended: float | None = None

    def as_dict(self) -> dict[str, int | None]:
        """In epoch milliseconds."""
        ended = self.ended or time.time()
        moments = {**vars(self), "ended": ended}
        return {name: None if moment is None else round(moment * 1000) for name, moment in moments.items()}


@dataclass
class Result:
    """What is known of one scenario, from its beginning on: a drill that fails tells as much as it knows.

    ``bare`` are the sites that ask what fails without the proxy that others have. The fault may not reach them.
    """

    scenario: str
    title: str
    settings: Mapping[str, Any]
    verdict: str = NOT_RUN
    reasons: list[str] = field(default_factory=list)
    subject: str = ""
    bare: Sequence[str] = ()
    phases: Phases = field(default_factory=Phases)
    visitors: Sequence[Visitor] = ()
    replicas: Sequence[str] = ()
    checks: list[Check] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    evidence: Sequence[Mapping[str, Any]] = ()
    met: Sequence[bool | None] = ()
    placement: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"before": [], "after": []})
    changes: Sequence[Mapping[str, Any]] = ()
    alerts: Sequence[Mapping[str, Any]] = ()
    requests_file: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        measured = self.measured or measure(lambda: iter(()), self.visitors, self.phases, 0, {})
        return {
            "scenario": self.scenario,
            "title": self.title,
            "verdict": self.verdict,
            "reasons": self.reasons,
            "subject": self.subject,
            "settings": dict(self.settings),
            "phases": self.phases.as_dict(),
            "visitors": [
                _visitor(visitor, self.met[number] if number < len(self.met) else None)
                for number, visitor in enumerate(self.visitors)
            ],
            "replicas": list(self.replicas),
            "expectations": [check.as_dict() for check in self.checks],
            **measured,
            "evidence": [dict(each) for each in self.evidence],
            "alerts": [dict(alert) for alert in self.alerts],
            "placement": self.placement,
            "changes": [dict(change) for change in self.changes],
            "requests_file": self.requests_file,
        }


def measure(
    records: Callable[[], Iterable[Record]],
    visitors: Sequence[Visitor],
    phases: Phases,
    not_sent: int,
    counted: Mapping[int, Mapping[str, Mapping[str, int]]],
) -> dict[str, Any]:
    """``figures``, ``by_replica``, ``by_visitor`` and ``timeline``. ``records`` gives all of them, each time."""
    origin = phases.fault or phases.begun
    return {
        "figures": figures.figures_of(records(), visitors, phases.fault, phases.restored, not_sent=not_sent),
        "by_replica": figures.by_replica(records(), visitors),
        "by_visitor": figures.by_visitor(records(), visitors),
        "timeline": figures.timeline_of(records(), visitors, origin, counted),
    }


def seen_by(records: Iterable[Record], visitors: Sequence[Visitor]) -> list[Seen]:
    """What counts of each visitor's answers."""
    kinds: list[dict[str, int]] = [{} for _visitor in visitors]
    failed: list[dict[int, int]] = [{} for _visitor in visitors]
    for record in records:
        kind = figures.kind_of(record, visitors[record.visitor])
        of_visitor = kinds[record.visitor]
        of_visitor[kind] = of_visitor.get(kind, 0) + 1
        if kind == "failed":
            statuses = failed[record.visitor]
            statuses[record.status] = statuses.get(record.status, 0) + 1
    return [
        Seen(visitor.name, visitor.request.host, visitor.credentials, visitor.guarded, of_kind, of_status)
        for visitor, of_kind, of_status in zip(visitors, kinds, failed, strict=True)
    ]


def late_share(records: Iterable[Record], seconds: float) -> float:
    """Which part of the requests was sent later than that after its turn."""
    counts = Counter(record.late > seconds for record in records)
    return counts[True] / max(1, counts.total())


def felt_at(records: Iterable[Record], visitors: Sequence[Visitor], broken: float) -> float:
    """When the first visitor met the fault (epoch s): asked then, and not answered as before or not at once."""
    met = (
        record.sent
        for record in records
        if record.sent >= broken
        and (
            record.seconds > figures.SLOW_SECONDS
            or record.fallback
            or figures.kind_of(record, visitors[record.visitor]) != "as_before"
        )
    )
    return min(met, default=broken)


def placed(pods: Iterable[tuple[str, Object]]) -> list[dict[str, Any]]:
    """The entries of ``placement``: pods with the name of their workload."""
    return [
        {
            "app": app,
            "pod": f"{pod['metadata']['namespace']}/{pod['metadata']['name']}",
            "node": pod["spec"].get("nodeName", ""),
            "ready": not readiness.missing(pod),
        }
        for app, pod in pods
    ]


def _visitor(visitor: Visitor, met: bool | None) -> dict[str, Any]:
    return {
        "name": visitor.name,
        "host": visitor.request.host,
        "path": visitor.request.path,
        "credentials": visitor.credentials,
        "guarded": visitor.guarded,
        "before": list(visitor.before),
        "met": met,
    }
