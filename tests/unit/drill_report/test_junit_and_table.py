"""The drills as JUnit XML and as a table for the terminal."""

from __future__ import annotations

from xml.etree import ElementTree

from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_junit import VERDICT_CASE, as_junit
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_table import table
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import outcome_of, unmet_told
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import EXIT_CODES
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading
from ansible_collections.resilient.traefik.plugins.module_utils.proof.table import WIDTH
from tests.unit.drill_report import sample

HEADING = Heading("the drills", "lab", "run-1", "2026-01-02T03:04:05Z", {"traefik": "3.7.9"})
MARKS = {
    "passed": None,
    "deviated": "failure",
    "rollback_failed": "failure",
    "inconclusive": "error",
    "not_run": "skipped",
}


def _mark(case: ElementTree.Element) -> str | None:
    return next((each.tag for each in case if each.tag in ("failure", "error", "skipped")), None)


def test_a_suite_a_scenario_with_its_verdict() -> None:
    drills = sample.every_verdict()
    root = ElementTree.fromstring(as_junit(HEADING, drills))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == [drill["scenario"] for drill in drills]
    for drill in drills:
        suite = suites[drill["scenario"]]
        properties = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
        assert properties["verdict"] == drill["verdict"]
        assert properties["exit_code"] == str(EXIT_CODES[drill["verdict"]])
        assert (properties["run_id"], properties["version.traefik"]) == ("run-1", "3.7.9")
        cases = {case.get("name"): case for case in suite.findall("testcase")}
        evidence = {f"evidence {each['moment']}: {each['wanted']}": each for each in drill["evidence"]}
        assert list(cases) == [*(each["name"] for each in drill["expectations"]), *evidence, VERDICT_CASE]
        for name, each in evidence.items():
            assert _mark(cases[name]) == (None if each["seen"] else "error")
            assert each["found"] in (cases[name].findtext("system-out") or "")
        assert _mark(cases[VERDICT_CASE]) == MARKS[drill["verdict"]]
        for each in drill["expectations"]:
            assert _mark(cases[each["name"]]) == (None if each["passed"] else MARKS[drill["verdict"]])


def test_the_counts_of_the_xml() -> None:
    drills = sample.every_verdict()
    root = ElementTree.fromstring(as_junit(HEADING, drills))
    cases = list(root.iter("testcase"))
    assert (
        int(root.get("tests") or 0)
        == len(cases)
        == sum(1 + len(drill["expectations"]) + len(drill["evidence"]) for drill in drills)
    )
    for mark, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(root.get(counted) or 0) == sum(_mark(case) == mark for case in cases) > 0


def test_the_reasons_are_told_where_it_did_not_pass() -> None:
    drill = sample.drill("a_drill", "a drill", "inconclusive", sample.well, reasons=["\x00 broke <off>"])
    case = list(ElementTree.fromstring(as_junit(HEADING, [drill])).iter("testcase"))[-1]
    assert case.findtext("error") == "\ufffd broke <off>"


def test_the_table_has_a_row_a_scenario_and_the_reasons() -> None:
    drills = sample.every_verdict()
    lines = table("the drills", "lab", drills, sample.before_hardening())
    assert max(map(len, lines)) <= WIDTH
    start = lines.index("") + 2
    rows = lines[start : start + len(drills)]
    for drill, row in zip(drills, rows, strict=True):
        outcome = outcome_of([drill])
        assert row.split()[0] == drill["scenario"]
        assert f" {outcome.requests} " in row
        assert f" {outcome.bad} " in row
    for drill in drills:
        told = [line.strip() for line in lines if line.strip() in drill["reasons"]]
        assert told == drill["reasons"]
    assert any(line.startswith("Compared with: ") for line in lines)


def test_an_expectation_that_was_not_met_is_told_once() -> None:
    drill = sample.drill("a_drill", "a drill", "deviated", sample.unhardened)
    (unmet, *_others) = [each for each in drill["expectations"] if not each["passed"]]
    told = f"{unmet['name']}: expected {unmet['expected']}; found {unmet['found']}"
    for reasons in ([], [told]):
        drill["reasons"] = reasons
        words = " ".join(" ".join(table("the drills", "lab", [drill])).split())
        assert words.count(told) == 1, words


def test_whose_answers_prove_nothing_is_told() -> None:
    drill = sample.drill("a_drill", "a drill", "passed", sample.hardened)
    words = "1 of 4 visitors never met what was broken: public.lab.test, no credentials"
    assert unmet_told(drill) == words
    assert f"a_drill: {words}." in table("the drills", "lab", [drill])
    case = list(ElementTree.fromstring(as_junit(HEADING, [drill])).iter("testcase"))[-1]
    assert words in (case.findtext("system-out") or "").splitlines()
    drill["visitors"][0]["met"] = None
    assert unmet_told(drill) == (
        f"{words}. Of 1 of 4 visitors it cannot be told whether they met it: private.lab.test, no credentials"
    )


def test_reports_of_earlier_versions_tell_nothing_of_whom_met_it() -> None:
    drill = sample.drill("a_drill", "a drill", "passed", sample.hardened)
    del drill["evidence"]
    for visitor in drill["visitors"]:
        del visitor["met"]
    assert unmet_told(drill) == ""
    assert [case.get("name") for case in ElementTree.fromstring(as_junit(HEADING, [drill])).iter("testcase")] == [
        *(each["name"] for each in drill["expectations"]),
        VERDICT_CASE,
    ]


def test_a_run_that_passed_is_short() -> None:
    drills = sample.all_passed()
    # One line a scenario, and one about whom nothing is proved by.
    assert len(table("the drills", "lab", drills)) == 2 * len(drills) + 5
