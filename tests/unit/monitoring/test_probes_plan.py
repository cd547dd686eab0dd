"""What probes become in a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import (
    ANSWERED,
    ANYTHING,
    Backend,
    Expected,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes_plan import (
    Cluster,
    Defaults,
    declared_probe,
    found_probes,
    public_address,
    routes_of,
    unhurried,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.entry_points import EntryPoint
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.served_routes import Entrance
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.sites import Site
from tests.unit.monitoring.test_probes import given

POINTS = {"web": EntryPoint("web", 8000), "websecure": EntryPoint("websecure", 8443, tls=True)}
PORTS = [{"name": "web", "containerPort": 8000}, {"name": "websecure", "containerPort": 8443}]
LABELS = {"app": "traefik"}
WORKLOAD = {
    "kind": "Deployment",
    "metadata": {"name": "traefik", "namespace": "traefik"},
    "spec": {
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "traefik", "ports": PORTS}]}}
    },
}


def service(namespace: str, name: str, *ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A Service."""
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"ports": list(ports), **spec}}


def _cluster(*services: dict[str, Any], **more: Any) -> Cluster:
    known = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in services}
    return Cluster(WORKLOAD, POINTS, known, usual_point="web", **more)


INGRESS = {
    "kind": "Ingress",
    "metadata": {"namespace": "shop", "name": "shop"},
    "spec": {
        "rules": [
            {
                "host": "Shop.test",
                "http": {
                    "paths": [
                        {"path": "/", "backend": {"service": {"name": "shop", "port": {"number": 80}}}},
                        {"path": "/api", "backend": {"service": {"name": "api", "port": {"name": "http"}}}},
                    ]
                },
            }
        ]
    },
}
BOTH = (Entrance("web", False), Entrance("websecure", True))


def test_where_routes_lead() -> None:
    route = {
        "kind": "IngressRoute",
        "metadata": {"namespace": "wiki", "name": "wiki"},
        "spec": {
            "routes": [
                {"match": "Host(`wiki.test`)", "services": [{"name": "wiki", "port": 443, "scheme": "https"}]},
                {"match": "Host(`two.test`)", "services": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
                {"match": "Host(`inner.test`)", "services": [{"name": "api@internal", "kind": "TraefikService"}]},
            ]
        },
    }
    found = routes_of([INGRESS, route])
    assert found["shop.test", "/"] == ("shop", "shop", "80", False)
    assert found["shop.test", "/api"].port == "http"
    assert found["wiki.test", "/"] == ("wiki", "wiki", "443", True)
    assert ("two.test", "/") not in found, "which of both it would be is not known"
    assert ("inner.test", "/") not in found


def test_a_site_that_nobody_has_declared_is_asked_where_visitors_ask() -> None:
    shop = service("shop", "shop", {"name": "http", "port": 80})
    cluster = _cluster(
        shop, sites=[Site("shop.test", "/", BOTH), Site("gone.test", "/", ())], routes=routes_of([INGRESS])
    )
    (probe,) = found_probes(cluster, Defaults(every=30), [], [])
    assert (probe.name, probe.entry_point, probe.port, probe.tls, probe.every) == (
        "shop.test",
        "websecure",
        8443,
        True,
        30,
    )
    assert probe.expected == Expected(ANYTHING)
    assert probe.backend == Backend("shop", "shop", 80, "shop.test", "/")
    assert found_probes(cluster, Defaults(), ["SHOP.test:8443"], []) == []
    assert found_probes(cluster, Defaults(), [], ["shop.test"]) == []
    (alone,) = found_probes(replace(cluster, services={}), Defaults(), [], [])
    assert alone.backend is None


def test_a_declared_probe_asks_at_the_entry_point_of_its_site_unless_it_says_another() -> None:
    cluster = _cluster(sites=[Site("shop.test", "/", BOTH)])
    probe, faults = declared_probe(given(path="/cart", severity="warning"), cluster, Defaults())
    assert faults == []
    assert probe
    assert (probe.entry_point, probe.tls, probe.path, probe.severity) == ("websecure", True, "/cart", "warning")
    assert probe.expected == Expected(ANSWERED)
    probe, _faults = declared_probe(given(entry_point="Web"), cluster, Defaults())
    assert probe
    assert (probe.entry_point, probe.tls) == ("web", False)
    probe, _faults = declared_probe(given(host="other.test", websocket=True), cluster, Defaults())
    assert probe
    assert (probe.entry_point, probe.expected.status) == ("web", ((101, 101),))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"entry_point": "admin"}, "entry_point: Traefik has no TCP entry point admin; it has web, websecure"),
        ({"backend": {"service": "gone"}}, "backend.service: there is no Service shop/gone"),
        ({"backend": {"port": "https"}}, "backend.port: Service shop/shop has no port 'https'; it has 80 (http), 9000"),
    ],
)
def test_what_there_is_not_is_told(wrong: dict[str, Any], words: str) -> None:
    shop = service("shop", "shop", {"name": "http", "port": 80}, {"port": 9000})
    backend = {
        "namespace": "shop",
        "service": "shop",
        "port": "http",
        "path": None,
        "host": None,
        "tls": False,
        "expect": None,
    }
    if "backend" in wrong:
        wrong = {"backend": backend | wrong["backend"]}
    assert declared_probe(given(**wrong), _cluster(shop), Defaults()) == (None, [f"probe shop: {words}"])


def test_what_is_found_is_asked_as_seldom_as_it_has_to_be() -> None:
    shop = service("shop", "shop", {"name": "http", "port": 80})
    sites = [Site(f"{number}.test", "/", BOTH) for number in range(300)]
    found = found_probes(_cluster(shop, sites=sites, public="none"), Defaults(), [], [])
    slow, fault = unhurried([], found, replicas=3, rate=2.5)
    assert ({probe.every for probe in slow}, fault) == ({360}, "")
    few, _fault = unhurried([], found[:3], replicas=3, rate=2.5)
    assert {probe.every for probe in few} == {60}
    declared = [replace(found[0], every=5), replace(found[1], every=5)]
    slower, fault = unhurried(declared, found, replicas=3, rate=2.5)
    assert ({probe.every for probe in slower}, fault) == ({720}, "")
    assert "every: more is asked than 1 questions a second" in unhurried(declared, found, replicas=3, rate=1)[1]
    assert unhurried([], [], replicas=3, rate=1) == ([], "")


def test_the_public_way() -> None:
    port = {"name": "web", "port": 80, "targetPort": "web"}
    inner = service("traefik", "a-inner", port, selector=LABELS)
    outer = service("traefik", "outer", port, selector=LABELS, type="LoadBalancer")
    others = [
        service("traefik", "headless", port, selector=LABELS, clusterIP="None"),
        service("traefik", "other", port, selector={"app": "other"}, type="LoadBalancer"),
        service("elsewhere", "outer", port, selector=LABELS, type="LoadBalancer"),
    ]
    cluster = _cluster(inner, outer, *others)
    assert public_address(cluster, "web", "a.test", False) == "outer.traefik.svc.cluster.local:80"
    assert public_address(_cluster(inner), "web", "a.test", False) == "a-inner.traefik.svc.cluster.local:80"
    assert public_address(cluster, "websecure", "a.test", True) == "", "no Service leads there"
    assert public_address(replace(cluster, public="dns"), "websecure", "a.test:8443", True) == "a.test:443"
    assert public_address(replace(cluster, public="none"), "web", "a.test", False) == ""
    given_one = replace(cluster, addresses={"web": "203.0.113.7:80"})
    assert public_address(given_one, "web", "a.test", False) == "203.0.113.7:80"
