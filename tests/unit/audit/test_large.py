"""All rules over a large cluster: what they find, and that their work grows with the cluster and not with its square.

Work is counted in calls, which are the same on every machine. `make bench` measures the seconds.
"""

from __future__ import annotations

import cProfile

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.audit.judge import Terms, audit
from ansible_collections.resilient.traefik.plugins.module_utils.audit.outputs.report import report_of
from ansible_collections.resilient.traefik.plugins.module_utils.audit.registry import RULES
from ansible_collections.resilient.traefik.plugins.module_utils.audit.snapshot import Snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading
from tests.unit.audit.large import large
from tests.unit.audit.well import World


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return large().snapshot()


def test_it_is_as_large_as_it_should_be(snapshot: Snapshot) -> None:
    counts = {kind: len(items) for kind, items in snapshot.objects.items()}
    assert counts["Ingress"] >= 2000
    assert counts["IngressRoute"] >= 500
    assert counts["Middleware"] >= 500
    assert counts["Service"] >= 1000


def test_every_rule_judges_it(snapshot: Snapshot) -> None:
    found = audit(snapshot, Terms())
    report = report_of(Heading("t", "c", "", "2026-11-30T09:00:00Z", {}), found)
    assert len(RULES) > 50
    assert {each.rule for each in found.findings} == {"RT401"}
    assert len(found.findings) == len(report["findings"]) == 200
    assert all(len(each.hosts) == 1 for each in found.findings)
    # An Ingress without a retry, in its turn of every ten.
    assert {each.ref.name for each in found.findings} == {"site-0", "site-10"}


def _calls(world: World) -> int:
    profile = cProfile.Profile()
    profile.runcall(audit, world.snapshot(), Terms())
    return sum(each.callcount for each in profile.getstats())


@pytest.mark.parametrize("sizes", [((4, 10), (8, 10), (16, 10)), ((1, 40), (1, 80), (1, 160))], ids=["many", "crowded"])
def test_twice_as_much_is_twice_the_work(sizes: tuple[tuple[int, int], ...]) -> None:
    """Of many namespaces, and of one in which everything is."""
    small, middle, big = (_calls(large(*size)) for size in sizes)
    # The square would be four times.
    assert big - middle < 2.4 * (middle - small)
