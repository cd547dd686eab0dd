"""What Traefik's objects refer to, and which references lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CHAIN_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import (
    Known,
    Rules,
    faults,
    still_referenced,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import of_ingress, references_of


def _object(kind: str, spec: dict[str, Any], name: str = "it", namespace: str = "shop", **more: Any) -> Object:
    api_version = "v1" if kind in ("Service", "Secret", "ConfigMap") else "traefik.io/v1alpha1"
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec} | more


def _found(item: Object) -> set[tuple[str, str, str]]:
    return {(each.path, each.kind, f"{each.namespace}/{each.name}") for each in references_of(item)}


def test_an_ingress_route() -> None:
    service = {
        "name": "web",
        "port": 80,
        "serversTransport": "fast",
        "middlewares": [{"name": "m3"}],
    }
    routes = [
        {"middlewares": [{"name": "m1"}, {"name": "m2", "namespace": "traefik"}], "services": [service]},
        {"services": [{"kind": "TraefikService", "name": "ts", "namespace": "far"}, {"name": "api@internal"}]},
    ]
    tls = {"secretName": "cert", "options": {"name": "modern", "namespace": "traefik"}, "store": {"name": "default"}}
    spec = {"routes": routes, "tls": tls, "parentRefs": [{"name": "parent"}]}
    assert _found(_object("IngressRoute", spec)) == {
        ("spec.routes[0].middlewares[0]", "Middleware", "shop/m1"),
        ("spec.routes[0].middlewares[1]", "Middleware", "traefik/m2"),
        ("spec.routes[0].services[0]", "Service", "shop/web"),
        ("spec.routes[0].services[0].serversTransport", "ServersTransport", "shop/fast"),
        ("spec.routes[0].services[0].middlewares[0]", "Middleware", "shop/m3"),
        ("spec.routes[1].services[0]", "TraefikService", "far/ts"),
        ("spec.routes[1].services[1]", "Service", "shop/api@internal"),
        ("spec.parentRefs[0]", "IngressRoute", "shop/parent"),
        ("spec.tls.secretName", "Secret", "shop/cert"),
        ("spec.tls.options", "TLSOption", "traefik/modern"),
        ("spec.tls.store", "TLSStore", "shop/default"),
    }


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Middleware", {"chain": {"middlewares": [{"name": "a"}]}}, ("spec.chain.middlewares[0]", "Middleware", "a")),
        ("Middleware", {"errors": {"service": {"name": "e", "port": 1}}}, ("spec.errors.service", "Service", "e")),
        ("Middleware", {"basicAuth": {"secret": "s"}}, ("spec.basicAuth.secret", "Secret", "s")),
        ("Middleware", {"digestAuth": {"secret": "s"}}, ("spec.digestAuth.secret", "Secret", "s")),
        (
            "Middleware",
            {"forwardAuth": {"tls": {"caSecret": "s"}}},
            ("spec.forwardAuth.tls.caSecret", "Secret", "s"),
        ),
        (
            "Middleware",
            {"rateLimit": {"redis": {"tls": {"certSecret": "s"}}}},
            ("spec.rateLimit.redis.tls.certSecret", "Secret", "s"),
        ),
        (
            "Middleware",
            {"plugin": {"p": {"keys": ["urn:k8s:secret:s:key", "plain"]}}},
            ("spec.plugin.p.keys[0]", "Secret", "s"),
        ),
        (
            "TraefikService",
            {"weighted": {"services": [{"name": "a", "port": 1}]}},
            ("spec.weighted.services[0]", "Service", "a"),
        ),
        ("TraefikService", {"mirroring": {"name": "a", "port": 1}}, ("spec.mirroring", "Service", "a")),
        (
            "TraefikService",
            {"failover": {"fallback": {"kind": "TraefikService", "name": "a"}}},
            ("spec.failover.fallback", "TraefikService", "a"),
        ),
        ("ServersTransport", {"rootCAs": [{"configMap": "c"}]}, ("spec.rootCAs[0].configMap", "ConfigMap", "c")),
        ("ServersTransport", {"certificatesSecrets": ["s"]}, ("spec.certificatesSecrets[0]", "Secret", "s")),
        ("ServersTransportTCP", {"tls": {"rootCAsSecrets": ["s"]}}, ("spec.tls.rootCAsSecrets[0]", "Secret", "s")),
        ("TLSOption", {"clientAuth": {"secretNames": ["s"]}}, ("spec.clientAuth.secretNames[0]", "Secret", "s")),
        (
            "TLSStore",
            {"defaultCertificate": {"secretName": "s"}},
            ("spec.defaultCertificate.secretName", "Secret", "s"),
        ),
        (
            "IngressRouteTCP",
            {"routes": [{"middlewares": [{"name": "a"}]}]},
            ("spec.routes[0].middlewares[0]", "MiddlewareTCP", "a"),
        ),
        (
            "IngressRouteUDP",
            {"routes": [{"services": [{"name": "a", "port": 1}]}]},
            ("spec.routes[0].services[0]", "Service", "a"),
        ),
    ],
)
def test_one_reference_of_every_sort(kind: str, spec: dict[str, Any], expected: tuple[str, str, str]) -> None:
    path, target, name = expected
    assert _found(_object(kind, spec)) == {(path, target, f"shop/{name}")}


@pytest.mark.parametrize("spec", [{}, {"routes": None}, {"routes": [None, "a"]}, {"routes": [{"middlewares": [1]}]}])
def test_malformed_parts_are_left_to_the_schema(spec: dict[str, Any]) -> None:
    assert _found(_object("IngressRoute", spec)) == set()


def test_other_kinds_refer_to_nothing() -> None:
    assert references_of(_object("ConfigMap", {"routes": [{"middlewares": [{"name": "a"}]}]})) == []


def _route(**route: Any) -> Object:
    return _object("IngressRoute", {"routes": [route]})


def _faults(item: Object, *there: Object, **rules: Any) -> list[str]:
    known = Known({ref_of(each): each for each in (item, *there)}, qualified=rules.pop("qualified", None))
    return [fault.split(": ", 2)[2] for fault in faults(references_of(item), known, Rules(**rules))]


SERVICE = _object("Service", {"ports": [{"name": "http", "port": 80}, {"port": 81}]}, "web")


@pytest.mark.parametrize("port", [80, 81, "http"])
def test_ports_that_a_service_has(port: Any) -> None:
    assert _faults(_route(services=[{"name": "web", "port": port}]), SERVICE) == []


@pytest.mark.parametrize("port", [82, "https", "80"])
def test_ports_that_it_has_not(port: Any) -> None:
    expected = f"Service shop/web has no port {port!r}, it has 80 (http), 81"
    assert _faults(_route(services=[{"name": "web", "port": port}]), SERVICE) == [expected]


def test_no_port_at_all() -> None:
    expected = "port is missing; Service shop/web has 80 (http), 81"
    assert _faults(_route(services=[{"name": "web"}]), SERVICE) == [expected]


def test_external_names_need_a_setting() -> None:
    external = _object("Service", {"type": "ExternalName", "externalName": "a.test"}, "web")
    item = _route(services=[{"name": "web", "port": 443}])
    (fault,) = _faults(item, external)
    assert "allowExternalNameServices is off" in fault
    assert _faults(item, external, external_names=True) == []


def test_what_is_missing() -> None:
    assert _faults(_route(middlewares=[{"name": "m"}])) == ["Middleware shop/m does not exist"]


def test_what_may_not_be_read_is_no_fault() -> None:
    item = _route(middlewares=[{"name": "m"}])
    targets = frozenset(reference.target for reference in references_of(item))
    assert faults(references_of(item), Known({}, targets), Rules()) == []


def test_other_namespaces() -> None:
    there = _object("Middleware", {}, "m", "traefik")
    item = _route(middlewares=[{"name": "m", "namespace": "traefik"}])
    (fault,) = _faults(item, there)
    assert "allowCrossNamespace is off" in fault
    assert _faults(item, there, cross_namespace=True) == []
    assert _faults(item, cross_namespace=True) == ["Middleware traefik/m does not exist"]


def test_names_with_a_provider() -> None:
    assert _faults(_route(middlewares=[{"name": "auth@file"}])) == []
    item = _route(middlewares=[{"name": "traefik-m@kubernetescrd"}])
    (fault,) = _faults(item)
    assert "allowCrossNamespace is off" in fault
    assert _faults(item, cross_namespace=True) == [], "not looked up"
    assert _faults(item, cross_namespace=True, qualified=frozenset({"traefik-m@kubernetescrd"})) == []
    (fault,) = _faults(item, cross_namespace=True, qualified=frozenset())
    assert fault == "names traefik-m@kubernetescrd, and no object makes this name"


def test_namespaces_that_may_name_other_providers() -> None:
    item = _route(middlewares=[{"name": "auth@file"}])
    assert _faults(item, cross_provider_namespaces=["shop"]) == []
    (fault,) = _faults(item, cross_provider_namespaces=[])
    assert "crossProviderNamespaces" in fault


def test_traefiks_own_tls_defaults() -> None:
    tls = {"options": {"name": "default"}, "store": {"name": "default"}}
    assert _faults(_object("IngressRoute", {"tls": tls})) == []


@pytest.mark.parametrize(
    ("part", "secret", "fine"),
    [
        ({"basicAuth": {"secret": "s"}}, {"data": {"users": ""}}, True),
        ({"basicAuth": {"secret": "s"}}, {"data": {"users": "", "more": ""}}, False),
        ({"basicAuth": {"secret": "s"}}, {"data": {"username": "", "password": ""}}, False),
        (
            {"basicAuth": {"secret": "s"}},
            {"data": {"username": "", "password": ""}, "type": "kubernetes.io/basic-auth"},
            True,
        ),
        ({"digestAuth": {"secret": "s"}}, {"stringData": {"users": ""}}, True),
        ({"digestAuth": {"secret": "s"}}, {}, False),
        ({"forwardAuth": {"tls": {"caSecret": "s"}}}, {"data": {"ca.crt": "", "other": ""}}, True),
        ({"forwardAuth": {"tls": {"caSecret": "s"}}}, {"data": {"any": ""}}, True),
        ({"forwardAuth": {"tls": {"caSecret": "s"}}}, {"data": {"a": "", "b": ""}}, False),
        ({"forwardAuth": {"tls": {"certSecret": "s"}}}, {"data": {"tls.crt": "", "tls.key": ""}}, True),
        ({"forwardAuth": {"tls": {"certSecret": "s"}}}, {"data": {"tls.crt": ""}}, False),
    ],
)
def test_keys_of_secrets(part: dict[str, Any], secret: dict[str, Any], fine: bool) -> None:
    there = _object("Secret", {}, "s", **secret)
    assert (_faults(_object("Middleware", part), there) == []) is fine


def test_references_to_what_goes_away() -> None:
    gone = _object("Middleware", {}, "m")
    route, chained = _route(middlewares=[{"name": "m"}]), _object("Middleware", {"chain": {"middlewares": []}}, "c")
    ingress = _object("Ingress", {}, "i", "far")
    ingress["metadata"]["annotations"] = {CHAIN_ANNOTATION: "a@file, shop-m@kubernetescrd"}
    references = [*references_of(route), *references_of(chained), *of_ingress(ingress)]
    assert still_referenced(references, {ref_of(gone): gone}) == [
        "IngressRoute shop/it: spec.routes[0].middlewares[0] names Middleware shop/m",
        f"Ingress far/i: annotation {CHAIN_ANNOTATION} names Middleware shop/m",
    ]
    assert still_referenced(references_of(route), {ref_of(gone): gone, ref_of(route): route}) == []
