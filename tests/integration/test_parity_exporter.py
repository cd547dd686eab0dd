"""The parity exporter tells the replica that lacks something, and nothing else, whatever else is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_parity import INTERVAL, replicas, running
from tests.integration.support_parity_target import FakeReplica

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback


def routers(*names: str) -> list[dict[str, Any]]:
    """Routers as Traefik's API tells of them."""
    return [{"name": f"{name}@kubernetescrd", "rule": f"Host(`{name}`)", "status": "enabled"} for name in names]


def test_replicas_that_route_alike(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, replicas()) as exporter:
        told = exporter.after_rounds(3)
        assert told["replicas"] == 3
        assert told["sites"] == 3
        assert [exporter.missing(f"traefik-{at}") for at in range(3)] == [0, 0, 0]
        assert told['checks_total{result="same"}'] >= 4
        assert told['checks_total{result="failed"}'] == 0
        assert told["last_check_timestamp_seconds"] > 1.7e9
        assert not [name for name in told if name.startswith("routers{")], "the API is closed"
        assert exporter.ask("/readyz")[0] == exporter.ask("/healthz")[0] == 200
        path = exporter.cluster.paths[0]
        assert path.startswith("/api/v1/namespaces/traefik/pods?labelSelector=app.kubernetes.io%2Fname%3Dtraefik&")
        asked = exporter.cluster.replicas[0].asked
        assert {method for method, _host in asked} == {"HEAD"}, "no page is read where nothing is in doubt"
        assert exporter.log() == ""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_replica_that_lacks_a_router_is_told_and_no_other(nginx: Path, tmp_path: Path, tls: bool) -> None:
    pods = replicas()
    with running(nginx, tmp_path, pods, tls=tls) as exporter:
        before = exporter.rounds()
        pods[1].routed.discard("b.test")
        eventually(lambda: exporter.missing("traefik-1") == 1, "the loss is told", 10 * INTERVAL)
        assert exporter.rounds() >= before + 2, "one round is not enough"
        assert [exporter.missing(f"traefik-{at}") for at in (0, 2)] == [0, 0]
        assert exporter.metrics()['checks_total{result="different"}'] >= 1
        entry_point = "websecure" if tls else "web"
        assert f"traefik-1 lacks what other replicas have: b.test/ at {entry_point}" in exporter.log()
        pods[1].routed.add("b.test")
        eventually(lambda: exporter.missing("traefik-1") == 0, "it is whole again", 10 * INTERVAL)
        assert "traefik-1 has again what other replicas have" in exporter.log()


def test_most_replicas_may_be_the_ones_that_lack_it(nginx: Path, tmp_path: Path) -> None:
    pods = replicas()
    with running(nginx, tmp_path, pods) as exporter:
        for pod in pods[:2]:
            pod.routed.clear()
        eventually(lambda: exporter.missing("traefik-0") == 3, "the loss is told", 10 * INTERVAL)
        assert [exporter.missing(f"traefik-{at}") for at in range(3)] == [3, 3, 0]


def _removed_everywhere(pods: list[FakeReplica]) -> None:
    for pod in pods:
        pod.routed.discard("b.test")


def _other_status(status: int) -> Callable[[list[FakeReplica]], None]:
    def change(pods: list[FakeReplica]) -> None:
        pods[1].status = status

    return change


def _wrong_certificate(pods: list[FakeReplica]) -> None:
    pods[1].status = 421
    for pod in (pods[0], pods[2]):
        pod.routed.clear()


def _application_like_traefik(pods: list[FakeReplica]) -> None:
    for pod in pods:
        pod.flips.add("b.test")


def _hanging(pods: list[FakeReplica]) -> None:
    pods[1].hangs = True


def _not_ready(pods: list[FakeReplica]) -> None:
    pods[1].routed.clear()
    pods[1].ready = False


def _young(pods: list[FakeReplica]) -> None:
    pods[1].routed.clear()
    pods[1].ready_for = 5


def _leaving(pods: list[FakeReplica]) -> None:
    pods[1].routed.clear()
    pods[1].leaving = True


def _somebody_elses(pods: list[FakeReplica]) -> None:
    pods[1].routed.clear()
    pods[1].owner = "traefik-internal-5d8f7c6b9"


def _own_routes_of_this_collection(pods: list[FakeReplica]) -> None:
    for pod in pods:
        pod.routers = routers("a")
    opening = {"name": "x@kubernetescrd", "rule": "Header(`X-Resilient-Traefik`, `token`)", "status": "enabled"}
    pods[0].routers = [*routers("a"), opening, *routers("traefik-resilient-probe-1a2b-0")]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_removed_everywhere, id="removed everywhere"),
        pytest.param(_other_status(503), id="an application that fails"),
        pytest.param(_other_status(429), id="a rate limit"),
        pytest.param(_other_status(302), id="a login"),
        pytest.param(_other_status(404), id="an application's own 404"),
        pytest.param(_wrong_certificate, id="an answer from before routing"),
        pytest.param(_application_like_traefik, id="an application that answers as Traefik now and then"),
        pytest.param(_hanging, id="a replica that hangs"),
        pytest.param(_not_ready, id="not ready"),
        pytest.param(_young, id="just ready"),
        pytest.param(_leaving, id="leaving"),
        pytest.param(_somebody_elses, id="another workload's pod with the same labels"),
        pytest.param(_own_routes_of_this_collection, id="routes that open the API or probe"),
    ],
)
def test_nothing_is_told_that_is_no_loss(
    nginx: Path, tmp_path: Path, change: Callable[[list[FakeReplica]], None]
) -> None:
    pods = replicas()
    with running(nginx, tmp_path, pods) as exporter:
        change(pods)
        told = exporter.after_rounds(5)
        assert not [name for name, value in told.items() if name.startswith("missing") and value]
        assert told['checks_total{result="different"}'] == 0
        assert "lacks" not in exporter.log()


def test_who_is_left_out_is_counted(nginx: Path, tmp_path: Path) -> None:
    pods = replicas(5)
    pods[2].ready = False
    pods[3].ready_for = 5
    pods[4].leaving = True
    with running(nginx, tmp_path, pods) as exporter:
        told = exporter.metrics()
        assert told["replicas"] == 2
        assert [told[f'left_out{{reason="{reason}"}}'] for reason in ("not_ready", "young", "leaving")] == [1, 1, 1]
        assert exporter.missing("traefik-2") is None


def test_a_loss_for_one_round_is_not_told(nginx: Path, tmp_path: Path) -> None:
    pods = replicas()
    with running(nginx, tmp_path, pods) as exporter:
        exporter.after_rounds(1)
        pods[1].routed.clear()
        exporter.after_rounds(1)
        pods[1].routed.update(("a.test", "b.test", "c.test"))
        told = exporter.after_rounds(3)
        assert told['checks_total{result="different"}'] == 0


def test_a_loss_stays_while_the_replica_says_nothing_and_goes_with_it(nginx: Path, tmp_path: Path) -> None:
    pods = replicas(4)
    with running(nginx, tmp_path, pods) as exporter:
        pods[1].routed.discard("b.test")
        eventually(lambda: exporter.missing("traefik-1") == 1, "the loss is told", 10 * INTERVAL)
        pods[1].hangs = True
        exporter.after_rounds(2)
        told = exporter.metrics()
        assert exporter.missing("traefik-1") == 1
        assert told['unanswered{replica="traefik-1"}'] >= 3
        exporter.cluster.replicas.remove(pods[1])
        eventually(lambda: exporter.missing("traefik-1") is None, "it is not told any more", 10 * INTERVAL)


def test_a_loss_stays_while_the_application_is_too_slow_to_tell(nginx: Path, tmp_path: Path) -> None:
    pods = replicas()
    with running(nginx, tmp_path, pods) as exporter:
        pods[1].routed.discard("b.test")
        eventually(lambda: exporter.missing("traefik-1") == 1, "the loss is told", 10 * INTERVAL)
        for pod in pods:
            pod.slow.add("b.test")
        exporter.after_rounds(3)
        assert exporter.missing("traefik-1") == 1
        assert "has again" not in exporter.log()


def test_routers_are_compared_where_the_api_is_open(nginx: Path, tmp_path: Path) -> None:
    pods = replicas()
    many = [f"site-{number}" for number in range(1200)]
    for pod in pods:
        pod.routers = routers(*many)
    with running(nginx, tmp_path, pods) as exporter:
        assert exporter.metrics()['routers{replica="traefik-0"}'] == 1200
        pods[2].routers = [*routers(*many[:-2]), routers(many[-1])[0] | {"status": "disabled"}]
        eventually(lambda: exporter.missing("traefik-2") == 2, "the loss is told", 10 * INTERVAL)
        assert [exporter.missing(f"traefik-{at}") for at in (0, 1)] == [0, 0]
        assert "http router site-1198@kubernetescrd, http router site-1199@kubernetescrd" in exporter.log()
        pods[2].routers = routers(*many)
        eventually(lambda: exporter.missing("traefik-2") == 0, "it is whole again", 10 * INTERVAL)


def test_a_lost_router_stays_lost_while_no_other_api_can_be_read(nginx: Path, tmp_path: Path) -> None:
    pods = replicas(2)
    for pod in pods:
        pod.routers = routers("a", "b")
    with running(nginx, tmp_path, pods) as exporter:
        pods[0].routers = routers("a")
        eventually(lambda: exporter.missing("traefik-0") == 1, "the loss is told", 10 * INTERVAL)
        pods[1].routers = None
        exporter.after_rounds(2)
        assert exporter.missing("traefik-0") == 1
        pods[0].routers = None
        eventually(lambda: exporter.missing("traefik-0") == 0, "nobody can tell any more", 10 * INTERVAL)


def test_a_single_replica_has_nothing_to_be_compared_with(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, replicas(1)) as exporter:
        told = exporter.after_rounds(1)
        assert told['checks_total{result="alone"}'] >= 2
        assert exporter.missing("traefik-0") == 0
        assert exporter.cluster.replicas[0].asked == []


def test_without_the_api_server_the_last_check_grows_old(nginx: Path, tmp_path: Path) -> None:
    with running(nginx, tmp_path, replicas()) as exporter:
        last = exporter.metrics()["last_check_timestamp_seconds"]
        exporter.cluster.refuses = 403
        eventually(lambda: exporter.metrics()['checks_total{result="failed"}'] >= 2, "rounds fail", 10 * INTERVAL)
        told = exporter.metrics()
        assert told["last_check_timestamp_seconds"] <= last + 2 * INTERVAL
        assert exporter.ask("/healthz")[0] == 200, "a restart would not help"
        assert "does not list Traefik's pods: 403" in exporter.log()
        eventually(lambda: exporter.ask("/readyz")[0] == 503, "it does not call itself ready", 10 * INTERVAL)
        exporter.cluster.refuses = 0
        eventually(
            lambda: exporter.metrics()["last_check_timestamp_seconds"] > told["last_check_timestamp_seconds"],
            "it compares again",
            10 * INTERVAL,
        )


@pytest.mark.parametrize("field", ["hangs", "unreachable"])
def test_it_is_not_ready_before_it_compared(nginx: Path, tmp_path: Path, field: str) -> None:
    pods = replicas()
    for pod in pods:
        setattr(pod, field, True)
    with running(nginx, tmp_path, pods) as exporter:
        # On a busy machine the first round may not come so far as to ask them.
        told = "fewer than two replicas answer: none"
        eventually(lambda: told in exporter.log(), "a round that nobody answered", 20 * INTERVAL)
        assert exporter.ask("/readyz")[0] == 503
        assert "last_check_timestamp_seconds" not in exporter.metrics()


def test_more_sites_than_a_round_asks_come_in_turn(nginx: Path, tmp_path: Path) -> None:
    pods = replicas()
    with running(nginx, tmp_path, pods, questions_a_round=2) as exporter:
        exporter.after_rounds(2)
        assert {host for _method, host in pods[0].asked} == {"a.test", "b.test", "c.test"}
        pods[0].routed.clear()
        eventually(lambda: exporter.missing("traefik-0") == 3, "the loss is told", 20 * INTERVAL)
        pods[0].routed.update(("a.test", "b.test", "c.test"))
        eventually(lambda: exporter.missing("traefik-0") == 0, "it is whole again", 20 * INTERVAL)
