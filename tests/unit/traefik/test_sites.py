"""The hosts that routes name."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import (
    public_names,
    usual_entry_point,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import listed


def _ingress(*rules: Object) -> Object:
    return {"kind": "Ingress", "spec": {"rules": list(rules)}}


def _route(match: str) -> Object:
    return {"kind": "IngressRoute", "spec": {"routes": [{"match": match}]}}


def test_an_ingress_names_hosts_with_their_shortest_path() -> None:
    paths = {"http": {"paths": [{"path": "/shop/cart"}, {"path": "/shop"}]}}
    items = [_ingress({"host": "B.test"} | paths, {"host": "*.wild.test"}, {"http": {}}), _ingress({"host": "a.test"})]
    assert listed(items) == [{"host": "a.test", "path": "/"}, {"host": "b.test", "path": "/shop"}]


@pytest.mark.parametrize(
    ("match", "sites"),
    [
        ("Host(`a.test`)", [("a.test", "/")]),
        ('Host("a.test") && PathPrefix("/x")', [("a.test", "/x")]),
        ("Host(`a.test`, `b.test`) || Host(`c.test`)", [("a.test", "/"), ("b.test", "/"), ("c.test", "/")]),
        ("HostRegexp(`^.+\\.test$`)", []),
        ("PathPrefix(`/only`)", []),
        ("HostRegexp(`^.+\\.test$`) && !Host(`auth.test`)", []),
        ("Host(`wiki.test`) && !PathPrefix(`/public`)", [("wiki.test", "/")]),
    ],
)
def test_a_route_names_hosts_in_its_rule(match: str, sites: list[tuple[str, str]]) -> None:
    assert [(site["host"], site["path"]) for site in listed([_route(match)])] == sites


def test_routes_without_a_spec_name_nothing() -> None:
    assert listed([{"kind": "Ingress"}, {"kind": "IngressRoute"}]) == []


def test_public_entry_points_are_those_of_sites() -> None:
    arguments = {
        "entrypoints.web.address": ":8000/tcp",
        "entrypoints.websecure.address": ":8443/tcp",
        "entrypoints.metrics.address": ":9100/tcp",
        "entrypoints.traefik.address": ":8080/tcp",
        "metrics.prometheus.entrypoint": "metrics",
    }
    assert public_names(arguments) == ["web", "websecure"]


def _points(*names: str, **more: str) -> dict[str, str]:
    """Static settings with entry points whose pods' ports are 8000, 8001 and so on."""
    ports = {f"entrypoints.{name}.address": f":{8000 + number}/tcp" for number, name in enumerate(names)}
    return ports | {key.replace("__", "."): value for key, value in more.items()}


@pytest.mark.parametrize(
    ("settings", "public", "usual"),
    [
        (_points("web", "websecure"), {}, "web"),
        (_points("metrics", "websecure", metrics__prometheus__entrypoint="metrics"), {}, "websecure"),
        (_points("amqp", "websecure", entrypoints__websecure__http__tls="true"), {}, "websecure"),
        # Of a chart with two Traefiks: only what a Service or a host port makes public counts.
        (_points("web-ext", "web-int", "websecure-ext"), {80: 8000, 443: 8002}, "web-ext"),
        (
            _points("web", "websecure", entrypoints__web__http__redirections__entrypoint__to=":443"),
            {443: 8001},
            "websecure",
        ),
        (_points("traefik"), {}, ""),
    ],
)
def test_a_site_that_no_route_names_is_asked_at_a_public_entry_point(
    settings: dict[str, str], public: dict[int, int], usual: str
) -> None:
    assert usual_entry_point(settings, public) == usual
