# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report as JUnit XML and as JSON, and how files get onto the disk as a whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.proof.collected import Area, AreaCheck, Collected

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

SCHEMA = 1
# What XML 1.0 does not allow in a text (its production Char), and bodies of HTTP answers may hold.
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Heading:
    """What a report is about. ``time`` is UTC in ISO 8601, ``versions`` are texts by name."""

    title: str
    cluster: str
    run_id: str
    time: str
    versions: Mapping[str, str]


def as_json(heading: Heading, collected: Collected) -> str:
    """The report by the schema that the module's documentation tells."""
    report = {
        "schema": SCHEMA,
        "title": heading.title,
        "cluster": heading.cluster,
        "run_id": heading.run_id,
        "time": heading.time,
        "versions": dict(heading.versions),
        "passed": collected.passed,
        "failed": len(collected.failed),
        "unchecked": collected.unchecked,
        "areas": [areas_entry(each, collected) for each in collected.areas],
        "checks": [each.as_dict() for each in collected.checks],
    }
    return json.dumps(report, indent=2) + "\n"


def areas_entry(area: Area, collected: Collected) -> dict[str, Any]:
    """An area with its sums: name, state, proves, reason, passed, failed."""
    checks = [each.check for each in collected.checks if each.area == area.name]
    passed = sum(check.passed for check in checks)
    return {
        "name": area.name,
        "state": area.state,
        "proves": area.proves,
        "reason": area.reason,
        "passed": passed,
        "failed": len(checks) - passed,
    }


def as_junit(heading: Heading, collected: Collected) -> bytes:
    """The report as JUnit XML: a suite an area, a case a check, an area without a check as a skipped case."""
    report = JUnitXml(xml_text(heading.title))
    by_area: dict[str, list[AreaCheck]] = {}
    for each in collected.checks:
        by_area.setdefault(each.area, []).append(each)
    for area, checks in by_area.items():
        report.add_testsuite(suite_of(heading, area, (_case(each) for each in checks)))
    reasons = {each.name: _why(each) for each in collected.areas}
    for area in collected.unchecked:
        report.add_testsuite(suite_of(heading, area, [_unchecked(area, reasons.get(area, ""))]))
    return xml_of(report)


def xml_of(report: JUnitXml) -> bytes:
    """The finished report as the file has it."""
    report.update_statistics()
    written = BytesIO()
    report.write(written)
    return written.getvalue()


def suite_of(heading: Heading, area: str, cases: Iterable[TestCase]) -> TestSuite:
    """A suite with the cluster, the time, the run and the versions."""
    suite = TestSuite(xml_text(area))
    suite.hostname = xml_text(heading.cluster)
    suite.timestamp = heading.time
    suite.add_property("run_id", xml_text(heading.run_id))
    for name, version in heading.versions.items():
        suite.add_property(xml_text(f"version.{name}"), xml_text(version))
    suite.add_testcases(list(cases))
    return suite


def _case(each: AreaCheck) -> TestCase:
    check = each.check
    case = TestCase(xml_text(check.name), classname=xml_text(each.area))
    case.system_out = xml_text(f"expected: {check.expected}\nfound: {check.found}")
    if not check.passed:
        failed = Failure(xml_text(f"found {check.found}"), "check")
        failed.text = xml_text(f"expected {check.expected}\nfound {check.found}")
        case.result = [failed]
    return case


def _unchecked(area: str, why: str) -> TestCase:
    case = TestCase("nothing was checked", classname=xml_text(area))
    case.result = [Skipped(xml_text(why or "nothing was checked"))]
    return case


def _why(area: Area) -> str:
    return f"{area.state.replace('_', ' ')}: {area.reason}"


def xml_text(text: str) -> str:
    """The text with a mark for each character that XML does not allow."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def path_of(directory: Path, name: str, cluster: str, ending: str) -> Path:
    """``directory/NAME-CLUSTER.ending``. Names that a file cannot have are changed and stay apart by a hash."""
    wanted = f"{name}-{cluster}"
    safe = re.sub(r"[^\w.-]", "_", wanted, flags=re.ASCII).lstrip(".")
    digest = "" if safe == wanted else f"-{hashlib.sha256(wanted.encode()).hexdigest()[:8]}"
    return directory / f"{safe}{digest}.{ending}"


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that readers and other writers see it as a whole or not at all. Makes its directory.

    Raises ResilientError with the system's words.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ResilientError(
            f"directory: {path} cannot be written: {error.strerror}. Name a directory that may be written to."
        ) from None
