"""The result of a scenario: as much as is known, and when a fault was met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.result import Result, felt_at, late_share, seen_by
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import EXIT_CODES, VERDICTS, worst
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "drill.schema.json").read_text())
SETTINGS = {"seconds": 10.0, "rate": 10.0, "burst": 0, "expiry": 300.0}
STRANGER = Visitor("stranger", Request("a.test"), "none", True, before=(302,))
BROKEN = 100.0


def record(sent: float, **more: Any) -> Record:
    """An answer as before, at once."""
    given: dict[str, Any] = {"seconds": 0.01, "late": 0.0, "replica": "one", "visitor": 0, "status": 302} | more
    return Record(sent=sent, **given)


def test_a_result_of_which_nothing_is_known_fits_the_schema() -> None:
    report = {
        "schema": 1,
        "title": "t",
        "cluster": "c",
        "run_id": "",
        "time": "2026-01-02T03:04:05Z",
        "versions": {},
        "verdict": "not_run",
        "exit_code": 11,
        "scenarios": [Result("node_drain", "a node is drained", SETTINGS).as_dict()],
    }
    jsonschema.validate(report, SCHEMA)


@pytest.mark.parametrize(
    "met",
    [
        record(102.0, seconds=1.2),
        record(102.0, status=401, fallback=True),
        record(102.0, status=500),
        record(102.0, status=0),
    ],
)
def test_a_fault_begins_when_the_first_visitor_meets_it(met: Record) -> None:
    before = record(99.0, status=500)
    assert felt_at([before, record(101.0), met, record(103.0, status=500)], [STRANGER], BROKEN) == 102.0


def test_a_fault_that_nobody_meets_begins_with_the_change() -> None:
    assert felt_at([record(99.0), record(101.0)], [STRANGER], BROKEN) == BROKEN


def test_how_many_were_sent_late() -> None:
    records = [record(1.0), record(2.0, late=1.5), record(3.0, late=1.0), record(4.0)]
    assert late_share(records, 1.0) == 0.25
    assert late_share([], 1.0) == 0


def test_what_failed_is_counted_by_status() -> None:
    (seen,) = seen_by(
        [record(1.0), record(2.0, status=500), record(3.0, status=500), record(4.0, status=0)], [STRANGER]
    )
    assert (seen.kinds, seen.failed) == ({"as_before": 1, "failed": 2, "none": 1}, {500: 2})


def test_a_run_is_as_good_as_its_worst_scenario() -> None:
    assert [worst([verdict, "passed"]) for verdict in VERDICTS] == list(VERDICTS)
    assert worst([]) == "not_run"
    assert len(set(EXIT_CODES.values())) == len(VERDICTS) == len(EXIT_CODES)
