"""What stands in the page is what stands in the JSON."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from ansible_collections.resilient.traefik.plugins.module_utils.drill import report_words as words
from tests.browser.conftest import Open, Written

SHOWN = {
    "longest_ms": words.wait,
    "settled_longest_ms": words.wait,
    "slow_percent": words.percent,
    "recovery_seconds": words.seconds,
}


def cells(table: Locator) -> list[list[str]]:
    """The texts of the table's body."""
    rows = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.replace(/\\s+/g, ' ').trim()))"
    found: list[list[str]] = table.locator("tbody tr").evaluate_all(rows)
    return found


def figures_in(part: Locator, within: str) -> list[tuple[str, str, str]]:
    """Name, value and text of the figures."""
    read = "all => all.map(each => [each.dataset.figure, each.value, each.textContent.trim()])"
    return [tuple(each) for each in part.locator(f"{within} data[data-figure]").evaluate_all(read)]


def wanted_figures(drill: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The same by the JSON."""
    values = {name: drill["figures"][name] for name in SHOWN}
    return [(name, "" if value is None else str(value), SHOWN[name](value)) for name, value in values.items()]


def section(page: Page, drill: dict[str, Any]) -> Locator:
    """The scenario's part of the page."""
    return page.locator(f"section#{drill['scenario']}")


def test_the_verdict_and_the_number_that_matters_come_first(opened: Open, written: Written) -> None:
    page, report = opened(written.url), written.json
    outcome = words.outcome_of(report["scenarios"])
    first = page.locator("main > section").first
    assert first.locator("h2").inner_text().lower().endswith(words.VERDICT_WORDS[report["verdict"]])
    lead = first.locator(".lead").inner_text()
    assert words.count(outcome.requests) in lead
    assert first.locator("data[data-figure=exit_code]").get_attribute("value") == str(report["exit_code"])
    numbers = page.locator("section[aria-labelledby=numbers] dd.now data")
    assert numbers.evaluate_all("all => all.map(each => each.value)")[:2] == [
        str(outcome.bad),
        str(outcome.longest_ms),
    ]
    assert words.VERDICT_WORDS[report["verdict"]] in page.title().lower()


def test_the_figures_of_each_scenario(opened: Open, written: Written) -> None:
    page, report = opened(written.url), written.json
    earlier = {drill["scenario"]: drill for drill in report.get("compared", [])}
    for drill in report["scenarios"]:
        part = section(page, drill)
        assert words.VERDICT_WORDS[drill["verdict"]] in part.locator("header .badge").inner_text()
        assert part.locator(".reasons li").all_inner_texts() == drill["reasons"]
        if not drill["figures"]["requests"]:
            assert part.locator(".chart").count() == 0
            continue
        assert figures_in(part, "dd.now") == wanted_figures(drill)
        before = earlier.get(drill["scenario"])
        assert figures_in(part, "dd.before") == (wanted_figures(before) if before else [])


def test_the_tables_beside_the_charts_have_every_second(opened: Open, written: Written) -> None:
    page, report = opened(written.url), written.json
    for run, drills in (("before", report.get("compared", [])), ("now", report["scenarios"])):
        for drill in (each for each in drills if each["timeline"]):
            part = section(page, drill)
            figures = part.locator(".figure").filter(has=page.locator(f"[data-run={run}]"))
            assert cells(figures.locator("table[data-table=requests]")) == [
                [str(each["second"]), str(each["requests"])]
                + [str(each["kinds"].get(kind, 0)) for kind in words.KIND_WORDS]
                for each in drill["timeline"]
            ]
            assert cells(figures.locator("table[data-table=waits]")) == [
                [str(each["second"])]
                + [words.wait(each[name]) for name in ("p50_ms", "p95_ms", "p99_ms", "longest_ms")]
                for each in drill["timeline"]
            ]


def test_the_other_tables(opened: Open, written: Written) -> None:
    page, report = opened(written.url), written.json
    for drill in report["scenarios"]:
        part = section(page, drill)
        yes = {True: "✓ yes", False: ("✕ no", "! no")}
        found = cells(part.locator("table[data-table=expectations]"))
        assert [row[:3] for row in found] == [
            [each["name"], each["expected"], each["found"]] for each in drill["expectations"]
        ]
        assert all(row[3] in yes[each["passed"]] for row, each in zip(found, drill["expectations"], strict=True))
        changed = cells(part.locator("table[data-table=changes]"))
        assert [row[:4] for row in changed] == [
            [each[name] for name in ("object", "field", "before", "during")] for each in drill["changes"]
        ]
        assert all(row[4] in yes[each["restored"]] for row, each in zip(changed, drill["changes"], strict=True))
        if not drill["figures"]["requests"]:
            continue
        parts = [row for table in part.locator("table[data-table=parts]").all()[-2:] for row in cells(table)]
        assert parts == [
            [name, words.count(each["requests"]), words.wait(each["longest_ms"]), words.kinds_told(each["kinds"])]
            for group in ("by_replica", "by_visitor")
            for name, each in drill[group].items()
        ]
        placed = part.locator("table[data-table=placement] .pod").all_inner_texts()
        assert sorted(placed) == sorted(pod["pod"] for pods in drill["placement"].values() for pod in pods)


def test_the_chart_tells_each_second_by_the_keyboard(opened: Open, written: Written) -> None:
    page, report = opened(written.url), written.json
    drill = next(each for each in report["scenarios"] if each["timeline"])
    chart = section(page, drill).locator(".chart[data-chart=requests][data-run=now]")
    chart.focus()
    page.keyboard.press("Home")
    for second in drill["timeline"]:
        told = chart.get_attribute("aria-valuetext") or ""
        kinds = {words.KIND_WORDS[kind].split(" without")[0]: number for kind, number in second["kinds"].items()}
        assert told.startswith(f"Second {second['second']}: {second['requests']} requests, ")
        assert sorted(told.partition("requests, ")[2].split(", ")) == sorted(f"{n} {word}" for word, n in kinds.items())
        assert page.locator(f"#{chart.get_attribute('id')}-readout").inner_text() == told
        page.keyboard.press("ArrowRight")
    assert chart.get_attribute("aria-valuenow") == str(drill["timeline"][-1]["second"])


COLOURS = """
([selector, name]) => {
  const drawn = document.querySelector(selector + " canvas");
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [drawn.width, drawn.height];
  const probe = copy.getContext("2d", { willReadFrequently: true });
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  probe.clearRect(0, 0, 1, 1);
  probe.drawImage(drawn, 0, 0);
  const { data } = probe.getImageData(0, 0, copy.width, copy.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255) found += 1;
  }
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_charts_show_the_kinds_that_occurred_and_no_others(opened: Open, written: Written, scheme: str) -> None:
    page = opened(written.url, color_scheme=scheme)
    for drill in (each for each in written.json["scenarios"] if each["timeline"]):
        selector = f"#{drill['scenario']}-now-requests"
        for kind in words.KIND_WORDS:
            occurred = any(second["kinds"].get(kind) for second in drill["timeline"])
            pixels = page.evaluate(COLOURS, [selector, f"--{kind.replace('_', '-')}"])
            assert (pixels > 50) is occurred, f"{drill['scenario']}: {pixels} pixels of {kind}"
