"""What is recorded of a hardened cluster, and what of an earlier record is kept."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import hardening, hardening_info
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.parity import Comparison, EntryPoint
from ansible_collections.resilient.traefik.plugins.plugin_utils.parity_exporter.exporter import Exporter, files_of
from tests.unit.monitoring import hardened_sample as sample
from tests.unit.monitoring.hardened_sample import BUDGET, INGRESS, MIDDLEWARE, PROXY, RETRY, ROUTE, TRAEFIK

RECORD = sample.record()


def fields(record: list[Any], path: str) -> dict[str, Any]:
    """The recorded values of an object by the names of its fields; empty for one that is not recorded."""
    return {one["name"]: one["value"] for each in record if each["path"] == path for one in each["fields"]}


def test_everything_is_recorded_that_hardening_brings() -> None:
    assert {each["path"]: sorted(fields(RECORD, each["path"])) for each in RECORD} == {
        MIDDLEWARE: ["address", "authRequestHeaders", "authResponseHeaders"],
        RETRY: ["retry"],
        BUDGET: ["maxUnavailable", "selector"],
        PROXY: ["configMap", "configuration", "topologySpreadConstraints"],
        TRAEFIK: ["podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution", "topologySpreadConstraints"],
        INGRESS: ["chain"],
        ROUTE: ["chain"],
    }
    assert [each["kind"] for each in RECORD][-2:] == ["Ingress", "IngressRoute"], "routes come last"


def test_of_routes_those_that_begin_with_the_retry() -> None:
    assert fields(RECORD, ROUTE)["chain"]["matches"] == ["Host(`wiki.test`)"]
    there = sample.objects()
    there[INGRESS]["metadata"]["annotations"][sample.CHAIN] = "shop-auth@kubernetescrd,traefik-retry@kubernetescrd"
    assert fields(sample.record(there), INGRESS) == {}


@pytest.mark.parametrize(
    "address", ["http://outpost.auth:9000/auth", "https://login.test/auth", ""], ids=["target", "elsewhere", "nobody"]
)
def test_a_middleware_that_asks_no_proxy_is_not_recorded(address: str) -> None:
    there = sample.objects()
    there[MIDDLEWARE]["spec"]["forwardAuth"]["address"] = address
    assert fields(sample.record(there), MIDDLEWARE) == {}


def test_a_budget_of_somebody_elses_pods_is_not_recorded() -> None:
    there = sample.objects()
    there[BUDGET]["metadata"]["labels"] = {}
    assert fields(sample.record(there), BUDGET), "it keeps pods of the proxy"
    there[BUDGET]["spec"]["selector"] = {"matchLabels": {"app": "shop"}}
    assert fields(sample.record(there), BUDGET) == {}


def test_an_account_may_get_these_objects_and_nothing_else() -> None:
    rights = hardening.rights_of(RECORD)
    assert sorted(rights) == ["auth", "shop", "traefik"]
    assert rights["auth"] == [
        {"apiGroups": ["traefik.io"], "resources": ["middlewares"], "resourceNames": ["authentik"], "verbs": ["get"]}
    ]
    assert {f"{rule['apiGroups'][0]}/{rule['resources'][0]}": rule["resourceNames"] for rule in rights["traefik"]} == {
        "apps/deployments": ["auth-proxy", "traefik"],
        "policy/poddisruptionbudgets": ["auth-proxy"],
        "traefik.io/middlewares": ["retry"],
    }
    assert {verb for rules in rights.values() for rule in rules for verb in rule["verbs"]} == {"get"}


def test_too_many_routes_are_counted() -> None:
    taken, left_out = hardening.limited(RECORD, 1)
    assert ([each["path"] for each in taken][-1], left_out) == (INGRESS, 1)
    assert hardening.limited(RECORD, 2) == (RECORD, 0)


def test_what_was_undone_since_stays_in_the_record() -> None:
    there = sample.objects()
    there[MIDDLEWARE]["spec"]["forwardAuth"]["address"] = "http://outpost.auth:9000/auth"
    there[BUDGET]["spec"]["maxUnavailable"] = 2
    del there[INGRESS]
    now = sample.record(there)
    assert fields(now, MIDDLEWARE) == {}
    merged = hardening.merged(RECORD, now, [])
    assert merged == RECORD
    assert hardening.merged(RECORD, RECORD, []) == RECORD


def test_what_this_collection_wrote_since_is_recorded_anew() -> None:
    there = sample.objects()
    there[BUDGET]["spec"]["maxUnavailable"] = 2
    there[BUDGET]["spec"]["selector"] = {"matchLabels": {"app": "auth-proxy", "more": "yes"}}
    merged = hardening.merged(RECORD, sample.record(there), [(BUDGET, "maxUnavailable")])
    assert fields(merged, BUDGET) == {"maxUnavailable": 2, "selector": {"matchLabels": {"app": "auth-proxy"}}}


def test_the_record_is_found_again_in_the_exporters_configuration() -> None:
    comparison = Comparison("traefik", "Deployment", "traefik", "app=traefik", EntryPoint(8080))
    files = files_of(comparison, Exporter("/etc/x"), {"objects": RECORD, "left_out": 0})
    newer = {"metadata": {"creationTimestamp": "2026-01-02T00:00:00Z"}, "data": files}
    older = {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "data": {"settings.js": "export default {};"}}
    assert hardening_info.recorded_in([newer, older]) == RECORD
    assert hardening_info.recorded_in([older]) == []
    assert hardening_info.recorded_in([]) == []


class _Cluster:
    """The API server, as far as single objects are read."""

    def __init__(self, there: dict[str, Any]) -> None:
        self.by_ref = {(each["kind"], each["metadata"]["name"]): each for each in there.values()}

    def find(self, ref: Any) -> Any:
        return self.by_ref.get((ref.kind, ref.name))

    def concurrently(self, work: Any, items: Any) -> list[Any]:
        return [work(each) for each in items]


@pytest.mark.parametrize(("manager", "ours"), [("resilient.traefik", True), ("kubectl-edit", False)])
def test_who_wrote_a_change_is_asked_of_the_cluster(manager: str, ours: bool) -> None:
    there = copy.deepcopy(sample.objects())
    there[BUDGET]["spec"]["maxUnavailable"] = 2
    there[BUDGET]["metadata"]["managedFields"] = [sample.entry(manager, {"f:spec": {"f:maxUnavailable": {}}})]
    cluster: Any = _Cluster(there)
    found = hardening_info.written_by_us(cluster, RECORD, sample.record(there))
    assert found == ([(BUDGET, "maxUnavailable")] if ours else [])


def test_namespaces_that_are_gone_or_going_are_told_apart() -> None:
    names = sorted({each["namespace"] for each in RECORD})
    going = {"kind": "Namespace", "metadata": {"name": names[0], "deletionTimestamp": "2026-11-30T10:00:00Z"}}
    living = {"kind": "Namespace", "metadata": {"name": names[1]}}
    cluster: Any = _Cluster({"going": going, "living": living})
    assert hardening_info.absent_namespaces(cluster, RECORD) == (set(names[2:]), {names[0]})
