"""The module verification_report, through ansible-playbook: with registered results, and for a fleet."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.ansible_playbook.running import ansible_playbook, environment
from tests.integration.support_playbook import WAYS, Played, Player
from tests.integration.support_site import Site

GOOD = {"name": "good", "passed": True, "expected": "a", "found": "a"}
BAD = {"name": "bad", "passed": False, "expected": "a", "found": "b"}


def report(directory: Path, results: dict[str, Any], **more: Any) -> Played:
    """One task of the module. Ways of playing are told from options by their names."""
    ways = {name: more.pop(name) for name in ("way", "check") if name in more}
    common = {"title": "the proof", "cluster": "cluster.test", "directory": str(directory)}
    return Player({}).task("verification_report", common | {"results": results} | more, **ways)


def _files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


@pytest.mark.parametrize("way", WAYS)
def test_check_apply_check_apply(tmp_path: Path, way: str) -> None:
    directory = tmp_path / "build"
    for checking in (True, False, True, False):
        before = _files(directory)
        played = report(directory, {"a": [{"checks": [GOOD]}]}, check=checking, way=way)
        assert (played.outcome, played.changed) == ("ok", False), played
        assert played.result["counts"] == {"passed": 1, "failed": 0}
        names = ["verify-cluster.test.json", "verify-cluster.test.xml"]
        assert _files(directory) == (before if checking else names)
        assert ("check mode writes no report" in str(played.result.get("warnings", ""))) is checking
        assert played.result["files"]["junit"] == str(directory / names[1])


def test_a_failed_check_fails_after_the_files_are_written(tmp_path: Path) -> None:
    played = report(tmp_path, {"a": [{"checks": [GOOD, BAD]}], "b": []}, run_id="run-1", versions={"traefik": "3.7.9"})
    assert played.outcome == "failed"
    assert played.message.splitlines() == [
        "Not proved: a: 1 of 2 checks did not pass:",
        "- bad: expected a; found b",
    ]
    assert played.result["table"][0] == "Not proved: a, cluster cluster.test: 1 passed, 1 failed"
    assert played.result["unchecked"] == ["b"]
    written = json.loads((tmp_path / "verify-cluster.test.json").read_text())
    assert written["checks"] == played.result["checks"]
    assert (written["schema"], written["run_id"], written["passed"], written["failed"]) == (1, "run-1", 1, 1)
    assert written["versions"]["traefik"] == "3.7.9"
    assert written["versions"]["resilient.traefik"]
    root = ElementTree.parse(tmp_path / "verify-cluster.test.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("3", "1")


def test_an_empty_proof_fails_in_the_files_too(tmp_path: Path) -> None:
    played = report(tmp_path, {"a": [{"skipped": True}], "b": []})
    assert played.outcome == "failed"
    assert "nothing was checked, and an empty proof is no proof (a, b)" in played.message
    assert ElementTree.parse(tmp_path / "verify-cluster.test.xml").getroot().get("failures") == "1"


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cases: list[tuple[Played, str]] = [
        (report(tmp_path, {"a": ["text"]}), "results.a item 1: 'text' is no registered result"),
        (report(tmp_path / "file", {"a": [{"checks": [GOOD]}]}), "directory: "),
        (report(tmp_path, {"a": []}, titel="x"), "titel"),
    ]
    for played, told in cases:
        assert played.outcome == "failed"
        assert told in played.message
    assert _files(tmp_path) == ["file"]


BOOK = """
- hosts: all
  gather_facts: false
  strategy: free
  tasks:
    - resilient.traefik.http_check:
        points: [{url: "{{ site }}"}]
        requests: [{path: /}, {path: /moved, expect: {status: [302]}}]
      register: part_verified_site
    - resilient.traefik.http_check:
        points: [{url: "{{ site }}"}]
        requests: [{path: /moved}]
      register: part_verified_wrong
      failed_when: false
    - resilient.traefik.http_check:
        points: [{url: "{{ site }}"}]
        requests: [{path: "/{{ item }}"}]
      loop: [one, two]
      register: part_verified_loop
    - resilient.traefik.http_check:
        points: [{url: "{{ site }}"}]
        requests: [{path: /}]
      register: part_verified_skipped
      when: false
    - resilient.traefik.http_check:
        points: [{url: "no url"}]
        requests: [{path: /}]
      register: part_verified_broken
      failed_when: false
    - resilient.traefik.verification_report:
        title: the fleet
        cluster: "{{ inventory_hostname }}"
        directory: "{{ directory }}"
        results:
          part: "{{ query('ansible.builtin.vars', *query('ansible.builtin.varnames', '^part_verified')) }}"
          never: ["{{ never_verified | default({}) }}"]
      register: report
      failed_when: false
    - ansible.builtin.assert:
        that:
          - report.counts.passed == 4
          - report.counts.failed == 2
          - report.unchecked == ['never']
"""


def _play(book: Path, hosts: Sequence[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    arguments = ["-i", ",".join(hosts) + ",", str(book), "--forks", "5", "--connection", "local"]
    return ansible_playbook([*arguments, "--extra-vars", json.dumps(variables)], environment(), 300)


def test_a_fleet_writes_at_once_from_registered_results(tmp_path: Path) -> None:
    """Results of real tasks: passed, failed without the mark of it, of a loop, skipped, and without any check."""
    hosts = [f"cluster-{number}.test" for number in range(5)]
    directory, book = tmp_path / "reports", tmp_path / "fleet.yml"
    book.write_text(BOOK)
    with Site() as site:
        ended = _play(book, hosts, {"site": site.url, "directory": str(directory)})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert _files(directory) == sorted(f"verify-{host}.{ending}" for host in hosts for ending in ("json", "xml"))
    for host in hosts:
        written = json.loads((directory / f"verify-{host}.json").read_text())
        assert written["cluster"] == host
        told = [(check["area"], check["name"], check["passed"]) for check in written["checks"]]
        point = f"through {site.url.removeprefix('http://')}"
        here = site.url.removeprefix("http://")
        assert sorted(told) == sorted(
            [
                ("part", f"{here}/ {point}", True),
                ("part", f"{here}/moved {point}", True),
                ("part", f"{here}/moved {point}", False),
                ("part", f"{here}/one {point}", True),
                ("part", f"{here}/two {point}", True),
                ("part", "the checks could be made", False),
            ]
        )
        ElementTree.parse(directory / f"verify-{host}.xml")
