# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings that somebody decided to live with for a time: by an annotation of the object, or by a list. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import Finding
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import Snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of

# RT103 until 2027-03-31: one node only. Several are separated by semicolons.
ANNOTATION = "resilient.traefik/audit-ignore"
_ENTRY = re.compile(r"\s*(?P<rule>RT\d{3})\s+until\s+(?P<until>\d{4}-\d{2}-\d{2})\s*:\s*(?P<reason>\S.*?)\s*")
_RULE = re.compile(r"RT\d{3}")


@dataclass(frozen=True)
class Suppression:
    """``rule`` on objects that ``object`` names (``Kind namespace/name``, * for any text), up to and with ``until``."""

    rule: str
    object: str
    reason: str
    until: date

    def covers(self, finding: Finding, today: date) -> bool:
        """Whether it is in force for the finding."""
        return finding.rule == self.rule and fnmatchcase(str(finding.ref), self.object) and today <= self.until


def parsed(entries: Iterable[Any]) -> tuple[list[Suppression], list[str]]:
    """The suppressions of a list, and what is wrong with the others."""
    found: list[Suppression] = []
    faults: list[str] = []
    for position, entry in enumerate(entries, start=1):
        given = entry if isinstance(entry, Mapping) else {}
        rule, name, reason = (str(given.get(key) or "") for key in ("rule", "object", "reason"))
        until = _day(given.get("until"))
        missing = [
            word
            for word, there in (
                ("rule, such as RT103", _RULE.fullmatch(rule)),
                ("object, such as Deployment shop/web or *", name),
                ("reason", reason.strip()),
                ("until, a date such as 2027-03-31", until),
            )
            if not there
        ]
        if missing or until is None:
            faults.append(f"suppressions: item {position} lacks {', '.join(missing)}")
        else:
            found.append(Suppression(rule, name, reason, until))
    return found, faults


def annotated(snapshot: Snapshot) -> tuple[list[Suppression], list[str]]:
    """The suppressions that objects carry, and what is wrong with the others."""
    found: list[Suppression] = []
    faults: list[str] = []
    for item in (item for items in snapshot.objects.values() for item in items):
        text = item["metadata"]["annotations"].get(ANNOTATION, "")
        for part in (part for part in text.split(";") if part.strip()):
            entry = _ENTRY.fullmatch(part)
            until = _day(entry["until"]) if entry else None
            if entry and until:
                found.append(Suppression(entry["rule"], str(ref_of(item)), entry["reason"], until))
            else:
                form = "RT103 until 2027-03-31: why"
                faults.append(f"{ref_of(item)}: annotation {ANNOTATION}: {part.strip()!r} is not of the form {form!r}")
    return found, faults


def _day(value: Any) -> date | None:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value or ""))
    except ValueError:
        return None


def notes(given: Iterable[Suppression], findings: Iterable[Finding], today: date) -> Iterator[str]:
    """What to tell of suppressions that are over or that fit nothing."""
    everything = list(findings)
    for each in given:
        about = f"suppression of {each.rule} for {each.object}"
        if today > each.until:
            yield f"{about} ended on {each.until}"
        elif not any(each.covers(finding, today) for finding in everything):
            yield f"{about} fits no finding any more: remove it"
