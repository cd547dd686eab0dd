"""The objects of probes and rehearsals."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CLASS_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probe import (
    EXPIRES_LABEL,
    Probe,
    Setting,
    probe_for,
    rehearsal,
)

SETTING = Setting("traefik", 99, "edge", {"tier": "a"})


def _object(kind: str, name: str, spec: dict[str, Any] | None = None, namespace: str = "shop") -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "traefik.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec or {}}


def _routes(probe: Probe, namespace: str = "shop") -> list[dict[str, Any]]:
    (found,) = [
        item for item in probe.objects if item["kind"] == "IngressRoute" and item["metadata"]["namespace"] == namespace
    ]
    return list(found["spec"]["routes"])


def test_a_control_and_a_route_for_the_middleware() -> None:
    probe = probe_for([_object("Middleware", "retry")], "t", SETTING)
    control, through = _routes(probe)
    assert control["middlewares"] == [{"name": "resilient-probe-t"}]
    assert through["middlewares"] == [{"name": "resilient-probe-t"}, {"name": "retry"}]
    assert control["services"] == through["services"] == [{"kind": "TraefikService", "name": "noop@internal"}]
    assert [question.about for question in probe.questions] == [
        None,
        ObjectRef("traefik.io/v1alpha1", "Middleware", "retry", "shop"),
    ]
    assert [f"Path(`{question.path}`)" for question in probe.questions] == [control["match"], through["match"]]


def test_everything_carries_what_this_traefik_looks_for() -> None:
    probe = probe_for([_object("Middleware", "a"), _object("Middleware", "b", namespace="far")], "t", SETTING)
    assert len(probe.objects) == 4, "a stopping middleware and a route in each namespace"
    for item in probe.objects:
        labels = item["metadata"]["labels"]
        assert (labels["tier"], labels[EXPIRES_LABEL]) == ("a", "99")
        if item["kind"] == "IngressRoute":
            assert item["metadata"]["annotations"] == {CLASS_ANNOTATION: "edge"}
            assert item["spec"]["entryPoints"] == ["traefik"]


def test_every_request_is_stopped_before_what_is_asked_about() -> None:
    route = {"match": "Host(`a.test`)", "middlewares": [{"name": "auth"}], "services": [{"name": "web", "port": 80}]}
    probe = probe_for([_object("IngressRoute", "r", {"routes": [route]})], "t", SETTING)
    _control, through = _routes(probe)
    assert through["middlewares"] == [{"name": "resilient-probe-t"}, {"name": "auth"}]
    assert through["services"] == [{"name": "web", "port": 80}]
    # The rule is parsed and never met: its only other condition is another path.
    assert through["match"].endswith("/never`) && (Host(`a.test`)))")
    assert probe.questions[1].rule == "Host(`a.test`)"


def test_twins_refer_to_twins() -> None:
    route = {"match": "Host(`a.test`)", "middlewares": [{"name": "m"}, {"name": "old"}]}
    services = [{"name": "s", "kind": "TraefikService"}, {"name": "web", "port": 80, "serversTransport": "st"}]
    items = [
        _object("Middleware", "m", {"chain": {"middlewares": [{"name": "old"}, {"name": "m2"}]}}),
        _object("Middleware", "m2", {"compress": {}}),
        _object("TraefikService", "s", {"weighted": {"services": [{"name": "web", "port": 80}]}}),
        _object("ServersTransport", "st", {"serverName": "x"}),
        _object("IngressRoute", "r", {"routes": [route | {"services": services}], "entryPoints": ["web"]}),
    ]
    twins = dict(rehearsal(items, "t", SETTING))
    names = {item["metadata"]["name"]: twins[ref_of(item)]["metadata"]["name"] for item in items}
    assert len(set(names.values())) == 5
    assert not set(names) & set(names.values())
    chained = twins[ref_of(items[0])]["spec"]["chain"]["middlewares"]
    assert chained == [{"name": "old"}, {"name": names["m2"]}]
    twin_route = twins[ref_of(items[4])]["spec"]["routes"][0]
    assert twin_route["middlewares"] == [{"name": names["m"]}, {"name": "old"}]
    assert twin_route["services"][0]["name"] == names["s"]
    assert twin_route["services"][1] == {"name": "web", "port": 80, "serversTransport": names["st"]}
    assert items[0]["spec"]["chain"]["middlewares"][1] == {"name": "m2"}, "the original is not touched"


def test_what_would_take_live_traffic_has_no_twin() -> None:
    kinds = ("IngressRouteTCP", "IngressRouteUDP", "MiddlewareTCP", "TLSOption", "TLSStore")
    assert rehearsal([_object(kind, "x") for kind in kinds], "t", SETTING) == []
