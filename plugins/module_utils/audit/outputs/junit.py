# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit as JUnit XML: a suite a subject of rules, a case a rule that found nothing, and one a finding. No I/O."""

from __future__ import annotations

import contextlib

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import Finding
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading, suite_of, xml_of, xml_text

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    from junitparser import Failure, JUnitXml, Skipped, TestCase


def as_junit(heading: Heading, found: Audit) -> bytes:
    """The XML. What counts against the audit is a failure; a lesser, known or suppressed finding is skipped."""
    over = {each.key for each in found.over}
    report = JUnitXml(xml_text(heading.title))
    for rule in found.terms.rules:
        cases = [_case(each, each.key in over) for each in found.findings if each.rule == rule.id]
        cases += [
            _skipped(each, f"suppressed until {why.until}: {why.reason}")
            for each, why in found.suppressed
            if each.rule == rule.id
        ]
        name = f"{rule.id} {rule.name}"
        report.add_testsuite(suite_of(heading, name, cases or [TestCase(xml_text(rule.title), classname=rule.id)]))
    return xml_of(report)


def _case(each: Finding, fails: bool) -> TestCase:
    if not fails:
        return _skipped(each, f"{each.severity}: {each.evidence}")
    case = _named(each)
    failure = Failure(xml_text(each.evidence), each.severity)
    failure.text = xml_text(f"{each.evidence}\nvisitors: {each.visitors}\nremedy: {each.remedy}")
    case.result = [failure]
    return case


def _skipped(each: Finding, why: str) -> TestCase:
    case = _named(each)
    case.result = [Skipped(xml_text(why))]
    return case


def _named(each: Finding) -> TestCase:
    where = f"{each.file}:{each.line} " if each.file else ""
    return TestCase(xml_text(f"{where}{each.ref} {each.field}".strip()), classname=each.rule)
