"""The page's text: nothing from a cluster becomes markup or script, and what it is made of is what it should be."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import VERDICT_WORDS, unmet_told
from ansible_collections.resilient.traefik.plugins.plugin_utils.drill_page import page
from ansible_collections.resilient.traefik.plugins.plugin_utils.drill_page.views import (
    marks_of,
    placement_of,
    requests_told,
    waits_told,
)
from tests.unit.drill_report import sample

VENDOR = page.FOLDER / "vendor"
EVIL = "</script><script>alert(1)</script><!--\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}\u2028"


class Elements(HTMLParser):
    """Every element with its attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the element."""
        self.found.append((tag, dict(attrs)))
        self._within = tag if tag in self.texts else ""

    def handle_endtag(self, tag: str) -> None:
        """Ends the text."""
        self._within = ""

    def handle_data(self, data: str) -> None:
        """Notes the text."""
        if self._within:
            self.texts[self._within].append(data)


def report_of(**more: Any) -> dict[str, Any]:
    """A report as the module makes it."""
    return {
        "schema": 1,
        "title": "the drills",
        "cluster": "lab",
        "run_id": "run-1",
        "time": "2026-01-02T03:04:05Z",
        "versions": {"traefik": "3.7.9"},
        "verdict": "rollback_failed",
        "exit_code": 13,
        "scenarios": sample.every_verdict(),
    } | more


def evil(value: Any, path: tuple[str, ...] = ()) -> Any:
    """The same with every text that a cluster could have a say in being an attack."""
    if isinstance(value, dict):
        named = path[-1:] in (("by_replica",), ("by_visitor",), ("fallbacks",), ("versions",))
        return {(key + EVIL if named else key): evil(child, (*path, key)) for key, child in value.items()}
    if isinstance(value, list):
        return [evil(child, path) for child in value]
    fixed = path[-1:] in (("scenario",), ("verdict",), ("credentials",), ("moment",))
    return value + EVIL if value and isinstance(value, str) and not fixed else value


def test_no_text_of_a_cluster_becomes_markup_or_script() -> None:
    honest = report_of(compared=sample.before_hardening())
    attack = evil(honest)
    plain, attacked = Elements(page.page_of(honest)), Elements(page.page_of(attack))
    assert [tag for tag, _ in attacked.found] == [tag for tag, _ in plain.found]
    names = [set(attributes) for _, attributes in attacked.found]
    assert names == [set(attributes) for _, attributes in plain.found]
    data, *scripts = attacked.texts["script"]
    assert json.loads(data) == attack
    assert scripts == plain.texts["script"][1:]
    assert "49" not in page.page_of(attack).partition("<title>")[2].partition("</title>")[0]


def test_only_its_own_script_and_style_may_run_and_nothing_is_fetched() -> None:
    elements = Elements(page.page_of(report_of()))
    policy = next(
        each["content"] for tag, each in elements.found if each.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for kind in ("script", "style"):
        text = elements.texts[kind][-1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    for tag, attributes in elements.found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {"src", "style"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")


def test_every_link_and_every_reference_has_its_target() -> None:
    found = Elements(page.page_of(report_of(compared=sample.before_hardening()))).found
    names = [each["id"] for _, each in found if each.get("id")]
    assert len(names) == len(set(names))
    for _, attributes in found:
        told = [attributes.get(name) or "" for name in ("aria-labelledby", "aria-describedby")]
        wanted = [*" ".join(told).split(), (attributes.get("href") or "#main").removeprefix("#")]
        assert set(wanted) <= set(names)


def test_each_verdict_is_told_in_words() -> None:
    text = page.page_of(report_of())
    for drill in sample.every_verdict():
        part = text.partition(f'id="{drill["scenario"]}"')[2].partition("</section>")[0]
        assert f"</span> {VERDICT_WORDS[drill['verdict']]}</span>" in part


def test_what_was_seen_is_told_and_whose_answers_prove_nothing() -> None:
    text = page.page_of(report_of())
    for drill in sample.every_verdict():
        part = text.partition(f'id="{drill["scenario"]}"')[2].partition("</section>")[0]
        table = part.partition('data-table="evidence"')[2].partition("</table>")[0]
        for each in drill["evidence"]:
            row = table.partition(f"<td>{each['wanted']}</td><td>{each['found']}</td>")[2].partition("</tr>")[0]
            assert f"</span> {'yes' if each['seen'] else 'no'}</span>" in row
        assert ('data-table="evidence"' in part) == bool(drill["evidence"])
        assert unmet_told(drill) in part


def test_the_charts_in_words_have_the_numbers_of_the_timeline() -> None:
    drill = sample.before_hardening()[0]
    bad = {each["second"]: sum(each["kinds"].get(kind, 0) for kind in sample.BAD) for each in drill["timeline"]}
    worst = max(bad, key=lambda second: bad[second])
    assert f"The worst second is {worst}: {bad[worst]} of 20 requests" in requests_told(drill)
    assert f" {drill['figures']['requests']} requests: " in requests_told(drill)
    assert ": 10.0 s. From 3 s" in waits_told(drill)
    assert "No second had" in requests_told(sample.all_passed()[0])
    nothing = sample.drill("a_drill", "a drill", "not_run", None)
    assert requests_told(nothing) == waits_told(nothing) == "Nothing was measured."


def test_marks_are_seconds_from_the_fault() -> None:
    phases = {"begun": 1000, "fault": 3000, "restored": 13_000, "recovered": 13_850, "ended": 20_000}
    assert marks_of(phases) == {"fault": 0, "restored": 10, "recovered": 10.85}
    assert marks_of(phases | {"recovered": None}) == {"fault": 0, "restored": 10}
    assert marks_of(phases | {"fault": None}) == {}


def test_pods_that_came_went_and_moved_are_marked() -> None:
    def pod(name: str, node: str) -> dict[str, Any]:
        return {"app": "traefik", "pod": f"traefik/{name}", "node": node, "ready": True}

    placement = {
        "before": [pod("stays", "one"), pod("goes", "one"), pod("moves", "one")],
        "after": [pod("stays", "one"), pod("comes", ""), pod("moves", "two")],
    }
    told = {
        (row["node"], moment, each["pod"].removeprefix("traefik/")): each["mark"]
        for row in placement_of(placement)
        for moment in ("before", "after")
        for each in row[moment]
    }
    assert told == {
        ("one", "before", "stays"): "",
        ("one", "before", "goes"): "gone afterwards",
        ("one", "before", "moves"): "moved",
        ("one", "after", "stays"): "",
        ("two", "after", "moves"): "moved",
        ("no node", "after", "comes"): "new",
    }


def test_pods_of_a_drill_that_was_not_run_are_not_gone() -> None:
    drill = sample.drill("node_drain", "a node is drained", "not_run", None)
    rows = placement_of(drill["placement"])
    assert {pod["mark"] for row in rows for pod in row["before"]} == {""}
    text = page.page_of(report_of(scenarios=[drill]))
    assert "not looked at" in text
    assert "Was to be broken: " in text


def test_a_report_without_scenarios_of_the_earlier_run_says_so() -> None:
    text = page.page_of(
        report_of(compared=[sample.drill("proxy_restart", "the proxies restart", "passed", sample.well)])
    )
    assert "only in the earlier run" in text
    assert "not in it" in text


def test_an_odd_time_is_shown_as_it_is() -> None:
    assert "yesterday" in page.page_of(report_of(time="yesterday"))


PROVENANCE = json.loads((VENDOR / "provenance.json").read_text())


@pytest.mark.parametrize("name", PROVENANCE["files"])
def test_what_is_bundled_is_what_its_provenance_says(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == PROVENANCE["files"][name]["sha256"]


def test_everything_that_is_bundled_is_accounted_for() -> None:
    assert {each.name for each in VENDOR.iterdir()} == {*PROVENANCE["files"], "provenance.json"}
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", PROVENANCE["integrity"])
    assert f"(v{PROVENANCE['version']})" in (VENDOR / "uPlot.iife.min.js").read_text()[:100]
    for name in page.SCRIPTS + page.STYLES:
        assert "</" not in re.sub(r"</?b>", "", (page.FOLDER / name).read_text()), name
        assert Path(page.FOLDER / name).is_file()
