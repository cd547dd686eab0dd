"""The page by keyboard, in the dark, on paper, on a small screen, without scripts, and for assistive technology."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import VERDICT_WORDS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from tests.browser.conftest import PICTURES, Open, Written

FOCUS_NAME = "() => document.activeElement.id || document.activeElement.textContent.trim()"
FOCUS_NAMES = """
all => all.filter(each => each.checkVisibility() || each.className === "skip")
  .map(each => each.id || each.textContent.trim())
"""
FOCUSABLE = "a[href], summary, [tabindex='0']"
SMALL = 360


def name_of(written: Written) -> str:
    """The name of its pictures."""
    return written.url.rpartition("/")[2].removesuffix("-lab.html")


def open_all(page: Page) -> None:
    """Opens everything that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def background(page: Page) -> str:
    """The colour of the page."""
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize(
    ("scheme", "width"),
    [("light", 1280), pytest.param("dark", SMALL, marks=pytest.mark.variation("another look of the same page"))],
)
def test_no_barrier_that_axe_knows(opened: Open, written: Written, scheme: str, width: int) -> None:
    page = opened(written.url, width=width, color_scheme=scheme)
    open_all(page)
    found = Axe().run(page).response["violations"]
    told = [f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}" for each in found]
    assert told == []


def test_light_and_dark(opened: Open, written: Written) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    shades = set()
    for scheme in ("light", "dark"):
        page = opened(written.url, color_scheme=scheme)
        page.screenshot(path=PICTURES / f"{name_of(written)}-{scheme}.png", full_page=True)
        shades.add(background(page))
    assert len(shades) == 2
    page.emulate_media(color_scheme="light")
    assert background(page) in shades - {"rgb(15, 18, 22)"}


def test_the_keyboard_reaches_everything_in_its_order(opened: Open, written: Written) -> None:
    page = opened(written.url)
    wanted = page.locator(FOCUSABLE).evaluate_all(FOCUS_NAMES)
    reached = []
    for _each in wanted:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS_NAME))
    assert reached == wanted
    assert wanted[0] == "Skip to the report"


def test_the_skip_link_leads_to_the_report(opened: Open, written: Written) -> None:
    page = opened(written.url)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_what_is_folded_opens_by_the_keyboard(opened: Open, written: Written) -> None:
    page = opened(written.url)
    folded = page.locator("details.numbers").first
    folded.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(folded.locator("table")).to_be_visible()


def test_on_paper_everything_is_open_and_light(opened: Open, written: Written) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = opened(written.url, color_scheme="dark")
    folded = page.locator("details:not([open])").count()
    assert folded > 0
    dark = background(page)
    page.emulate_media(media="print")
    expect(page.locator("details:not([open])")).to_have_count(0)
    assert background(page) == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")
    expect(page.locator("details:not([open])")).to_have_count(folded)
    assert background(page) == dark
    printed = page.pdf(path=PICTURES / f"{name_of(written)}.pdf", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")


@pytest.mark.parametrize("width", [SMALL, 800, 1920])
def test_no_width_makes_the_page_scroll_sideways(opened: Open, written: Written, width: int) -> None:
    page = opened(written.url, width=width)
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for chart in page.locator(".chart").all():
        box = chart.locator("canvas").bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= width


def test_the_charts_follow_the_width(opened: Open, written: Written) -> None:
    page = opened(written.url, width=1280)
    page.set_viewport_size({"width": SMALL, "height": 800})
    # A wait in the page itself would be an expression to evaluate, which the page's own rule for scripts refuses.
    for left in tries(10):
        widths = page.evaluate("[...document.querySelectorAll('canvas')].map(each => each.clientWidth)")
        if widths and max(widths) < SMALL:
            break
        assert left, widths


def test_without_scripts_the_numbers_are_there(opened: Open, written: Written) -> None:
    page = opened(written.url, java_script_enabled=False)
    expect(page.locator("h2#verdict")).to_contain_text(VERDICT_WORDS[written.json["verdict"]], ignore_case=True)
    expect(page.locator("section.scenario")).to_have_count(len(written.json["scenarios"]))
    page.locator("details.numbers summary").first.click()
    expect(page.locator("details.numbers table").first).to_be_visible()
