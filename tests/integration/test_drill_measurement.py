"""The measurement through a Traefik of the test's own: replicas that come and go, connections that end, TLS."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import Counters
from ansible_collections.resilient.traefik.plugins.module_utils.drill.figures import by_replica, figures_of, timeline_of
from ansible_collections.resilient.traefik.plugins.module_utils.drill.measurement import Measurement
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload, find_workload
from tests.integration.lab_cluster import eventually
from tests.integration.support_backend import backend, backend_ref, before_ingresses, routes
from tests.integration.support_own_traefik import run

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.quiet

HOST = "site.ingress.test"
ARGUMENTS = (
    "--metrics.prometheus=true",
    "--entryPoints.websecure.address=:8443/tcp",
    "--entryPoints.websecure.http.tls=true",
    "--entryPoints.web.transport.respondingTimeouts.idleTimeout=1s",
)


def visitor(path: str = "/status/200", https: bool = False) -> Visitor:
    request = Request(host=HOST, path=path, https=https, verify=False)
    return Visitor(path, request, credentials="session", before=(200,))


@pytest.fixture
def edge(admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> Workload:
    """Two replicas that close an idle connection after a second, and a site behind them."""
    traefik = before_ingresses(namespace, *ARGUMENTS, replicas=2)
    cleaned(ref_of(traefik.binding()))
    Writer(admin, check_mode=False).apply([traefik.binding(), backend(namespace), *routes(namespace, "site")])
    run(admin, traefik)
    wait_until_ready(admin, [backend_ref(namespace)], 120, print)
    return find_workload(admin, namespace, traefik.name)


def measurement(client: Client, edge: Workload, folder: Path, *visitors: Visitor, rate: float = 20.0) -> Measurement:
    entry_point = "websecure" if visitors[0].request.https else "web"
    spool = folder / "requests.csv.gz"
    return Measurement(client, edge, entry_point, visitors, rate=rate, max_seconds=5, spool=spool, burst=10)


def answered(measured: Measurement, seconds: float) -> None:
    """Waits until the site has answered as before for a while."""
    # Three answers in a row, also where there is one a second.
    eventually(lambda: measured.recovered_after(time.time(), 6) is not None, "the site", 60)
    measured.sent_until(time.time() + seconds)


def test_replicas_come_and_go(admin: Client, edge: Workload, tmp_path: Path) -> None:
    visitors = [visitor(), visitor("/headers")]
    measured, counters = measurement(admin, edge, tmp_path, *visitors), Counters(admin, edge, entry_point="web")
    lost, stays = measured_names(edge)
    with measured.running(), counters.running():
        answered(measured, 2)
        measured.burst_now()
        Writer(admin, check_mode=False).delete([ObjectRef("v1", "Pod", lost, edge.ref.namespace)])
        gone = time.time()
        eventually(lambda: len(measured.replicas) == 3, "a third replica", 60)
        answered(measured, 3)
    records = list(measured.records())
    assert measured.faults == []
    assert not [record for record in records if record.replica == stays and record.status not in (200, 404)]
    of_lost = [record for record in records if record.replica == lost]
    # It is asked as a load balancer would that has not heard yet: leave_seconds, and what it takes to see it.
    assert gone < max(record.sent for record in of_lost) < gone + 10
    (new,) = set(measured.replicas) - {lost, stays}
    assert {record.visitor for record in records if record.replica == new} == {0, 1}
    assert set(by_replica(records, visitors)) == {lost, stays, new}
    counted = timeline_of(records, visitors, gone, counters.by_second())
    seen = sum(sum(second["traefik"].values()) for second in counted)
    # What the lost one counted last is gone with it.
    assert 0.7 * len(records) < seen <= len(records) + 10


def measured_names(edge: Workload) -> list[str]:
    return [replica.name for replica in edge.ready]


def test_a_kept_connection_that_traefik_closes_is_no_failure(admin: Client, edge: Workload, tmp_path: Path) -> None:
    measured = measurement(admin, edge, tmp_path, visitor(), rate=0.5)
    with measured.running():
        answered(measured, 0)
        begun = time.time()
        measured.sent_until(begun + 12)
    records = [record for record in measured.records() if record.sent >= begun]
    assert len(records) >= 8
    assert {(record.status, record.error) for record in records} == {(200, "")}


def test_a_failing_site_is_seen_and_its_recovery_too(admin: Client, edge: Workload, tmp_path: Path) -> None:
    measured = measurement(admin, edge, tmp_path, visitor(https=True))
    with measured.running():
        answered(measured, 1)
        scale(admin, edge.ref.namespace, 0)
        fault = time.time()
        eventually(lambda: measured.recovered_after(time.time(), 0) is None, "the fault", 30)
        measured.sent_until(time.time() + 2)
        scale(admin, edge.ref.namespace, 1)
        restored = time.time()
        recovered = measured.recovered_after(restored, 60)
        measured.sent_until(time.time() + 1)
    records = list(measured.records())
    assert recovered is not None
    figures = figures_of(records, [visitor()], fault, restored, not_sent=measured.not_sent)
    assert figures["kinds"]["failed"] > 10
    assert {"200", "503"} <= set(figures["statuses"])
    # What was under way then has been answered by now: the row may begin a little earlier.
    assert 0 < figures["recovery_seconds"] <= recovered + 0.001


def scale(client: Client, namespace: str, replicas: int) -> None:
    found = client.get(backend_ref(namespace))
    Writer(client, check_mode=False).patch([Patch(found, {"spec": {"replicas": replicas}})])


def test_no_replica_is_ready(
    admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None], tmp_path: Path
) -> None:
    traefik = before_ingresses(namespace, replicas=0)
    cleaned(ref_of(traefik.binding()))
    Writer(admin, check_mode=False).apply([traefik.binding()])
    run(admin, traefik, ready=False)
    measured = measurement(admin, find_workload(admin, namespace, traefik.name), tmp_path, visitor())
    with pytest.raises(BadArgument, match="none of its replicas is ready"), measured.running():
        pytest.fail("it runs")


def test_visitors_need_names_of_their_own(admin: Client, tmp_path: Path) -> None:
    lab = find_workload(admin, "traefik")
    with pytest.raises(BadArgument, match="needs a name of its own"):
        measurement(admin, lab, tmp_path, visitor(), visitor())
