"""The exporter tells what is not as it was hardened and who wrote it, and nothing to be well that it cannot know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_cluster import eventually
from tests.integration.support_parity import INTERVAL, Running, replicas, running
from tests.unit.monitoring import hardened_sample as sample
from tests.unit.monitoring.hardened_sample import BUDGET, INGRESS, MIDDLEWARE, PROXY, RETRY, ROUTE, TRAEFIK

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = pytest.mark.loopback

PREFIX = "resilient_traefik_hardening_"
KINDS = {
    MIDDLEWARE: "Middleware",
    BUDGET: "PodDisruptionBudget",
    PROXY: "Deployment",
    TRAEFIK: "Deployment",
    INGRESS: "Ingress",
    ROUTE: "IngressRoute",
    RETRY: "Middleware",
}
Objects = dict[str, dict[str, Any]]


@contextmanager
def hardened(nginx: Path, folder: Path, **more: Any) -> Iterator[Running]:
    """The exporter of the sample, once it has looked at all that a round looks at.

    It waits longer for an answer than where replicas are compared: handshakes of this API server come one by one.
    """
    there = sample.objects()
    hardening = {"objects": sample.record(there), "left_out": 2}
    patience: dict[str, Any] = {"connect_within": 0.6, "answer_within": 0.6}
    with running(nginx, folder, replicas(2), hardening=hardening, objects=there, **patience, **more) as exporter:
        eventually(lambda: _is_known(exporter), "all is known", 20 * INTERVAL)
        yield exporter


def _told(exporter: Running, name: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each series of that name."""
    pattern = re.compile(rf"^{PREFIX}{name}(?:\{{(.*)\}})? (\S+)$", re.MULTILINE)
    found = pattern.findall(exporter.ask("/metrics")[1])
    return [(dict(re.findall(r'(\w+)="((?:\\.|[^"])*)"', labels)), float(value)) for labels, value in found]


def _is_known(exporter: Running) -> bool:
    return bool(_told(exporter, "intact")) and not _told(exporter, "unknown")


def _unknown(exporter: Running) -> set[tuple[str, str]]:
    return {(labels["object_name"], labels["reason"]) for labels, _value in _told(exporter, "unknown")}


def _rounds(exporter: Running) -> float:
    return sum(value for _labels, value in _told(exporter, "checks_total"))


def _after_rounds(exporter: Running, number: int) -> None:
    wanted = _rounds(exporter) + number
    eventually(lambda: _rounds(exporter) >= wanted, f"{number} more rounds", INTERVAL * (number + 5))


def _fields(exporter: Running, path: str) -> dict[str, float]:
    """By field whether it is intact."""
    place = {"kind": KINDS[path], "object_namespace": path.split("/")[-3], "object_name": path.split("/")[-1]}
    told = _told(exporter, "intact")
    return {labels["field"]: value for labels, value in told if place.items() <= labels.items()}


def _undone(exporter: Running) -> list[str]:
    told = _told(exporter, "intact")
    return sorted(f"{labels['object_name']} {labels['field']}" for labels, value in told if not value)


def test_all_is_as_it_was(nginx: Path, tmp_path: Path) -> None:
    with hardened(nginx, tmp_path) as exporter:
        assert _undone(exporter) == []
        assert {path: sorted(_fields(exporter, path)) for path in KINDS} == {
            MIDDLEWARE: ["address", "authRequestHeaders", "authResponseHeaders", "object"],
            RETRY: ["object", "retry"],
            BUDGET: ["maxUnavailable", "object", "selector"],
            PROXY: ["configMap", "configuration", "object", "topologySpreadConstraints"],
            TRAEFIK: [
                "object",
                "podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution",
                "topologySpreadConstraints",
            ],
            INGRESS: ["chain", "object"],
            ROUTE: ["chain", "object"],
        }
        assert _told(exporter, "objects") == [({}, 7)]
        assert _told(exporter, "routes_left_out") == [({}, 2)]
        assert _told(exporter, "last_write_timestamp_seconds") == []
        assert _told(exporter, "last_check_timestamp_seconds")[0][1] > 1.7e9
        assert {each["result"]: value for each, value in _told(exporter, "checks_total")}["intact"] >= 1
        asked = {path for path in exporter.cluster.paths if "/pods?" not in path}
        assert asked == {f"{path}?resourceVersion=0" for path in KINDS}, "and nothing else is asked of the API server"
        assert "hardened" not in exporter.log()


def _address(there: Objects) -> None:
    there[MIDDLEWARE]["spec"]["forwardAuth"]["address"] = "http://outpost.auth:9000/auth"


def _fewer_headers(there: Objects) -> None:
    there[MIDDLEWARE]["spec"]["forwardAuth"]["authResponseHeaders"] = ["X-authentik-username"]


def _no_headers(there: Objects) -> None:
    del there[MIDDLEWARE]["spec"]["forwardAuth"]["authResponseHeaders"]


def _headers_kept_back(there: Objects) -> None:
    there[MIDDLEWARE]["spec"]["forwardAuth"]["authRequestHeaders"] = ["Cookie"]


def _no_middleware(there: Objects) -> None:
    del there[MIDDLEWARE]


def _no_retry(there: Objects) -> None:
    there[RETRY]["spec"]["retry"]["attempts"] = 1


def _no_budget(there: Objects) -> None:
    del there[BUDGET]


def _wider_budget(there: Objects) -> None:
    there[BUDGET]["spec"]["maxUnavailable"] = "100%"


def _other_number(there: Objects) -> None:
    del there[BUDGET]["spec"]["maxUnavailable"]
    there[BUDGET]["spec"]["minAvailable"] = 1


def _other_selector(there: Objects) -> None:
    there[BUDGET]["spec"]["selector"]["matchLabels"]["version"] = "2"


def _no_spread(there: Objects) -> None:
    del there[PROXY]["spec"]["template"]["spec"]["topologySpreadConstraints"]


def _soft_spread(there: Objects) -> None:
    (constraint,) = there[TRAEFIK]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    constraint["whenUnsatisfiable"] = "ScheduleAnyway"


def _together(there: Objects) -> None:
    del there[TRAEFIK]["spec"]["template"]["spec"]["affinity"]


def _other_configuration(there: Objects) -> None:
    template = there[PROXY]["spec"]["template"]
    template["metadata"]["annotations"] = {}
    template["spec"]["volumes"][0]["configMap"]["name"] = "mine"


def _out_of_the_chain(there: Objects) -> None:
    there[INGRESS]["metadata"]["annotations"] = {}


def _behind_another(there: Objects) -> None:
    chain = there[ROUTE]["spec"]["routes"][0]["middlewares"]
    chain.reverse()


@pytest.mark.parametrize(
    ("change", "undone"),
    [
        (_address, ["authentik address"]),
        (_fewer_headers, ["authentik authResponseHeaders"]),
        (_no_headers, ["authentik authResponseHeaders"]),
        (_headers_kept_back, ["authentik authRequestHeaders"]),
        (_no_middleware, ["authentik object"]),
        (_no_retry, ["retry retry"]),
        (_no_budget, ["auth-proxy object"]),
        (_wider_budget, ["auth-proxy maxUnavailable"]),
        (_other_number, ["auth-proxy maxUnavailable"]),
        (_other_selector, ["auth-proxy selector"]),
        (_no_spread, ["auth-proxy topologySpreadConstraints"]),
        (_soft_spread, ["traefik topologySpreadConstraints"]),
        (_together, ["traefik podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"]),
        (_other_configuration, ["auth-proxy configMap", "auth-proxy configuration"]),
        (_out_of_the_chain, ["shop chain"]),
        (_behind_another, ["wiki chain"]),
    ],
)
def test_what_is_undone_is_told_until_it_is_put_right(
    nginx: Path, tmp_path: Path, change: Callable[[Objects], None], undone: list[str]
) -> None:
    with hardened(nginx, tmp_path) as exporter:
        change(exporter.cluster.objects)
        eventually(lambda: _undone(exporter) == undone, "it is told", 10 * INTERVAL)
        exporter.cluster.objects.update(sample.objects())
        eventually(lambda: _undone(exporter) == [], "it is not told any more", 10 * INTERVAL)
        assert "not as it was hardened: " in exporter.log()
        assert "as it was hardened again: " in exporter.log()


def _defaults(there: Objects) -> None:
    """What a newer API server, a newer CRD or somebody else adds."""
    (constraint,) = there[TRAEFIK]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    constraint["nodeAffinityPolicy"] = "Honor"
    there[PROXY]["spec"]["template"]["spec"]["volumes"].insert(0, {"name": "more", "emptyDir": {}})
    there[BUDGET]["spec"]["unhealthyPodEvictionPolicy"] = "AlwaysAllow"
    there[MIDDLEWARE]["spec"]["forwardAuth"]["maxResponseBodySize"] = 1024


def _more_headers(there: Objects) -> None:
    asks = there[MIDDLEWARE]["spec"]["forwardAuth"]
    asks["authResponseHeaders"] = ["x-more", "x-authentik-groups", "x-authentik-username"]


def _more_in_chains(there: Objects) -> None:
    there[INGRESS]["metadata"]["annotations"][sample.CHAIN] = " traefik-retry@kubernetescrd , shop-new@kubernetescrd"
    route = there[ROUTE]["spec"]["routes"][0]
    route["middlewares"] = [{"name": "traefik-retry@kubernetescrd"}, {"name": "new"}]


def _a_route_less(there: Objects) -> None:
    there[ROUTE]["spec"]["routes"].pop(0)


@pytest.mark.parametrize("change", [_defaults, _more_headers, _more_in_chains, _a_route_less])
def test_what_undoes_nothing_is_not_told(nginx: Path, tmp_path: Path, change: Callable[[Objects], None]) -> None:
    with hardened(nginx, tmp_path) as exporter:
        change(exporter.cluster.objects)
        _after_rounds(exporter, 2)
        eventually(lambda: _is_known(exporter), "all is known", 20 * INTERVAL)
        assert _undone(exporter) == []
        assert "not as it was hardened" not in exporter.log()


OWNED: dict[str, Any] = {"f:spec": {"f:forwardAuth": {"f:address": {}}}}


@pytest.mark.parametrize(
    ("entries", "manager"),
    [
        ([sample.entry("kubectl-patch", OWNED)], "kubectl-patch"),
        (
            [sample.entry("kubectl-patch", OWNED), sample.entry("argocd-controller", OWNED, "2026-01-01T00:00:00Z")],
            "kubectl-patch",
        ),
        ([sample.entry('od"d\\', OWNED)], 'od\\"d\\\\'),
        ([sample.entry("kubectl-patch", {"f:spec": {"f:forwardAuth": {"f:tls": {}}}})], None),
        ([sample.entry("kubectl-patch", OWNED) | {"subresource": "status"}], None),
    ],
    ids=["one", "the last of two", "a name to be escaped", "of another field", "of the status"],
)
def test_who_wrote_it_last_is_told(
    nginx: Path, tmp_path: Path, entries: list[Mapping[str, Any]], manager: str | None
) -> None:
    with hardened(nginx, tmp_path) as exporter:
        there = exporter.cluster.objects
        there[MIDDLEWARE]["metadata"]["managedFields"] = entries
        _address(there)
        eventually(lambda: _undone(exporter) == ["authentik address"], "it is told", 10 * INTERVAL)
        told = [(each["manager"], value) for each, value in _told(exporter, "last_write_timestamp_seconds")]
        assert told == ([(manager, sample.WRITTEN_AT)] if manager else [])


@pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (500, "failed"), (0, "unanswered")])
def test_what_cannot_be_read_is_unknown_and_not_intact(nginx: Path, tmp_path: Path, status: int, reason: str) -> None:
    with hardened(nginx, tmp_path) as exporter:
        _address(exporter.cluster.objects)
        eventually(lambda: _undone(exporter) == ["authentik address"], "it is told", 10 * INTERVAL)
        exporter.cluster.refused = {MIDDLEWARE: status, BUDGET: status}
        unknown = {("authentik", reason), ("auth-proxy", reason)}
        eventually(lambda: _unknown(exporter) == unknown, "they are unknown", 10 * INTERVAL)
        assert _fields(exporter, BUDGET) == {}, "nobody knows whether it is intact"
        assert _fields(exporter, MIDDLEWARE) == {"address": 0}, "what was undone stays told"
        assert f"cannot be compared, {reason}: {BUDGET}" in exporter.log()
        eventually(lambda: _fields(exporter, INGRESS) == {"object": 1, "chain": 1}, "others are known", 10 * INTERVAL)
        exporter.cluster.refused = {}
        exporter.cluster.objects.update(sample.objects())
        eventually(lambda: _told(exporter, "unknown") == [], "they are known again", 10 * INTERVAL)
        assert _undone(exporter) == []


def test_without_the_api_server_the_last_check_grows_old(nginx: Path, tmp_path: Path) -> None:
    with hardened(nginx, tmp_path) as exporter:
        exporter.cluster.refused = dict.fromkeys(KINDS, 0)
        eventually(lambda: len(_told(exporter, "unknown")) == len(KINDS), "all is unknown", 20 * INTERVAL)
        last = _told(exporter, "last_check_timestamp_seconds")
        _after_rounds(exporter, 2)
        assert _told(exporter, "last_check_timestamp_seconds") == last
        assert _told(exporter, "intact") == []
        assert "hardening was not compared: the API server does not answer" in exporter.log()


def test_routes_beyond_a_round_come_in_turn(nginx: Path, tmp_path: Path) -> None:
    with hardened(nginx, tmp_path, objects_a_round=6) as exporter:
        _out_of_the_chain(exporter.cluster.objects)
        _behind_another(exporter.cluster.objects)
        eventually(lambda: _undone(exporter) == ["shop chain", "wiki chain"], "both are told", 10 * INTERVAL)
