"""The report of drills: its schema, the verdict on the run, and what is written when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.resilient.traefik.plugins.module_utils.drill import report, report_schema
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import (
    count,
    outcome_of,
    percent,
    wait,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.unit.drill_report import sample

DOCUMENT = Path(__file__).parents[3] / "docs" / "drill.schema.json"
STRICT = Draft202012Validator(json.loads(DOCUMENT.read_text()))


def page(written: Any) -> str:
    """Stands for the real one."""
    return str(written["title"])


def ran(directory: Path, check: bool = False, **more: Any) -> tuple[dict[str, Any], Task]:
    """The result or the facts of the failure, and the task."""
    task = Task(sample.options(directory=str(directory), **more), check_mode=check)
    try:
        return report.run(task, page), task
    except ResilientError as error:
        return {"msg": str(error)} | error.facts, task


def test_the_documented_schema_is_the_one_in_use() -> None:
    Draft202012Validator.check_schema(report_schema.SCHEMA)
    assert DOCUMENT.read_text() == report_schema.document(), "write it anew: see report_schema.py"


def test_every_field_is_described_and_nothing_else_is_allowed() -> None:
    def check(part: dict[str, Any], place: str) -> None:
        if "$ref" in part:
            return
        assert part.get("description"), place
        if part["type"] == "object":
            assert "additionalProperties" in part, place
        for name, child in part.get("properties", {}).items():
            check(child, f"{place}.{name}")
        if "items" in part:
            check(part["items"], f"{place}[]")

    check(report_schema.SCHEMA, "report")
    check(report_schema.SCHEMA["$defs"]["scenario"], "scenario")


@pytest.mark.parametrize("compared", [None, sample.before_hardening()])
def test_what_is_written_is_as_the_schema_says(tmp_path: Path, compared: Any) -> None:
    result, _task = ran(tmp_path, drills=sample.every_verdict(), compared=compared, run_id="run-1")
    written = json.loads(Path(result["files"]["json"]).read_text())
    STRICT.validate(written)
    assert written["scenarios"] == sample.every_verdict()
    assert written.get("compared") == compared
    assert (written["run_id"], written["versions"]["traefik"]) == ("run-1", "3.7.9")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["drill-lab.html", "drill-lab.json", "drill-lab.xml"]


def test_the_schema_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    result, _task = ran(tmp_path)
    written = json.loads(Path(result["files"]["json"]).read_text())
    at_the_top: list[dict[str, Any]] = [{"more": 1}, {"verdict": "good"}, {"scenarios": []}, {"schema": 2}]
    in_a_scenario: list[dict[str, Any]] = [{"more": 1}, {"verdict": ""}, {"figures": {}}, {"scenario": "Not a name"}]
    for change in at_the_top:
        assert not STRICT.is_valid(written | change), change
    for change in in_a_scenario:
        assert not STRICT.is_valid(written | {"scenarios": [written["scenarios"][0] | change]}), change


def _with(*verdicts: str) -> list[dict[str, Any]]:
    drills = sample.every_verdict()
    return [drill | {"verdict": verdict} for drill, verdict in zip(drills, verdicts, strict=False)]


@pytest.mark.parametrize(
    ("verdicts", "worst", "exit_code"),
    [
        (["passed", "passed"], "passed", 0),
        (["not_run", "passed"], "not_run", 11),
        (["passed", "deviated", "not_run"], "deviated", 10),
        (["inconclusive", "deviated", "not_run", "passed"], "inconclusive", 12),
        (["passed", "rollback_failed", "inconclusive", "deviated"], "rollback_failed", 13),
    ],
)
def test_a_run_is_as_good_as_its_worst_scenario(
    tmp_path: Path, verdicts: list[str], worst: str, exit_code: int
) -> None:
    result, _task = ran(tmp_path, drills=_with(*verdicts))
    assert (result["verdict"], result["exit_code"]) == (worst, exit_code)
    assert ("msg" in result) is (worst != "passed")
    assert Path(result["files"]["html"]).is_file()


def test_check_mode_writes_nothing_and_says_so(tmp_path: Path) -> None:
    result, task = ran(tmp_path / "build", check=True)
    assert not (tmp_path / "build").exists()
    assert result["verdict"] == "passed"
    assert [warning for warning in task.warnings if "check mode writes no report" in warning]


def test_elsewhere_there_is_no_page_and_that_is_said(tmp_path: Path) -> None:
    task = Task(sample.options(directory=str(tmp_path)))
    result = report.run(task)
    assert sorted(result["files"]) == ["json", "junit"]
    assert ["there is no HTML" in warning for warning in task.warnings] == [True]


def test_an_earlier_report_is_read(tmp_path: Path) -> None:
    earlier, _task = ran(tmp_path, name="before", drills=sample.before_hardening())
    result, _task = ran(tmp_path, compared=earlier["files"]["json"])
    assert json.loads(Path(result["files"]["json"]).read_text())["compared"] == sample.before_hardening()


def test_a_wrong_earlier_report_is_said_and_loses_nothing(tmp_path: Path) -> None:
    result, _task = ran(tmp_path, compared=str(tmp_path / "no-such.json"))
    assert "compared: " in result["msg"]
    assert "made without it" in result["msg"]
    STRICT.validate(json.loads(Path(result["files"]["json"]).read_text()))


@pytest.mark.parametrize(
    ("drills", "told"),
    [
        ([], "drills: no list of drills' results: at the top"),
        ([{"scenario": "x"}], "drills: no list of drills' results: at 0 "),
        ([sample.all_passed()[0] | {"verdict": "fine"}], "at 0.verdict 'fine' is not one of"),
        ([sample.all_passed()[0]] * 2, "drills: forward_auth_hung is there more than once"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, drills: Any, told: str) -> None:
    result, _task = ran(tmp_path / "build", drills=drills)
    assert told in result["msg"]
    assert not (tmp_path / "build").exists()


def test_what_a_later_version_added_does_not_stop_this_one(tmp_path: Path) -> None:
    result, _task = ran(tmp_path, drills=[sample.all_passed()[0] | {"added": 1}])
    assert result["verdict"] == "passed"


def test_the_numbers_that_matter_are_those_of_the_requests() -> None:
    sent = sample.requests(sample.leaking, 7)
    outcome = outcome_of([sample.drill("a_drill", "a drill", "deviated", sample.leaking)])
    assert outcome.requests == len(sent)
    assert outcome.let_in == sum(each.kind == "let_in" for each in sent) > 0
    assert outcome.bad == sum(each.kind in sample.BAD for each in sent)
    assert outcome.longest_ms == max(each.waited_ms for each in sent)
    assert outcome_of([]).bad_percent == 0


def test_why_nothing_was_measured_is_in_the_last_line(tmp_path: Path) -> None:
    drills = [
        sample.drill(name, "A title", "not_run", None, reasons=[reason])
        for name, reason in (("node_drain", "there is no node nosuch."), ("replica_lost", "there is no node nosuch."))
    ]
    result, _ = ran(tmp_path, drills=drills)
    assert result["msg"].endswith(": nothing was measured. node_drain, replica_lost: there is no node nosuch.")


def test_of_many_reasons_some_are_told(tmp_path: Path) -> None:
    drills = [sample.drill(f"drain_{n}", "A title", "not_run", None, reasons=[f"reason {n}"]) for n in range(5)]
    result, _ = ran(tmp_path, drills=drills)
    assert result["msg"].endswith(" drain_2: reason 2. The report has 2 more reasons.")


def test_numbers_as_people_read_them() -> None:
    assert [wait(each) for each in (None, 0.42, 12.4, 250, 2049.6, 12_000)] == [
        "-",
        "0.4 ms",
        "12 ms",
        "0.25 s",
        "2.05 s",
        "12.0 s",
    ]
    assert [percent(each) for each in (None, 0, 0.01, 2.5, 99.99, 100)] == [
        "-",
        "0%",
        "under 0.1%",
        "2.5%",
        "over 99.9%",
        "100%",
    ]
    assert [count(each) for each in (7, 12345, 2.5)] == ["7", "12,345", "2.5"]
