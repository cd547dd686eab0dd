"""Where visitors reach a route: entry points, TLS, and redirects that lead elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    default_names,
    entry_points_of,
    public_ports,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import (
    Entrance,
    served_routes,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import sites_of

Object = dict[str, Any]
PLAIN = {"entrypoints.web.address": ":8000/tcp", "entrypoints.websecure.address": ":8443/tcp"}
TLS = PLAIN | {"entrypoints.websecure.http.tls": "true"}
# As chart 41 renders ports.web.http.redirections.
BY_PORT = {
    "entrypoints.web.http.redirections.entrypoint.to": ":443",
    "entrypoints.web.http.redirections.entrypoint.scheme": "https",
}
BY_NAME = {"entrypoints.web.http.redirections.entrypoint.to": "websecure"}
WEB, WEBSECURE = Entrance("web", https=False), Entrance("websecure", https=True)


def ingress(host: str, middlewares: str = "", **annotations: str) -> Object:
    """An Ingress of one host."""
    given = {f"traefik.ingress.kubernetes.io/router.{name}": value for name, value in annotations.items()}
    given["traefik.ingress.kubernetes.io/router.middlewares"] = middlewares
    spec = {"rules": [{"host": host, "http": {"paths": [{"path": "/"}]}}]}
    metadata = {"name": host, "namespace": "apps", "annotations": given}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def ingress_route(match: str, middlewares: list[str] | None = None, **spec: Any) -> Object:
    """An IngressRoute of one route."""
    route = {"match": match, "middlewares": [{"name": name} for name in middlewares or []]}
    metadata = {"name": "route", "namespace": "apps"}
    spec = {"routes": [route]} | spec
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": metadata, "spec": spec}


def middleware(name: str, **spec: Any) -> Object:
    """A Middleware beside the routes."""
    return {"kind": "Middleware", "metadata": {"name": name, "namespace": "apps"}, "spec": spec}


def entrances(item: Object, settings: dict[str, str], *middlewares: Object) -> list[Entrance]:
    """Where the item's only route is reached."""
    (route,) = served_routes([item], middlewares, default_names(settings))
    return route.entrances(entry_points_of(settings, {}))


@pytest.mark.parametrize(
    ("item", "settings", "found"),
    [
        (ingress("a.test"), PLAIN, [WEB, Entrance("websecure", https=False)]),
        (ingress("a.test"), TLS, [WEB, WEBSECURE]),
        (ingress("a.test", tls="true", entrypoints="websecure"), PLAIN, [WEBSECURE]),
        (ingress("a.test", entrypoints="websecure", **{"tls.certresolver": "le"}), PLAIN, [WEBSECURE]),
        (ingress("a.test", entrypoints="web"), TLS, [WEB]),
        (ingress_route("Host(`a.test`)", entryPoints=["websecure"], tls={}), PLAIN, [WEBSECURE]),
        (ingress_route("Host(`a.test`)", entryPoints=["websecure"]), PLAIN, [Entrance("websecure", https=False)]),
        (ingress("a.test"), TLS | BY_PORT, [WEBSECURE]),
        (ingress("a.test"), TLS | BY_NAME, [WEBSECURE]),
        (ingress("a.test"), TLS | {"entrypoints.websecure.asdefault": "true"}, [WEBSECURE]),
        (ingress_route("Host(`a.test`)", entryPoints=["web"]), TLS | BY_PORT, []),
        (ingress_route("Host(`a.test`)", entryPoints=["nowhere"]), TLS, []),
    ],
)
def test_visitors_come_in_where_the_route_is_served(
    item: Object, settings: dict[str, str], found: list[Entrance]
) -> None:
    assert entrances(item, settings) == found


def test_a_chain_that_leads_everybody_to_https_is_asked_by_https() -> None:
    inner = middleware("inner", redirectScheme={"scheme": "https"})
    outer = middleware("outer", chain={"middlewares": [{"name": "inner"}]})
    assert entrances(ingress_route("Host(`a.test`)", ["outer"]), TLS, inner, outer) == [WEBSECURE]
    assert entrances(ingress_route("Host(`a.test`)", ["outer"], entryPoints=["web"]), TLS, inner, outer) == [WEB]


@pytest.mark.parametrize(
    ("settings", "public", "leads_to"),
    [
        (TLS | BY_PORT, {443: 8443}, "websecure"),
        (TLS | BY_NAME, {}, "websecure"),
        (TLS | BY_PORT | {"entrypoints.websecure.address": ":443"}, {}, "websecure"),
        (TLS | BY_PORT, {}, ""),
        (TLS, {443: 8443}, ""),
    ],
)
def test_a_redirect_leads_to_an_entry_point(settings: dict[str, str], public: dict[int, int], leads_to: str) -> None:
    assert entry_points_of(settings, public)["web"].leads_to == leads_to


def test_public_ports_are_those_of_services_and_nodes() -> None:
    ports = [{"name": "web", "containerPort": 8000, "hostPort": 80}, {"name": "websecure", "containerPort": 8443}]
    template = {"metadata": {"labels": {"app": "traefik"}}, "spec": {"containers": [{"ports": ports}]}}
    workload = {"metadata": {"namespace": "traefik"}, "spec": {"template": template}}
    spec = {
        "selector": {"app": "traefik"},
        "ports": [{"port": 443, "targetPort": "websecure"}, {"port": 9, "targetPort": 9}],
    }
    service = {"metadata": {"namespace": "traefik"}, "spec": spec}
    other = {
        "metadata": {"namespace": "traefik"},
        "spec": spec | {"selector": {"app": "other"}, "ports": [{"port": 1}]},
    }
    assert public_ports(workload, [service, other]) == {443: 8443, 9: 9, 80: 8000}


def test_the_internal_entry_points_are_nobodys_default() -> None:
    settings = TLS | {"entrypoints.metrics.address": ":9100", "metrics.prometheus.entrypoint": "metrics"}
    assert default_names(settings | {"entrypoints.traefik.address": ":8080"}) == ["web", "websecure"]


def test_sites_are_asked_at_each_entrance_once_by_its_scheme() -> None:
    items = [ingress("a.test"), ingress_route("Host(`a.test`) && PathPrefix(`/x`)", entryPoints=["web"])]
    (site,) = sites_of(items, [], TLS)
    assert [(each["scheme"], each["path"], each["entry_points"]) for each in site.requests()] == [
        ("http", "/", ["web"]),
        ("https", "/", ["websecure"]),
    ]


def test_a_site_that_nobody_reaches_is_asked_nowhere_and_says_why() -> None:
    (site,) = sites_of([ingress("a.test", entrypoints="web")], [], TLS | BY_PORT)
    (request,) = site.requests()
    assert request["entry_points"] == []
    assert request["name"] == "a.test (web sends everybody to :443, where it is not served)"
