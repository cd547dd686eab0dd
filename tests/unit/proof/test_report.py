"""The report as a table, as JUnit XML and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check, failure
from ansible_collections.resilient.traefik.plugins.module_utils.proof.collected import AreaCheck, Collected
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import (
    Heading,
    as_json,
    as_junit,
    path_of,
    write_whole,
)
from ansible_collections.resilient.traefik.plugins.module_utils.proof.table import WIDTH, table

PASSED = Check("it serves", True, "status 200", "200 in 0.004 s")
FAILED = Check("nobody gets in", False, "status 401", "200 in 0.1 s")
COLLECTED = Collected([AreaCheck("auth", PASSED), AreaCheck("tier", FAILED)], ["retry"])
HEADING = Heading("the proof", "lab", "run-1", "2026-01-02T03:04:05Z", {"traefik": "3.7.9"})


def test_the_table() -> None:
    assert table("the proof", "lab", COLLECTED) == [
        "the proof, cluster lab: 1 passed, 1 failed",
        "",
        "AREA   PASSED  FAILED",
        "auth        1       -",
        "tier        -       1",
        "retry       -       -",
        "",
        "FAILED  tier: nobody gets in",
        "        expected status 401",
        "        found    200 in 0.1 s",
    ]


def test_the_table_is_never_wider_than_it_may_be() -> None:
    long = Check("name-of-" + "x" * 300, False, "with words " * 30, "y" * 90 + "\nand " + "z" * 200)
    lines = table("t" * 150, "c" * 90, Collected([AreaCheck("a-rather-long-name-of-an-area", long)], []))
    assert max(map(len, lines)) <= WIDTH
    joined = "".join(line.replace(" ", "") for line in lines)
    for text in ("x" * 300, "y" * 90, "z" * 200):
        assert joined.count(text[0]) >= len(text)


def test_the_message_tells_of_each_failure_on_a_line_of_its_own() -> None:
    assert failure([PASSED, FAILED, FAILED]).splitlines() == [
        "2 of 3 checks did not pass:",
        "- nobody gets in: expected status 401; found 200 in 0.1 s",
        "- nobody gets in: expected status 401; found 200 in 0.1 s",
    ]


def test_the_json() -> None:
    assert json.loads(as_json(HEADING, COLLECTED)) == {
        "schema": 1,
        "title": "the proof",
        "cluster": "lab",
        "run_id": "run-1",
        "time": "2026-01-02T03:04:05Z",
        "versions": {"traefik": "3.7.9"},
        "passed": 1,
        "failed": 1,
        "unchecked": ["retry"],
        "areas": [],
        "checks": [
            {"area": "auth", "name": "it serves", "passed": True, "expected": "status 200", "found": "200 in 0.004 s"},
            {
                "area": "tier",
                "name": "nobody gets in",
                "passed": False,
                "expected": "status 401",
                "found": "200 in 0.1 s",
            },
        ],
    }


def test_the_junit_xml() -> None:
    written = as_junit(HEADING, COLLECTED)
    # In capitals where lxml is there, which junitparser prefers.
    assert written.lower().startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    root = ElementTree.fromstring(written)
    assert (root.get("name"), root.get("tests"), root.get("failures"), root.get("skipped")) == (
        "the proof",
        "3",
        "1",
        "1",
    )
    assert [suite.get("name") for suite in root] == ["auth", "tier", "retry"]
    assert {(suite.get("hostname"), suite.get("timestamp")) for suite in root} == {("lab", HEADING.time)}
    properties = {each.get("name"): each.get("value") for each in root.findall("testsuite/properties/property")}
    assert properties == {"run_id": "run-1", "version.traefik": "3.7.9"}
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["it serves"].find("failure") is None
    failed = cases["nobody gets in"].find("failure")
    assert failed is not None
    assert failed.text == "expected status 401\nfound 200 in 0.1 s"
    assert cases["nothing was checked"].find("skipped") is not None


def test_what_xml_cannot_hold_does_not_break_it() -> None:
    odd = Check("\x00<&>\ud800", False, "\x1b[31m", "\uffff ü \U0001f600")
    case = ElementTree.fromstring(as_junit(HEADING, Collected([AreaCheck("\x01", odd)], []))).find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == "\ufffd<&>\ufffd"
    assert "\ufffd[31m" in (case.findtext("failure") or "")
    assert "\ufffd ü \U0001f600" in (case.findtext("failure") or "")
    assert as_json(HEADING, Collected([AreaCheck("a", odd)], [])).encode()


def test_names_of_files() -> None:
    here = Path("build")
    assert path_of(here, "verify", "lab-1.example.test", "xml") == here / "verify-lab-1.example.test.xml"
    odd = {cluster: path_of(here, "verify", cluster, "xml") for cluster in ("a/b", "a:b", "../../a", "a b", "ä")}
    assert len(set(odd.values())) == len(odd)
    assert {path.parent for path in odd.values()} == {here}
    assert path_of(here, "verify", "a/b", "json").stem == odd["a/b"].stem
    assert path_of(here, "../.hidden", "a", "xml").parent == here


def test_a_file_is_there_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "report.json"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["report.json"]


def test_a_failed_write_leaves_nothing_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResilientError, match=r"directory: .*report\.json cannot be written"):
        write_whole(tmp_path / "file" / "report.json", b"one")
    (tmp_path / "report.json").mkdir()
    with pytest.raises(ResilientError, match="cannot be written"):
        write_whole(tmp_path / "report.json", b"one")
    assert {each.name for each in tmp_path.iterdir()} == {"file", "report.json"}
