"""The fleet's page: sorted by a click or a key, and no barrier that axe knows, by day, at night, on a small screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from ansible_collections.resilient.traefik.plugins.plugin_utils.fleet_page.page import page_of
from tests.unit.fleet.test_fleet_report import fleet

WORST_FIRST = ["dead", "worse", "ill", "broken", "later", "planned", "well"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_the_fleets_page(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    path = tmp_path / "fleet.html"
    path.write_text(page_of(fleet()))
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    names = page.locator("table.clusters tbody th")
    assert names.all_inner_texts() == WORST_FIRST
    assert Axe().run(page).response["violations"] == []

    page.get_by_role("button", name="Cluster", exact=True).focus()
    page.keyboard.press("Enter")
    assert names.all_inner_texts() == sorted(WORST_FIRST)
    page.get_by_role("button", name="Counted").click()
    page.get_by_role("button", name="Counted").click()
    assert names.all_inner_texts()[:2] == ["worse", "ill"], "by number, the most first"
    assert page.locator("#sorted").inner_text() == "Sorted by Counted, descending."
    assert said == [], "nothing is refused by the page's own policy"
    page.close()
