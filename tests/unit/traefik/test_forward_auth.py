"""Whom ForwardAuth middlewares ask, and for which hosts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS, is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth as fa
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_headers as headers
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_routes as routing

Object = dict[str, Any]


def service(name: str, namespace: str = "sso", **spec: Any) -> Object:
    """A Service."""
    labels = spec.pop("labels", {})
    annotations = spec.pop("annotations", {})
    spec = {"clusterIPs": ["10.96.0.7"], "selector": {"app": name}, "ports": [{"port": 9000}]} | spec
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def middleware(name: str, namespace: str = "traefik", **spec: Any) -> Object:
    """A Middleware."""
    return {"kind": "Middleware", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


SERVICES = {("sso", "outpost"): service("outpost")}


@pytest.mark.parametrize(
    "host",
    ["outpost.sso", "outpost.sso.svc", "outpost.sso.svc.cluster.local", "outpost.sso.svc.cluster.local.", "10.96.0.7"],
)
def test_every_way_of_writing_a_service_is_understood(host: str) -> None:
    address = fa.address_of(f"http://{host}:9000/auth")
    found = fa.service_behind(address, SERVICES, "cluster.local")
    assert found is SERVICES[("sso", "outpost")]
    assert (address.port, address.path, address.scheme) == (9000, "/auth", "http")


@pytest.mark.parametrize(
    "url", ["https://auth.example.test/x", "http://outpost/x", "http://outpost.other:1/", "nonsense"]
)
def test_what_is_no_service_of_the_cluster_is_none(url: str) -> None:
    assert fa.service_behind(fa.address_of(url), SERVICES, "cluster.local") is None


def test_a_port_that_is_none_is_no_address() -> None:
    assert fa.address_of("http://outpost.sso:port/") == fa.Address("http://outpost.sso:port/", "", "", 0, "")


def test_our_proxy_remembers_whom_it_stands_before() -> None:
    labels, annotations = dict(OUR_LABELS), {fa.TARGET_ANNOTATION: "sso/outpost:9000"}
    ours = service("auth-proxy", labels=labels, annotations=annotations)
    assert is_ours(ours)
    assert not is_ours(SERVICES[("sso", "outpost")])
    assert fa.remembered_target(ours) == {"namespace": "sso", "service": "outpost", "port": 9000}
    assert fa.remembered_target(service("x", annotations={fa.TARGET_ANNOTATION: "outpost"})) == {}


def test_a_middleware_is_found_by_name_or_by_what_it_asks() -> None:
    login = middleware("login", forwardAuth={"address": "http://outpost.sso:9000/auth"})
    other = middleware("login", "shop", forwardAuth={"address": "http://blocker.bots:80/x"})
    retry = middleware("retry", retry={"attempts": 2})
    everything = [login, other, retry]
    assert fa.chosen(everything, "", "", "/auth") == [login]
    assert fa.chosen(everything, "", "login", "/auth") == [login, other]
    assert fa.chosen(everything, "shop", "login", "/auth") == [other]
    assert fa.chosen(everything, "", "retry", "/auth") == [retry], "so that it can be said that it is another kind"


def test_the_port_of_pods_is_told_by_number_slice_or_workload() -> None:
    named = {"port": 80, "name": "web", "targetPort": "http"}
    slices = [{"ports": [{"name": "other", "port": 1}, {"name": "web", "port": 9000}]}]
    template = {
        "metadata": {"labels": {"app": "outpost", "more": "yes"}},
        "spec": {"containers": [{"name": "server", "ports": [{"name": "http", "containerPort": 9001}]}]},
    }
    workloads = [{"spec": {"template": template}}]
    outpost = SERVICES[("sso", "outpost")]
    assert fa.pod_port(outpost, {"port": 80}, [], []) == 80
    assert fa.pod_port(outpost, {"port": 80, "targetPort": 8080}, slices, workloads) == 8080
    assert fa.pod_port(outpost, named, slices, workloads) == 9000
    assert fa.pod_port(outpost, named, [], workloads) == 9001
    assert fa.pod_port(outpost, named, [], []) == 0


def route(match: str, *names: str, namespace: str = "apps") -> Object:
    """An IngressRoute with one route."""
    references = [dict(zip(("namespace", "name"), name.split("/"), strict=True)) for name in names]
    return {
        "kind": "IngressRoute",
        "metadata": {"name": "r", "namespace": namespace},
        "spec": {"routes": [{"match": match, "middlewares": references}]},
    }


def ingress(host: str, chain: str) -> Object:
    """An Ingress with one host."""
    return {
        "kind": "Ingress",
        "metadata": {
            "name": "i",
            "namespace": "apps",
            "annotations": {"traefik.ingress.kubernetes.io/router.middlewares": chain},
        },
        "spec": {"rules": [{"host": host}]},
    }


LOGIN = middleware("login", forwardAuth={"address": "http://outpost.sso:9000/auth"})
NAME = "traefik-login@kubernetescrd"


def test_hosts_are_those_of_the_routes_that_use_it() -> None:
    items = [
        route("Host(`a.test`) || Host(`b.test`)", "traefik/login"),
        route("Host(`c.test`)"),
        ingress("d.test", f"traefik-retry@kubernetescrd, {NAME}"),
    ]
    assert routing.hosts_behind(routing.routes(items, [LOGIN]), NAME) == (["a.test", "b.test", "d.test"], False)


@pytest.mark.parametrize("match", ["HostRegexp(`.+`)", "PathPrefix(`/`)", "Host(`a.test`) || HostRegexp(`b`)"])
def test_a_route_that_matches_by_pattern_may_know_any_host(match: str) -> None:
    assert routing.hosts_behind(routing.routes([route(match, "traefik/login")], [LOGIN]), NAME)[1]


def test_chains_are_resolved_and_entry_points_count_for_all() -> None:
    inner = middleware("inner", chain={"middlewares": [{"name": "login"}]})
    outer = middleware("outer", chain={"middlewares": [{"name": "inner"}, {"name": "outer"}]})
    found = routing.routes([route("Host(`a.test`)", "traefik/outer")], [LOGIN, inner, outer])
    assert routing.hosts_behind(found, NAME) == (["a.test"], False)
    settings = {"entrypoints.web.address": ":8000", "entrypoints.web.http.middlewares": NAME}
    assert routing.hosts_behind(routing.routes([route("Host(`z.test`)")], [LOGIN], settings), NAME) == (
        ["z.test"],
        False,
    )


@pytest.mark.parametrize(
    ("entry_points", "chains"),
    [
        (["web"], [("traefik-login@kubernetescrd", "traefik-retry@kubernetescrd")]),
        (["internal"], [("traefik-retry@kubernetescrd",)]),
        (["plain"], [("traefik-retry@kubernetescrd",)]),
        (
            ["Web", "internal", "plain"],
            [("traefik-login@kubernetescrd", "traefik-retry@kubernetescrd"), ("traefik-retry@kubernetescrd",)],
        ),
        ([], [("traefik-login@kubernetescrd", "traefik-retry@kubernetescrd")]),
    ],
    ids=["its own", "another one", "one that sends everybody on", "several", "the default"],
)
def test_what_an_entry_point_asks_counts_for_its_own_routes(
    entry_points: list[str], chains: list[tuple[str, ...]]
) -> None:
    settings = {
        "entrypoints.web.address": ":8000",
        "entrypoints.web.asdefault": "true",
        "entrypoints.web.http.middlewares": "traefik-login@kubernetescrd",
        "entrypoints.internal.address": ":9000",
        "entrypoints.plain.address": ":8001",
        "entrypoints.plain.http.redirections.entrypoint.to": "web",
        "entrypoints.plain.http.middlewares": "traefik-other@kubernetescrd",
    }
    item = route("Host(`a.test`)", "traefik/retry")
    item["spec"]["entryPoints"] = entry_points
    found = routing.routes([item], [LOGIN], settings)
    assert [each.middlewares for each in found] == chains
    assert {each.name for each in found} == {"IngressRoute apps/r Host(`a.test`)"}


def test_the_order_in_a_chain_is_told() -> None:
    found = routing.routes([ingress("a.test", f"{NAME}, traefik-bots@kubernetescrd")], [LOGIN])
    assert routing.comes_after(found, "traefik-bots@kubernetescrd", [NAME])
    assert not routing.comes_after(found, NAME, ["traefik-bots@kubernetescrd"])


def test_providers_that_are_not_read_are_named() -> None:
    settings = {"providers.kubernetescrd.allowcrossnamespace": "true", "providers.file.directory": "/x"}
    assert routing.unread_providers(settings) == ["providers.file"]
    assert routing.unread_providers({"providers.kubernetesingress": "true", "providers.docker": "false"}) == []


def test_a_header_is_listed_once_and_stays_where_it_was() -> None:
    assert headers.response_headers(["x-User", "B"], ["X-user", "C"]) == ["x-User", "B", "C"]


def test_the_pattern_takes_whole_families() -> None:
    pattern = headers.pattern_of(["X-authentik-username", "X-authentik-jwt", "X-Auth-Fallback", "Remote-User"])
    assert pattern == "(?i)^(x[-_]authentik[-_]|x[-_]auth[-_]fallback$|remote[-_]user$)"
    assert headers.pattern_of([]) == ""


def test_request_headers_that_are_kept_back_are_named() -> None:
    assert headers.request_header_findings({}, asks_for_login=True) == []
    (words,) = headers.request_header_findings({"authRequestHeaders": ["cookie"]}, asks_for_login=True)
    assert "lack Authorization" in words
    assert headers.request_header_findings({"authRequestHeaders": ["cookie"]}, asks_for_login=False) == []


def test_the_families_of_headers_stand_beside_the_middlewares_own_pattern() -> None:
    ours = headers.pattern_of(["X-authentik-username"])
    assert headers.with_families("", ["X-authentik-username"]) == ours
    assert headers.with_families(ours, ["X-authentik-username"]) == ours
    both = headers.with_families("^X-Shop", ["X-authentik-username"])
    assert both == "^X-Shop|(?i:^(x[-_]authentik[-_]))"
    assert headers.with_families(both, ["X-authentik-username"]) == both


def test_an_address_is_shown_without_its_password() -> None:
    address = fa.address_of("http://ops:s3cret@outpost.sso:9000/auth?rd=x")
    assert address.shown == "http://outpost.sso:9000/auth?rd=x"
    assert fa.service_behind(address, SERVICES, "cluster.local") is SERVICES[("sso", "outpost")]
