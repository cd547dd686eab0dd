"""Everything that the collection promises is broken by hand on the hardened lab, and verify has to name it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import LabCluster
from tests.integration.sabotages.changes import changed
from tests.integration.sabotages.sabotage import Sabotage
from tests.integration.sabotages.table import SABOTAGES, stage, stages
from tests.integration.standin import StandIn
from tests.integration.support_books import QUICK, ROOT, Books, Ended, hardened_by
from tests.integration.support_drill import variables

pytestmark = pytest.mark.alone

# A verdict that is wanted is not waited for.
AT_ONCE = {
    "resilient_traefik_verify_seconds": "0",
    "tier_wait_timeout": "0",
    "authentik_pdb_wait_timeout": "0",
    "retry_wait_timeout": "0",
}
TAGS = {"forward_auth": "auth,bot_block"}
EVERY_PROMISE = pytest.mark.variation("every promise broken; test_forward_auth_check.py breaks those of the way")
# Those of verify; without a Prometheus nothing is there to be proved of alerts.
AREAS = {"bot_block", "auth", "forward_auth", "traefik_ha", "authentik", "authentik_pdb", "retry", "tier"}


@dataclass(frozen=True)
class Verdict:
    """What a verify said: its report, and how it ended."""

    ended: Ended
    report: dict[str, Any]

    def failed(self, area: str) -> list[str]:
        """The checks of an area that did not pass, each in words."""
        checks = self.report["checks"]
        return [f"{c['name']}: {c['found']}" for c in checks if c["area"] == area and not c["passed"]]

    def names(self, sabotage: Sabotage) -> bool:
        """Whether one failed check has all words of the sabotage."""
        return any(all(words in told for words in sabotage.words) for told in self.failed(sabotage.area))


def verdict(books: Books, areas: Iterable[str], **variables: str) -> Verdict:
    """One verify of these areas."""
    for report in books.reports.glob("*"):
        report.unlink()
    tags = ",".join(sorted({TAGS.get(area, area) for area in areas}))
    ended = books.play("verify", "--tags", tags, **variables)
    reports = [json.loads(path.read_text()) for path in books.reports.glob("*.json")]
    assert len(reports) == 1, ended.output
    return Verdict(ended, reports[0])


@pytest.fixture(scope="module")
def well(outpost: StandIn, blocker: StandIn) -> None:
    """Whoever is asked answers, whatever an earlier run left."""


@pytest.fixture(scope="module")
def hardened(kubeconfig: Path, well: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The lab after harden, and as before in the end."""
    with hardened_by(Books(kubeconfig, tmp_path_factory.mktemp("reports"), QUICK)) as books:
        yield books


def _found_all(books: Books, cluster: LabCluster, sabotages: list[Sabotage]) -> None:
    """Do all of these, have verify look once, take them back: each has to be named, and nothing that was not done."""
    # Two of them may be one and the same deed.
    changes = {id(change): change for each in sabotages for change in each.changes}
    with changed(cluster, changes.values()):
        seen = verdict(books, {each.area for each in sabotages}, **AT_ONCE)
    assert seen.ended.code != 0
    told = {area: seen.failed(area) for area in sorted({each.area for each in sabotages})}
    missed = [each.name for each in sabotages if not seen.names(each)]
    assert missed == [], json.dumps(told, indent=1)
    words = {(each.area, each.words) for each in sabotages}
    others = [each.name for each in SABOTAGES if (each.area, each.words) not in words and seen.names(each)]
    assert others == [], json.dumps(told, indent=1)


def test_each_is_told_apart_and_the_readme_has_their_number() -> None:
    assert len({each.name for each in SABOTAGES}) == len(SABOTAGES)
    found = re.search(r"(\d+) of (\d+) sabotages found", (ROOT / "README.md").read_text())
    assert found, "the README does not say how many there are"
    assert (int(found[1]), int(found[2])) == (len(SABOTAGES), len(SABOTAGES))


def test_nothing_holds_where_nothing_was_hardened(kubeconfig: Path, well: None, tmp_path: Path) -> None:
    seen = verdict(Books(kubeconfig, tmp_path, QUICK), ["verify"], **AT_ONCE)
    assert seen.ended.code != 0
    states = {each["name"]: each["state"] for each in seen.report["areas"]}
    assert {name for name, state in states.items() if state == "failed"} == AREAS, states


@EVERY_PROMISE
@pytest.mark.parametrize("number", stages())
def test_what_was_done_is_found_and_named(number: int, hardened: Books, cluster: LabCluster) -> None:
    _found_all(hardened, cluster, stage(number))


@EVERY_PROMISE
@pytest.mark.parametrize("sabotage", [each for each in SABOTAGES if each.drill], ids=lambda each: each.drill)
def test_a_drill_feels_what_was_done(sabotage: Sabotage, hardened: Books, cluster: LabCluster) -> None:
    """It deviates, and not because it proved nothing."""
    chosen = json.dumps(variables(scenarios=[sabotage.drill]))
    with changed(cluster, sabotage.changes):
        ended = hardened.play("drill", "-e", chosen)
    (found,) = hardened.reports.glob("drill-*.json")
    (drill,) = json.loads(found.read_text())["scenarios"]
    found.unlink()
    assert ended.code != 0
    assert drill["verdict"] == "deviated", drill["reasons"]


@EVERY_PROMISE
def test_all_holds_again(hardened: Books) -> None:
    seen = verdict(hardened, ["verify"])
    assert seen.ended.code == 0, seen.ended.output
    assert {each["name"] for each in seen.report["areas"] if each["state"] == "passed"} >= AREAS
