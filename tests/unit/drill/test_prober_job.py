"""The prober's Job, what it takes its orders from, and what its results mean."""

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.prober_job import (
    Load,
    Place,
    job,
    records_of,
    targets,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

PLACE = Place("probing", "registry.test/vegeta:12.12.0")
LOAD = Load(rate=1000, seconds=20, max_seconds=2.5)
VISITORS = [
    Visitor("stranger", Request(host="a.test", path="/x?y=1")),
    Visitor("member", Request(host="a.test", path="/x?y=1", headers={"Cookie": "session=chocolate-chip"})),
    Visitor("login", Request(host="b.test:8443", https=True, verify=False, user="alice", password="open-sesame")),
]


def arguments(visitors: list[Visitor]) -> list[str]:
    found = job("prober", PLACE, LOAD, visitors, "10.0.0.7:8000")
    (attack,) = found["spec"]["template"]["spec"]["initContainers"]
    return list(attack["args"])


def test_a_replica_is_asked_under_every_hosts_name() -> None:
    given = arguments(VISITORS)
    assert "-rate=1000/1s" in given
    assert "-duration=20s" in given
    assert "-timeout=2500ms" in given
    assert [each for each in given if each.startswith("-connect-to")] == [
        "-connect-to=a.test:80:10.0.0.7:8000",
        "-connect-to=b.test:8443:10.0.0.7:8000",
    ]
    assert "-insecure" in given


def test_certificates_are_looked_at_unless_told_otherwise() -> None:
    known = Visitor("known", Request(host="a.test", https=True, ca="PEM of an authority"))
    given = arguments([known])
    assert "-insecure" not in given
    assert "-root-certs=/prober/targets/authorities.pem" in given
    assert "-connect-to=a.test:443:10.0.0.7:8000" in given


def test_no_other_server_name() -> None:
    with pytest.raises(BadArgument, match=r"cannot ask a\.test under another name"):
        arguments([Visitor("other", Request(host="a.test", https=True, sni="b.test"))])


def test_secrets_stand_in_the_secret_alone() -> None:
    found = job("prober", PLACE, LOAD, VISITORS, "10.0.0.7:8000")
    secret = targets(found | {"metadata": found["metadata"] | {"uid": "1-2-3"}}, VISITORS)
    for value in ("chocolate-chip", "YWxpY2U6b3Blbi1zZXNhbWU="):
        assert value not in json.dumps(found)
        assert value in secret["stringData"]["targets.json"]
    assert secret["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "prober", "uid": "1-2-3"}
    ]


def test_targets_are_told_apart_by_what_is_not_sent() -> None:
    found = job("prober", PLACE, LOAD, VISITORS, "10.0.0.7:8000")
    secret = targets(found | {"metadata": found["metadata"] | {"uid": "1-2-3"}}, VISITORS)
    lines = [json.loads(line) for line in secret["stringData"]["targets.json"].splitlines()]
    assert [line["url"] for line in lines] == [
        "http://a.test/x?y=1#0",
        "http://a.test/x?y=1#1",
        "https://b.test:8443/#2",
    ]
    assert lines[1]["header"]["Cookie"] == ["session=chocolate-chip"]
    assert "Host" not in lines[0]["header"]


def test_the_pod_has_no_rights() -> None:
    pod = job("prober", PLACE, LOAD, VISITORS, "10.0.0.7:8000")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def row(status: int, error: str, headers: str, visitor: int = 0) -> str:
    packed = base64.b64encode(headers.encode()).decode()
    url = f"http://a.test/x#{visitor}"
    return f'1795292179432620390,{status},5013819,0,0,"{error}",,,7,GET,{url},{packed}'


def test_results() -> None:
    lines = [
        row(200, "", "Content-Length: 2\r\n\r\n"),
        row(401, "401 Unauthorized", "Content-Length: 2\r\nX-Auth-Fallback: true\r\n\r\n", 1),
        row(0, "context deadline exceeded, at last", "", 2),
    ]
    moment = 1795292179.4326203
    assert list(records_of(lines, "traefik-a")) == [
        Record(moment, 0.005013819, 0.0, "traefik-a", 0, 200),
        Record(moment, 0.005013819, 0.0, "traefik-a", 1, 401, True),
        Record(moment, 0.005013819, 0.0, "traefik-a", 2, 0, False, "context deadline exceeded, at last"),
    ]


def test_what_is_no_result() -> None:
    with pytest.raises(ValueError, match="no result of vegeta: 'panic"):
        list(records_of(["panic: out of memory"], "traefik-a"))
