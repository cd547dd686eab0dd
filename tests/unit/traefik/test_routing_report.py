"""What several replicas' routing comes to."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.host_answers import differences
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import Routing
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.routing_report import (
    by_provider,
    faults,
    parity,
)


def _router(name: str, **more: Any) -> dict[str, Any]:
    known = {"protocol": "http", "provider": name.partition("@")[2], "rule": "Host(`a`)", "status": "enabled"}
    return {"name": name} | known | more


def _service(*urls: str, **more: Any) -> dict[str, Any]:
    servers = [{"url": url} for url in urls]
    return {"name": "s@file", "protocol": "http", "provider": "file", "loadBalancer": {"servers": servers}} | more


def _routing(replica: str, *routers: dict[str, Any], services: list[dict[str, Any]] | None = None) -> Routing:
    return Routing(replica, list(routers), services or [], [], "3.7.9")


def test_equal_replicas_do_not_differ() -> None:
    one = _routing("one", _router("a@file"), services=[_service("x", "y", serverStatus={"x": "UP"}, usedBy=["a"])])
    two = _routing("two", _router("a@file"), services=[_service("y", "x", serverStatus={"x": "DOWN"})])
    assert parity([one, two]) == []
    assert parity([one]) == []
    assert parity([]) == []


def test_where_replicas_differ() -> None:
    one = _routing("one", _router("a@file"), _router("b@file"), services=[_service("x")])
    two = _routing("two", _router("a@file", rule="Host(`b`)"), services=[_service("x", "y")])
    assert parity([one, two]) == [
        {"kind": "routers", "protocol": "http", "name": "a@file", "missing_at": [], "differing": ["rule"]},
        {"kind": "routers", "protocol": "http", "name": "b@file", "missing_at": ["two"], "differing": []},
        {"kind": "services", "protocol": "http", "name": "s@file", "missing_at": [], "differing": ["loadBalancer"]},
    ]


def test_the_same_name_under_two_protocols_is_two_things() -> None:
    both = [_router("a@file"), _router("a@file", protocol="tcp")]
    assert len(parity([_routing("one", *both), _routing("two")])) == 2


def test_faults_are_told_once_with_their_replicas() -> None:
    broken = _router("a@file", status="disabled", error=["no such service"])
    warned = _router("b@file", status="warning", error="two errors in one text")
    found = faults([_routing("one", broken, warned), _routing("two", broken, _router("b@file"))])
    assert found == [
        {
            "kind": "routers",
            "protocol": "http",
            "name": "a@file",
            "errors": ["no such service"],
            "replicas": ["one", "two"],
            "status": "disabled",
        },
        {
            "kind": "routers",
            "protocol": "http",
            "name": "b@file",
            "errors": ["two errors in one text"],
            "replicas": ["one"],
            "status": "warning",
        },
    ]


def test_the_report_goes_by_provider_and_name() -> None:
    report = by_provider(_routing("one", _router("b@kubernetes"), _router("b@file"), _router("a@file", using=["web"])))
    assert {provider: [each["name"] for each in found] for provider, found in report["routers"].items()} == {
        "file": ["a@file", "b@file"],
        "kubernetes": ["b@kubernetes"],
    }
    assert "using" not in report["routers"]["file"][0]


def test_hosts_that_replicas_answer_differently() -> None:
    def answers(first: int) -> list[dict[str, Any]]:
        return [{"host": "a.test", "status": first}, {"host": "b.test", "status": 404}]

    assert differences({"one": answers(200), "two": answers(404)}) == [
        {"kind": "answer", "name": "a.test", "statuses": {"one": 200, "two": 404}}
    ]
    assert differences({"one": answers(200), "two": answers(200)}) == []
