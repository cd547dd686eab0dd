"""Endpoints as Traefik takes them, why pods are not ready, and for how long Traefik waits."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.explain.backend import (
    backend_of,
    pod_problem,
    services_behind,
    timeouts,
)
from ansible_collections.resilient.traefik.plugins.module_utils.explain.routers import ServiceRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from tests.unit.explain.sample import REF

NAME = {"name": "web", "namespace": "shop"}


def _service(**spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return {"kind": "Service", "metadata": dict(NAME), "spec": {"selector": {"app": "web"}, "ports": ports} | spec}


def _slice(*conditions: dict[str, bool], port: Any = 8080) -> Object:
    endpoints = [
        {"addresses": [f"10.0.0.{number}"], "conditions": each} for number, each in enumerate(conditions, start=1)
    ]
    return {"ports": [{"name": "http", "port": port}], "endpoints": endpoints}


def _pod(ready: bool = True, **status: Any) -> Object:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"nodeName": "node-a"},
        "status": {"phase": "Running", "conditions": conditions} | status,
    }


def _container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "web", "ready": False} | state]}


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (_pod(), ""),
        (
            _pod(
                False,
                **_container(
                    state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                    lastState={"terminated": {"reason": "Error", "exitCode": 2}},
                ),
            ),
            "CrashLoopBackOff: Error, exit code 2",
        ),
        (
            _pod(False, **_container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such\nimage"}})),
            "ImagePullBackOff: no such image",
        ),
        (
            _pod(False, **_container(state={"terminated": {"reason": "OOMKilled", "exitCode": 137}})),
            "OOMKilled: container web ended with exit code 137",
        ),
        (
            _pod(False, **_container(state={"running": {}})),
            "container web runs and its readiness probe does not succeed",
        ),
        (_pod(False, reason="Evicted", message="low on memory", phase="Failed"), "Evicted: low on memory"),
        (_pod(False, phase="Pending"), "Pending"),
        (
            {
                "metadata": {"name": "web-1"},
                "spec": {},
                "status": {
                    "conditions": [
                        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
                    ]
                },
            },
            "Unschedulable: 0/3 nodes",
        ),
        (_pod() | {"metadata": {"name": "web-1", "deletionTimestamp": "2026"}}, "it is being deleted"),
    ],
)
def test_why_a_pod_is_not_ready(pod: Object, words: str) -> None:
    assert pod_problem(pod) == words


def test_endpoints_are_those_that_serve() -> None:
    pieces = [_slice({}, {"serving": True, "ready": False}, {"serving": False}), _slice({}, port=None)]
    found = backend_of(REF, _service(), pieces, [_pod()], None, {})
    assert (found.endpoints, found.ports, found.problem) == (2, (8080,), "")


@pytest.mark.parametrize(
    ("service", "pods", "problem"),
    [
        (None, [], "Service shop/web port 80 does not exist"),
        (_service(ports=[{"port": 8080}]), [], "Service shop/web has no port 80; it has 8080"),
        (_service(), [], "Service shop/web has no endpoints: no pod has the labels that it selects"),
        (_service(), [_pod(False, phase="Pending")], "Service shop/web has no endpoints: 0 of 1 pods ready: Pending"),
        (
            _service(selector=None),
            [],
            "Service shop/web has no endpoints: it has no selector, and nobody has written any for it",
        ),
        (_service(type="ExternalName"), [], ""),
    ],
)
def test_what_is_wrong_with_a_service(service: Object | None, pods: list[Object], problem: str) -> None:
    assert backend_of(REF, service, [], pods, None, {}).problem == problem


def test_a_transport_inherits_nothing_of_the_static_settings() -> None:
    static = {
        "serverstransport.forwardingtimeouts.responseheadertimeout": "30s",
        "serverstransport.forwardingtimeouts.dialtimeout": "1m30s",
    }
    own: Object = {"spec": {"forwardingTimeouts": {"responseHeaderTimeout": "5s"}}}
    assert timeouts(None, {}) == (0.0, 30.0)
    assert timeouts(None, static) == (30.0, 90.0)
    assert timeouts({"spec": {}}, static) == (0.0, 30.0)
    assert timeouts(own, static) == (5.0, 30.0)


def test_stickiness_and_scheme_come_from_the_route_or_the_services_annotations() -> None:
    prefix = "traefik.ingress.kubernetes.io/service."
    annotated = _service()
    annotated["metadata"]["annotations"] = {f"{prefix}sticky.cookie": "true", f"{prefix}serversscheme": "https"}
    by_annotation = backend_of(REF, annotated, [_slice({})], [], None, {})
    assert (by_annotation.sticky, by_annotation.scheme) == ("cookie", "https")
    options = {"sticky": {"cookie": {"secure": True}}, "nativeLB": True, "scheme": "h2c"}
    ref = ServiceRef("Service", "shop", "web", 80, options)
    by_route = backend_of(ref, _service(), [_slice({})], [], None, {})
    assert (by_route.sticky, by_route.sticky_secure, by_route.native, by_route.scheme) == ("cookie", True, True, "h2c")
    assert backend_of(REF, _service(), [_slice({})], [], None, {}).scheme == "http"


def test_traefik_services_are_followed_and_a_circle_ends() -> None:
    weighted = {"weighted": {"services": [{"name": "web", "port": 80}, {"name": "b", "kind": "TraefikService"}]}}
    failover = {
        "failover": {"service": {"name": "a", "kind": "TraefikService"}, "fallback": {"name": "page", "port": 1}}
    }
    known: dict[tuple[str, str], Object] = {("shop", "a"): {"spec": weighted}, ("shop", "b"): {"spec": failover}}
    found = services_behind([ServiceRef("TraefikService", "shop", "a")], known)
    assert [str(ref) for ref in found] == [
        "Service shop/web port 80",
        "TraefikService shop/a",
        "Service shop/page port 1",
    ]
    assert services_behind([ServiceRef("TraefikService", "shop", "none")], {})[0].name == "none"
