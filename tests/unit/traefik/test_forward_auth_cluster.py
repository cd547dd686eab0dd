"""What of the cluster is taken for this Traefik's own: the routes that it serves, and their sites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_cluster as cluster
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_findings import faults_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_target import situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import wishes_from
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import OtherTraefik
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload
from tests.unit.traefik.test_forward_auth import LOGIN, route
from tests.unit.traefik.test_forward_auth_findings import DOMAIN, FOUND, WISH, workload

Object = dict[str, Any]


class Client:
    """Whoever is asked for a list gets it from ``read``."""

    def concurrently(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """One after the other."""
        return [work(item) for item in items]

    def minor_version(self) -> int:
        """Some version."""
        return 34


def of_class(name: str, ingress_class: str) -> Object:
    """An IngressRoute for NAME.test of that class."""
    item: Object = {"apiVersion": "traefik.io/v1alpha1"} | route(f"Host(`{name}.test`)", "traefik/login")
    own = {"annotations": {"kubernetes.io/ingress.class": ingress_class}} if ingress_class else {}
    item["metadata"] = item["metadata"] | {"name": name} | own
    return item


def read(traefik: Workload, *items: Object) -> cluster.Found:
    """The cluster with those IngressRoutes, as it is read for that Traefik."""
    lists = {"IngressRoute": list(items), "Middleware": [LOGIN]}

    def read_all(_client: Any, queries: Sequence[Query]) -> list[Answer]:
        return [Answer(query, "found", lists.get(query.kind, [])) for query in queries]

    fakes: dict[str, Any] = {
        "read_all": read_all,
        "find_workload": lambda *_place: traefik,
        "others_beside": lambda *_all: [],
    }
    with mock.patch.multiple(cluster, **fakes):
        return cluster.read(Client(), "", "")  # type: ignore[arg-type]


EXTERNAL = workload(providers__kubernetescrd__ingressclass="external")


@pytest.mark.parametrize(
    ("traefik", "hosts"),
    [(EXTERNAL, ["own.test"]), (workload(), ["any.test"])],
    ids=["a class of its own", "without a class"],
)
def test_routes_that_another_traefik_serves_are_no_sites_of_this_one(traefik: Workload, hosts: list[str]) -> None:
    found = read(traefik, of_class("inner", "internal"), of_class("own", "external"), of_class("any", ""))
    assert sorted(host for each in found.routes for host in each.hosts) == hosts
    assert sorted(site.host for site in found.sites) == hosts


def test_a_middleware_that_only_routes_of_another_class_use_is_not_used_here() -> None:
    assert not read(EXTERNAL, of_class("inner", "internal")).used


@pytest.mark.parametrize(("answer", "refused"), [("allow", False), ("deny", True)])
def test_sites_of_another_traefik_that_may_ask_can_have_a_policy(answer: str, refused: bool) -> None:
    inner = read(workload(), of_class("inner", ""))
    other = OtherTraefik(replace(EXTERNAL, ref=replace(EXTERNAL.ref, namespace="inner")), inner.routes)
    found = replace(FOUND, others=[other])
    (wish,) = wishes_from(WISH, [{"other_traefiks": {other.name: answer}, "fallback_policies": {"inner.test": "deny"}}])
    words = [fault for fault in faults_of(wish, found, situation(wish, found, DOMAIN)) if fault[0] != "traefik_name"]
    assert bool(words) is refused, words
    (wish,) = wishes_from(WISH, [{"other_traefiks": {other.name: answer}, "hosts": ["inner.test"]}])
    assert "hosts" in dict(faults_of(wish, found, situation(wish, found, DOMAIN))), "it is not asked through this one"
