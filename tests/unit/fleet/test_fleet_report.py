"""The fleet's report: who is worst, what is told of each, and a page on which nothing of a cluster becomes markup."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.plugin_utils.fleet_page.page import page_of
from ansible_collections.resilient.traefik.plugins.plugin_utils.fleet_page.report import (
    NOT_BEGUN,
    TONES,
    VERDICTS,
    WORDS,
    Seen,
    fleet_report,
    table,
)
from tests.ansible_playbook.running import ansible_playbook, environment
from tests.unit.fleet.test_batches import INVENTORY, MECHANICS

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"
PASSED = {
    "playbook": "verify",
    "verdict": "passed",
    "counts": {"passed": 96, "failed": 0},
    "areas": [{"name": "auth", "state": "passed", "passed": 9, "failed": 0}],
    "report": "all of it",
}


def failed(count: int, **more: Any) -> dict[str, Any]:
    """What verify tells where so many checks failed."""
    return {**PASSED, "verdict": "failed", "counts": {"passed": 90, "failed": count}, **more}


def fleet() -> dict[str, Any]:
    """Every way that a cluster of a run can end."""
    hosts = ["well", "ill", "worse", "dead", "broken", "later", "planned"]
    seen = {
        "well": Seen(),
        "ill": Seen(1, 0, "2 of 92 checks failed.", "All of it must hold"),
        "worse": Seen(1, 0, "7 of 97 checks failed.", "All of it must hold"),
        "dead": Seen(0, 1, "no route", "Look"),
        "broken": Seen(1, 0, EVIL, EVIL),
        "planned": Seen(),
    }
    told: dict[str, Any] = {"well": PASSED, "ill": failed(2), "worse": failed(7), "planned": {"verdict": "planned"}}
    return fleet_report(hosts, seen, told, "2026-01-02T03:04:05Z", "verify")


def test_the_worst_is_first() -> None:
    report = fleet()
    found = [(each["cluster"], each["verdict"]) for each in report["clusters"]]
    assert found == [
        ("dead", "unreachable"),
        ("worse", "failed"),
        ("ill", "failed"),
        ("broken", "failed"),
        ("later", NOT_BEGUN),
        ("planned", "planned"),
        ("well", "passed"),
    ]
    assert report["verdict"] == "unreachable"
    assert report["counts"] == {"unreachable": 1, "failed": 3, "not_begun": 1, "planned": 1, "passed": 1}
    assert report["areas"] == ["auth"]


def test_who_failed_after_telling_something_good_failed() -> None:
    (cluster,) = fleet_report(["a"], {"a": Seen(1, 0, "lost")}, {"a": PASSED}, "", "harden")["clusters"]
    assert (cluster["verdict"], cluster["problem"]) == ("failed", "lost")


def test_what_was_rescued_is_no_problem() -> None:
    (cluster,) = fleet_report(["a"], {"a": Seen(0, 0, "tried")}, {"a": PASSED}, "", "harden")["clusters"]
    assert (cluster["verdict"], cluster["problem"]) == ("passed", "")


def test_a_drills_own_verdict_is_kept() -> None:
    told = {"a": {"verdict": "deviated"}}
    (cluster,) = fleet_report(["a"], {"a": Seen(1, 0, "x")}, told, "", "drill")["clusters"]
    assert cluster["verdict"] == "deviated"


def test_the_table_has_a_line_for_each() -> None:
    lines = table(fleet())
    assert lines[0].split() == ["Cluster", "Verdict", "Counted", "What", "was", "wrong"]
    assert lines[2].split("  ")[0] == "worse"
    assert "90 passed, 7 failed" in lines[2]
    assert len(lines) == 8


def test_nothing_of_a_cluster_becomes_markup() -> None:
    text = page_of(fleet())
    assert "<script>alert" not in text
    assert "onerror=alert" not in re.sub(r"&lt;img.*?&gt;", "", text)
    assert "{{ 7 * 7 }}" in text


def test_every_verdict_has_words_and_a_look() -> None:
    style = "".join(path.read_text() for path in Path(page_of.__globals__["FOLDER"]).parent.glob("*_page/page.css"))
    assert set(WORDS) == set(VERDICTS)
    for verdict in VERDICTS:
        assert f".{TONES.get(verdict, verdict)}" in style, verdict


@pytest.mark.parametrize("broken", [["d"], []])
def test_a_run_ends_with_it(broken: list[str], tmp_path: Path) -> None:
    """By Ansible: a canary fails, so three clusters do not begin; and all is well."""
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump(INVENTORY))
    directory = tmp_path / "reports"
    given = {
        "broken": broken,
        "resilient_traefik_canary": "canaries",
        "resilient_traefik_report_directory": str(directory),
    }
    variables = environment(ANSIBLE_CALLBACKS_ENABLED="resilient.traefik.fleet_report")
    ended = ansible_playbook(["-i", str(inventory), str(MECHANICS), "-e", json.dumps(given)], variables)
    report = json.loads((directory / "fleet.json").read_text())
    verdicts = {each["cluster"]: each["verdict"] for each in report["clusters"]}
    assert set(verdicts) == set("abcde")
    assert report["clusters"][0]["cluster"] == ("d" if broken else "a")
    assert verdicts["d"] == ("failed" if broken else "passed")
    assert verdicts["e"] == "passed"
    assert report["clusters"][-1]["report"] == "all of it\nholds"
    if broken:
        assert report["clusters"][0]["problem"] == "broken"
        assert verdicts["a"] == "not_begun"
    assert (directory / "fleet.html").read_text() == page_of(report)
    assert str(directory / "fleet.html") in ended.stdout
