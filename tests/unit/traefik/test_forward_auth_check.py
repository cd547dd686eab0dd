"""What verify says of all routes together, and whom it takes to be asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_check as verify
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import retry_info
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import EntryPoint
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_asking import Asking
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_links import Surroundings
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_replicas import Replicas
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import Routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import served_routes
from tests.unit.traefik.test_forward_auth import middleware, route, service
from tests.unit.traefik.test_forward_auth_findings import workload

Object = dict[str, Any]
API: Object = {"apiVersion": "traefik.io/v1alpha1"}
LOGIN = API | middleware("login", forwardAuth={"address": "http://auth-proxy.traefik:9000/auth"})
OURS = {("traefik", "auth-proxy"): service("auth-proxy", "traefik", labels=dict(OUR_LABELS))}


def found(*names: str) -> Asking:
    """A cluster with one protected route, and one whose chain has those names too."""
    routes: list[Object] = [
        API | route("Host(`a.test`)", "traefik/login"),
        API | route("Host(`b.test`)", "traefik/login"),
    ]
    routes[1]["spec"]["routes"][0]["middlewares"] += [{"name": name} for name in names]
    known = {"traefik-login@kubernetescrd": LOGIN}
    return Asking(
        served_routes(routes, [LOGIN], ["web"]),
        known,
        {},
        frozenset(known),
        {"web": EntryPoint("web", 8000)},
        around=Surroundings(services=OURS),
    )


def replicas(*middlewares: Object, api: bool) -> Replicas:
    """One replica, which knows those where its API is open."""
    routing = cast(Routing, SimpleNamespace(middlewares=list(middlewares), routers=[]))
    return Replicas(["t1"], {"t1": routing} if api else {}, "", {}, {})


def summed(asking: Asking, through: Replicas, *left_alone: str) -> Any:
    """The check of all routes together."""
    task = cast(Task, SimpleNamespace(params={"required": "all", "proxies": [], "left_alone": list(left_alone)}))
    unknown = through.unknown_askers(asking.unknown_names(), left_alone)
    return verify._sum(verify._asked(task, asking), asking, unknown)


def test_a_middleware_of_another_provider_may_ask_somebody_and_is_not_passed_over() -> None:
    closed = summed(found("login@file"), replicas(api=False))
    assert not closed.passed
    assert "with the replicas' API closed it is not known whether they ask somebody: login@file" in closed.found
    assert summed(found("login@file"), replicas(api=False), "login@file").passed
    asks, adds = {"name": "login@file", "forwardAuth": {"address": "http://x"}}, {"name": "headers@file"}
    told = summed(found("login@file", "headers@file"), replicas(asks, adds, api=True))
    assert not told.passed
    assert "which no proxy can stand before: login@file; name" in told.found
    assert summed(found("headers@file"), replicas(adds, api=True)).passed
    assert summed(found(), replicas(api=False)).passed


def test_that_nobody_is_asked_passes_only_where_all_routes_were_seen_and_no_proxy_was_asked_for() -> None:
    assert verify._sum([], found(), nobody=True).passed
    assert verify._sum([], found(), nobody=True).found == "none of 2 routes asks anybody"
    assert not verify._sum([], found(), nobody=False).passed
    assert not verify._sum([], found(), "login@file may ask somebody", nobody=True).passed


@pytest.mark.parametrize(
    ("settings", "proxies", "passed"),
    [
        ({}, [], True),
        ({"providers__kubernetesgateway": "true"}, [], False),
        ({}, [{"name": "auth-proxy"}], False),
    ],
    ids=["all routes read", "routes that are not read", "a proxy was asked for"],
)
def test_a_cluster_where_no_route_asks_anybody_has_nothing_to_protect(
    settings: dict[str, str], proxies: list[Any], passed: bool
) -> None:
    routes = [API | route("Host(`a.test`)")]
    known = {"web": EntryPoint("web", 8000)}
    asking = Asking(served_routes(routes, [], ["web"]), {}, {}, frozenset(), known, around=Surroundings(services={}))
    params = {"required": "all", "proxies": proxies, "left_alone": [], "hosts_left_out": []}
    task = cast(Task, SimpleNamespace(params=params, client=None))
    checks = verify._checks(task, workload(**settings), asking, [], replicas(api=True))
    assert checks[-1].name == "routes that ask somebody are protected"
    assert checks[-1].passed is passed
    # Without a route there was nothing to see.
    empty = Asking([], {}, {}, frozenset(), known, around=Surroundings(services={}))
    assert not verify._checks(task, workload(**settings), empty, [], replicas(api=True))[-1].passed


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"entrypoints__web__forwardedheaders__insecure": "true"}, ["web"]),
        ({"entrypoints__web__forwardedheaders__trustedips": "10.0.0.1,0.0.0.0/0"}, ["web"]),
        ({"entrypoints__web__forwardedheaders__trustedips": "10.0.0.0/8"}, []),
        ({}, []),
    ],
)
def test_who_trusts_all_addresses_trusts_everybody(settings: dict[str, str], names: list[str]) -> None:
    assert verify._insecure(workload(**settings)) == names


def test_a_retry_in_no_chain_is_not_in_place() -> None:
    case = SimpleNamespace(
        targets=SimpleNamespace(items=[]), edit=SimpleNamespace(middleware=SimpleNamespace(qualified="traefik-retry@k"))
    )
    (check,) = retry_info._chain_checks(cast(Any, SimpleNamespace(params={"chains": "routes"})), cast(Any, case))
    assert (check.passed, check.found) == (False, "nothing that Traefik serves is chosen")
