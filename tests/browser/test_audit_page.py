"""The page of an audit in a real Chromium: found by words, by namespace and severity; drawn; without a barrier."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import report_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading
from ansible_collections.resilient.traefik.plugins.plugin_utils.audit_page.page import page_of
from tests.browser.conftest import PICTURES, Open
from tests.unit.audit import sample

HEADING = Heading("the audit of Traefik", "lab", "", "2026-11-30T09:00:00Z", {"traefik": "3.7.15"})
SHOWN = ".hits li:visible"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a cluster with much that is wrong."""
    path: Path = tmp_path_factory.mktemp("audit") / "audit-lab.html"
    path.write_text(page_of(report_of(HEADING, audit(sample.bad().snapshot(), sample.terms()))), encoding="utf-8")
    return path.as_uri()


def _hits(page: Page) -> int:
    return page.locator(SHOWN).count()


ANOTHER_LOOK = pytest.mark.variation("another look of the same page")


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1280),
        pytest.param("dark", 1280, marks=ANOTHER_LOOK),
        pytest.param("light", 360, marks=ANOTHER_LOOK),
    ],
)
def test_no_barrier_that_axe_knows(opened: Open, url: str, scheme: str, width: int) -> None:
    page = opened(url, width=width, color_scheme=scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"audit-{scheme}-{width}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    told = [f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}" for each in found]
    assert told == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_words_narrow_what_is_shown(opened: Open, url: str) -> None:
    page = opened(url)
    everything = _hits(page)
    page.get_by_label("Search").fill("RT101 auth")
    assert 0 < _hits(page) < everything
    expect(page.locator("#shown")).to_have_text(f"{_hits(page)} of {everything} findings")
    page.get_by_label("Search").fill("no such words")
    expect(page.locator("#nothing")).to_be_visible()
    assert _hits(page) == 0


def test_a_namespace_and_a_severity_narrow_it_too(opened: Open, url: str) -> None:
    page = opened(url)
    page.get_by_label("Namespace").select_option("shop")
    assert set(page.locator(SHOWN).evaluate_all("all => all.map(each => each.dataset.namespace)")) == {"shop"}
    page.get_by_label("Namespace").select_option("")
    page.get_by_label("high", exact=True).uncheck()
    assert page.locator(".rule.high:visible").count() == 0
    assert page.locator(".rule.medium:visible").count() > 0


def test_the_picture_leads_from_what_is_asked_to_the_sites(opened: Open, url: str) -> None:
    page = opened(url)
    boxes = page.locator("#picture g")
    names = boxes.locator("text:not(.note)").all_text_contents()
    assert {"authentik/authentik-server", "traefik/auth", "shop.test"} <= set(names)
    left, right = (
        boxes.filter(has_text=name).first.bounding_box() for name in ("authentik/authentik-server", "shop.test")
    )
    assert left
    assert right
    assert left["x"] + left["width"] < right["x"]
    boxes.filter(has_text="traefik/auth").first.click()
    expect(page.get_by_label("Search")).to_have_value("auth")


def test_without_scripts_everything_is_there(opened: Open, url: str) -> None:
    page = opened(url, java_script_enabled=False)
    expect(page.locator("#filter")).to_be_hidden()
    assert _hits(page) > 5
    expect(page.get_by_role("table", name="What visitors get")).to_be_visible()
