"""What a probe may be, and how the exporter is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import (
    ANSWERED,
    Backend,
    Expected,
    Probe,
    expected_of,
    faults_of,
    held,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes_asked import EDGE, Seen, accept_key
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes_info import asked_in, judged
from ansible_collections.resilient.traefik.plugins.plugin_utils.probe_exporter.exporter import exporter_from, files_of

PROBE = Probe("shop", "shop.test", "web", 8000, False, backend=Backend("shop", "web", 80, "shop.test", "/"))
REPLICAS = {"workload": {"kind": "Deployment", "name": "traefik"}, "pods_path": "/api/v1/namespaces/traefik/pods"}


def given(**more: Any) -> dict[str, Any]:
    """A declared probe as a module gets it."""
    return {
        "name": "shop",
        "host": "shop.test",
        "path": "/",
        "entry_point": None,
        "method": "GET",
        "headers": {},
        "expect": {"status": [], "headers": [], "body": None},
        "websocket": False,
        "subprotocol": "",
        "through": ["public", "replicas"],
        "backend": None,
        "every": None,
        "fails_after": None,
        "slow": None,
        "severity": None,
    } | more


def test_a_plain_probe_has_no_fault() -> None:
    assert faults_of([given(), given(name="other", websocket=True, subprotocol="tty, v1.k8s.io")]) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "name: expected 1 to 100 printable characters"),
        ({"host": "*.test"}, "host: expected the host of one site, got '*.test'"),
        ({"host": "a.test\r\nX: y"}, "host: expected the host of one site"),
        ({"path": "cart"}, "path: must begin with /"),
        ({"path": "/a b"}, "path: must begin with / and hold no spaces"),
        ({"headers": {"cookie": "a=b"}}, "headers: cookie is a secret"),
        ({"headers": {"Authorization": "Basic x"}}, "headers: Authorization is a secret"),
        ({"headers": {"User-Agent": "x"}}, "headers: User-Agent is set by the probe itself"),
        ({"headers": {"X-A": "a\nb"}}, "headers: 'X-A' or its value holds characters"),
        ({"expect": {"status": [20], "headers": [], "body": None}}, "expect.status: 20 is no HTTP status"),
        ({"expect": {"status": [], "headers": [], "body": "("}}, "expect.body: '(' is no regular expression"),
        ({"subprotocol": "tty"}, "subprotocol: it is one of a WebSocket"),
        ({"subprotocol": "a b", "websocket": True}, "subprotocol: expected names with commas"),
        ({"method": "HEAD", "websocket": True}, "method: a WebSocket is opened by GET"),
        ({"expect": {"status": [200]}, "websocket": True}, "expect: of a WebSocket it is known"),
        ({"every": 1}, "every: must be at least 5, got 1"),
        ({"fails_after": 0}, "fails_after: must be at least 1"),
        ({"through": []}, "through: nothing is left to ask by"),
    ],
)
def test_what_cannot_be_is_told_with_the_probe(wrong: dict[str, Any], words: str) -> None:
    found = faults_of([given(**wrong)])
    assert len(found) == 1, found
    assert found[0].startswith(f"probe {wrong.get('name', 'shop')}: {words}")


def test_two_probes_have_two_names() -> None:
    assert faults_of([given(), given(host="b.test")]) == ["probe shop: name: another one has it"]


def test_what_is_not_said_of_an_answer_is_as_usual() -> None:
    assert expected_of(None, ANSWERED) == Expected()
    headers = [{"name": "X-A", "equals": None, "matches": "a", "absent": False}]
    found = expected_of({"status": [302], "headers": headers, "body": None}, ANSWERED)
    assert found == Expected(((302, 302),), ({"name": "X-A", "matches": "a"},))
    assert found.as_request()["headers"] == headers
    assert Expected().as_request()["status"] == [*range(200, 400), 401]


def test_the_exporter_is_told_of_a_probe() -> None:
    told = PROBE.as_settings("example.local")
    assert told["backend"]["to"] == "web.shop.svc.example.local:80"
    assert (told["every_ms"], told["fails_after"], told["replicas"]) == (60000, 2, True)
    files = files_of(REPLICAS, [told], exporter_from({"folder": "/etc/probes", "dns": "10.96.0.10"}))
    assert "resolver 10.96.0.10 valid=5s;" in files["probes.conf"]
    assert json.loads(files["settings.js"].removeprefix("export default ").rstrip(";\n"))["probes"] == [told]
    assert {"asking.js", "cluster.js", "websocket.js", "certificate.js"} <= files.keys()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({}, "folder: is needed"),
        ({"folder": "/a", "intervall": 9}, "intervall: there is no such option"),
        ({"folder": "/a", "interval": 1}, "interval: expected a number of at least 5, got 1"),
        ({"folder": "/a", "interval": 10}, "answer_within: 4 s are too long for rounds every 10 s"),
    ],
)
def test_a_place_that_cannot_be_is_refused(place: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        exporter_from(place)


def test_the_accept_key_is_that_of_the_standard() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3


# --- what was answered -----------------------------------------------------------------------------------------------


def seen(*problems: str, leg: str = EDGE, no_router: bool = False) -> list[Seen]:
    """What two replicas, or pods, answered."""
    return [Seen("shop", leg, f"pod {at}", 500 if each else 200, each, no_router) for at, each in enumerate(problems)]


def test_an_expectation_that_holds_somewhere_is_taken() -> None:
    assert judged([PROBE], seen("status", ""), []) == ([], [], set())


def test_one_that_holds_nowhere_is_refused_with_what_was_seen() -> None:
    findings, _notes, silent = judged([PROBE], seen("came 500", "came 502"), [])
    assert findings == ["probe shop: expect: it did not hold: pod 0: came 500; pod 1: came 502"]
    assert silent == set()
    (found,), _notes, _silent = judged([PROBE], seen("none", "none", no_router=True), [])
    assert "host: no replica has a route for it" in found
    (found,), _notes, _silent = judged([PROBE], seen("came 500", leg="backend"), [])
    assert "backend: what it expects held at none of its pods" in found


def test_a_probe_that_was_asked_before_stays_and_one_that_was_found_is_left_out() -> None:
    findings, (note,), silent = judged([PROBE], seen("came 500"), ["shop"])
    assert (findings, silent) == ([], set())
    assert "It was asked before" in note
    found = Probe("shop", "shop.test", "web", 8000, False, found=True)
    findings, (note,), silent = judged([found], seen("came 500", ""), [])
    assert (findings, silent) == ([], {"shop"})
    assert "left out" in note


def test_what_was_asked_before_is_in_the_newest_configuration() -> None:
    told = PROBE.as_settings("cluster.local")
    maps = [
        {"metadata": {"creationTimestamp": f"2026-01-0{day}T00:00:00Z"}, "data": {"settings.js": text}}
        for day, text in ((2, f"export default {json.dumps({'probes': [told]})};\n"), (1, "export default {};\n"))
    ]
    assert held(told, asked_in(maps))
    assert held(told | {"every_ms": 90000, "severity": "warning"}, asked_in(maps))
    assert not held(told | {"path": "/other"}, asked_in(maps))
    assert asked_in(maps[1:]) == asked_in([]) == []
