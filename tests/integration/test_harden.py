"""The playbook harden on the lab as it comes, and everything put back by the playbook rollback."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.integration.http_in_pod import Door, ask_all
from tests.integration.lab_cluster import LabCluster
from tests.integration.standin import StandIn
from tests.integration.support_books import QUICK, Books
from tests.integration.support_seeded import OF_TIME, audited, seeded_in
from tests.integration.support_whole_state import State, differing, whole_state

pytest_plugins = ("tests.integration.support_fixtures",)
pytestmark = pytest.mark.alone

PARTS = ("tier", "bot_block", "auth", "forward_auth", "traefik_ha", "authentik", "authentik_pdb", "retry", "sites")
# What is printed in the middle of what a run does: a proxy comes up, Traefik is led to it, its replicas are replaced.
MOMENTS = (
    "Apply the proxy, and wait until it serves: waiting for",
    "fallback_proxy : The sites must answer as before",
    "waiting for Deployment traefik/traefik to be ready",
)
AT_ANOTHER_TASK = pytest.mark.variation("SIGKILL at every kind of task; test_lock_kept.py cancels a harden each time")


@pytest.fixture(scope="module")
def before(admin: Client) -> State:
    """The cluster as the tests of this file find it, and as they leave it."""
    return whole_state(admin)


@pytest.fixture
def books(kubeconfig: Path, tmp_path: Path, before: State, admin: Client) -> Iterator[Books]:
    """The playbooks; whatever a test leaves is rolled back, so that one failure does not make the others fail."""
    books = Books(kubeconfig, tmp_path, dict(QUICK))
    yield books
    for _run in range(4):
        if not differing(before, whole_state(admin)):
            break
        books.play("rollback")


def test_the_plan_is_shown_and_writes_nothing(books: Books, before: State, admin: Client) -> None:
    planned = books.play("harden", "--check", "--diff")
    assert planned.code == 0, planned.output
    assert planned.count("changed") > 5
    for shown in ("auth-proxy", "bot-block-proxy", "PodDisruptionBudget", "retry", "--serversTransport"):
        assert shown in planned.output
    assert differing(before, whole_state(admin)) == {}


def test_it_cures_the_disease_proves_it_and_goes_back(
    books: Books, before: State, admin: Client, traefik_doors: list[Door], cluster: LabCluster, outpost: StandIn
) -> None:
    """That it changes nothing the second time is what molecule's scenario default shows."""
    hardened = books.play("harden")
    assert hardened.code == 0, hardened.output
    report = json.loads(next(books.reports.glob("*.json")).read_text())
    assert report["failed"] == 0
    assert {check["area"] for check in report["checks"]} == set(PARTS)
    assert next(books.reports.glob("*.xml")).read_text().startswith("<?xml")
    assert set(seeded_in(audited(admin))) - set(OF_TIME) == set()

    doors = [Door(cluster, "traefik", pod, 8000) for pod in cluster.ready_pods("traefik", _selector(cluster))]
    with outpost.failing("hang"):
        answers = ask_all(doors, "private.lab.test", "/get")
    assert {answer.status for answer in answers.values()} == {401}
    assert all(answer.seconds < 2.5 for answer in answers.values()), answers

    back = books.play("rollback")
    assert back.code == 0, back.output
    assert differing(before, whole_state(admin)) == {}


@AT_ANOTHER_TASK
@pytest.mark.parametrize("moment", MOMENTS)
def test_it_goes_back_after_the_controller_was_killed(books: Books, before: State, admin: Client, moment: str) -> None:
    run_id = f"killed-{MOMENTS.index(moment)}"
    killed = books.kill_at(moment, "harden", resilient_traefik_run_id=run_id)
    assert killed.code == -signal.SIGKILL, killed.output
    assert differing(before, whole_state(admin)) != {}
    back = books.play("rollback", resilient_traefik_run_id=run_id, resilient_traefik_dead_run=run_id)
    assert back.code == 0, back.output
    assert differing(before, whole_state(admin)) == {}


@pytest.mark.variation("a run that failed; one that was killed is tried each time")
def test_it_goes_back_after_a_run_that_failed(books: Books, before: State, admin: Client) -> None:
    """An image that no node can get: the tier is moved, a proxy never comes up, and nobody is led to it."""
    failed = books.play("harden", bot_block_proxy_image="localhost/nowhere:1", bot_block_proxy_wait_timeout="20")
    assert failed.code != 0
    assert "localhost/nowhere:1" in failed.output
    assert "resilient.traefik.rollback -e resilient_traefik_run_id=harden-" in failed.output
    assert differing(before, whole_state(admin)) != {}
    back = books.play("rollback", resilient_traefik_run_id=failed.run_id())
    assert back.code == 0, back.output
    assert differing(before, whole_state(admin)) == {}


def test_bad_input_is_refused_at_once_and_all_of_it(books: Books, before: State, admin: Client) -> None:
    wrong = {
        "auth_proxy_replicas": 9,
        "bot_block_proxy_middleware": {"name": "nobody-has-this"},
        "traefik_ha_min_available": 9,
    }
    variables = [part for name, value in wrong.items() for part in ("-e", json.dumps({name: value}))]
    refused = books.play("harden", *variables)
    assert refused.code != 0
    assert "Nothing was changed." in refused.output
    for name in wrong:
        assert name in refused.output
    assert differing(before, whole_state(admin)) == {}


def _selector(cluster: LabCluster) -> str:
    labels = cluster.deployment("traefik", "traefik")["spec"]["selector"]["matchLabels"]
    return ",".join(f"{key}={value}" for key, value in labels.items())
