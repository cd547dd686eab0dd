"""The report's page in a real, headless Chromium without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from ansible_collections.resilient.traefik.plugins.module_utils.drill import report
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.plugin_utils.drill_page.page import page_of
from tests.browser.chromium import find_chromium
from tests.unit.drill_report import sample

PICTURES = Path(__file__).parents[2] / "build" / "browser"
# As root, as in a container, Chromium's own sandbox does not work; the page is ours and there is no network.
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
RUNS: dict[str, dict[str, Any]] = {
    "side-by-side": {"drills": sample.all_passed(), "compared": sample.before_hardening(), "run_id": "run-1"},
    "every-verdict": {"drills": sample.every_verdict()},
}


class Written:
    """A report on the disk: its JSON and the address of its page."""

    def __init__(self, files: dict[str, str]) -> None:
        self.json: dict[str, Any] = json.loads(Path(files["json"]).read_text())
        self.url = Path(files["html"]).as_uri()


@pytest.fixture(scope="session", params=list(RUNS))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Each of the sample reports."""
    return write(tmp_path_factory.mktemp("report"), request.param)


def write(directory: Path, name: str) -> Written:
    """Has the module write the report."""
    task = Task(sample.options(directory=str(directory), name=name, **RUNS[name]))
    try:
        return Written(report.run(task, page_of)["files"])
    except ResilientError as error:
        return Written(error.facts["files"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    program = find_chromium()
    assert program, "no Chromium: `make browser` brings one"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a page without a network. At the end no page has complained, or asked for anything but itself."""
    complaints: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        complaints.append(f"{message.type}: {message.text}")

    def note_request(request: Request) -> None:
        if not request.url.startswith("file://") or not request.is_navigation_request():
            complaints.append(f"asked for {request.url}")

    def open_page(url: str, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 1000}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", note_request)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
