# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drills as JUnit XML: a suite a scenario, a case an expectation, and one for the verdict. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import verdict
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import (
    MEANINGS,
    VERDICT_WORDS,
    outcome_of,
    told,
    unmet_told,
)
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading, suite_of, xml_of, xml_text

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

VERDICT_CASE = "the verdict"


def as_junit(heading: Heading, drills: Sequence[Mapping[str, Any]]) -> bytes:
    """The XML. Each suite has its verdict and the exit code as properties, and fails as the verdict does."""
    report = JUnitXml(xml_text(heading.title))
    for drill in drills:
        report.add_testsuite(_suite(heading, drill))
    return xml_of(report)


def _suite(heading: Heading, drill: Mapping[str, Any]) -> TestSuite:
    suite = suite_of(heading, drill["scenario"], _cases(drill))
    suite.add_property("verdict", drill["verdict"])
    suite.add_property("exit_code", str(verdict.EXIT_CODES[drill["verdict"]]))
    return suite


def _cases(drill: Mapping[str, Any]) -> Iterator[TestCase]:
    for each in drill["expectations"]:
        case = _case(drill, each["name"])
        case.system_out = xml_text(f"expected: {each['expected']}\nfound: {each['found']}")
        if not each["passed"]:
            text = f"expected {each['expected']}\nfound {each['found']}"
            case.result = [_ill(drill["verdict"], f"found {each['found']}", text)]
        yield case
    for each in drill.get("evidence", []):
        yield _evidence_case(drill, each)
    yield _verdict_case(drill)


def _evidence_case(drill: Mapping[str, Any], each: Mapping[str, Any]) -> TestCase:
    """Without it nothing is proved, however well the expectations were met."""
    case = _case(drill, f"evidence {each['moment']}: {each['wanted']}")
    case.system_out = xml_text(f"found: {each['found']}")
    if not each["seen"]:
        case.result = [_ill(verdict.INCONCLUSIVE, "not seen", f"found: {each['found']}")]
    return case


def _verdict_case(drill: Mapping[str, Any]) -> TestCase:
    """Tells of what no expectation does: why a drill was not run, not conclusive, or not taken back."""
    case = _case(drill, VERDICT_CASE)
    lines = [f"{VERDICT_WORDS[drill['verdict']]}: {told(outcome_of([drill]))}", unmet_told(drill)]
    case.system_out = xml_text("\n".join(line for line in lines if line))
    if drill["verdict"] != verdict.PASSED:
        text = "\n".join(drill["reasons"]) or MEANINGS[drill["verdict"]]
        case.result = [_ill(drill["verdict"], VERDICT_WORDS[drill["verdict"]], text)]
    return case


def _case(drill: Mapping[str, Any], name: str) -> TestCase:
    return TestCase(xml_text(name), classname=xml_text(drill["scenario"]))


def _ill(of: str, message: str, text: str) -> Error | Failure | Skipped:
    kind = {verdict.INCONCLUSIVE: Error, verdict.NOT_RUN: Skipped}.get(of, Failure)
    element = kind(xml_text(message), of)
    element.text = xml_text(text)
    return element
