"""The audit's page: nothing from a cluster becomes markup or script, and what it is made of is what it should be."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import report_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading
from ansible_collections.resilient.traefik.plugins.plugin_utils.audit_page import page
from ansible_collections.resilient.traefik.plugins.plugin_utils.audit_page.views import page_view, picture_of
from tests.unit.audit import sample
from tests.unit.audit.large import large
from tests.unit.audit.well import World, well

VENDOR = page.FOLDER / "vendor"
PROVENANCE = json.loads((VENDOR / "provenance.json").read_text())
EVIL = "</script><script>alert(1)</script><!--\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}\u2028"
HEADING = Heading("the audit", "lab", "", "2026-11-30T09:00:00Z", {"traefik": "3.7.15"})


def _report(world: World, **terms: Any) -> dict[str, Any]:
    return report_of(HEADING, audit(world.snapshot(), Terms(**terms)))


def test_nothing_from_a_cluster_becomes_markup() -> None:
    world = sample.bad()
    world["Middleware traefik/auth"]["spec"]["forwardAuth"]["address"] = f"http://{EVIL}/outpost.goauthentik.io/"
    world["Ingress shop/shop-1"]["spec"]["rules"][0]["host"] = EVIL
    heading = Heading(EVIL, EVIL, EVIL, "2026-11-30T09:00:00Z", {EVIL: EVIL})
    text = page.page_of(report_of(heading, audit(world.snapshot(), Terms())))
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("<script") == 2
    assert "\u2028" not in text.split('id="picture-data">')[1].split("</script>")[0]


def test_nothing_may_be_fetched_and_only_these_scripts_run() -> None:
    text = page.page_of(_report(well()))
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


def test_the_worst_is_the_first_sentence() -> None:
    assert (
        page_view(_report(sample.bad()))["lead"]
        == "When authentik/authentik-server hangs, 7 sites answer 500 after 30 s."
    )
    assert page_view(_report(well()))["lead"].startswith("Every ForwardAuth service")
    assert page_view(_report(World([])))["lead"] == "Traefik asks no ForwardAuth service."


def test_what_nothing_was_to_fail_on_is_no_pass() -> None:
    assert page_view(_report(sample.bad(), fail_on="never"))["word"] == "only told"
    assert page_view(_report(well(), fail_on="never"))["word"] == "passed"


def test_many_sites_are_drawn_by_namespace_and_too_many_are_not() -> None:
    picture = picture_of(_report(large())["blast_radius"])
    assert picture["boxes"] == []
    assert picture["too_large"]
    assert len(picture["told"]) == 2
    small = picture_of(_report(well())["blast_radius"])
    assert {each["kind"] for each in small["boxes"]} == {"target", "middleware", "site"}


def test_the_page_of_a_large_cluster_is_one_that_a_browser_takes() -> None:
    assert len(page.page_of(_report(large()))) < 1_000_000


@pytest.mark.parametrize("name", PROVENANCE["files"])
def test_what_is_bundled_is_what_its_provenance_says(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == PROVENANCE["files"][name]["sha256"]


def test_everything_that_is_bundled_is_accounted_for() -> None:
    assert {each.name for each in VENDOR.iterdir()} == {*PROVENANCE["files"], "provenance.json"}
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", PROVENANCE["integrity"])
    for name in page.SCRIPTS:
        assert "</" not in (page.FOLDER / name).read_text(), name
