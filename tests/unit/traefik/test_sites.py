"""The hosts that routes name."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import listed, public_entry_points


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
    assert public_entry_points(arguments) == ["web", "websecure"]
