"""An API server that drops connections, is overloaded or refuses: retried where that helps, and never where not."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import config_map
from tests.integration.support_playbook import Player
from tests.integration.support_proxy import Injected, answering, cutting, status_object

pytest_plugins = ["tests.integration.support_fixtures"]


def _upstream(admin: Client) -> tuple[str, int]:
    url = urlsplit(admin.host)
    return str(url.hostname), url.port or 443


def _through(port: int, kubeconfig: Path) -> dict[str, object]:
    """The lab under another port of this machine: the certificate still fits, because the host is the same."""
    return {"kubeconfig": str(kubeconfig), "host": f"https://127.0.0.1:{port}"}


@pytest.mark.parametrize("after", [0, 2000], ids=["before the handshake", "in the middle of it or of an answer"])
def test_dropped_connections_are_tried_again(admin: Client, kubeconfig: Path, namespace: str, after: int) -> None:
    with cutting(_upstream(admin), cuts=2, after=after) as proxy:
        client = Client(_through(proxy.port, kubeconfig))
        Writer(client, check_mode=False).apply([config_map(namespace, greeting="hello")])
        assert proxy.connections > 2
    assert admin.get(ref_of(config_map(namespace)))["data"] == {"greeting": "hello"}


def test_an_answer_that_breaks_off_is_read_again(admin: Client, kubeconfig: Path, namespace: str) -> None:
    Writer(admin, check_mode=False).apply([config_map(namespace, text="x" * 300_000)])
    with cutting(_upstream(admin), cuts=1, after=100_000) as proxy:
        client = Client(_through(proxy.port, kubeconfig))
        (answer,) = read_all(client, [Query("v1", "ConfigMap", "settings", namespace)])
        assert len(answer.items[0]["data"]["text"]) == 300_000
        assert proxy.connections == 2


def test_an_api_server_that_never_answers_is_given_up(admin: Client, kubeconfig: Path) -> None:
    with cutting(_upstream(admin), cuts=1000) as proxy:
        client = Client(_through(proxy.port, kubeconfig))
        start = time.monotonic()
        with pytest.raises(errors.Unreachable, match=rf"https://127.0.0.1:{proxy.port}.*Check that the cluster runs"):
            client.request("GET", "/version")
        assert time.monotonic() - start < 30
        assert 3 <= proxy.connections <= 10


@pytest.mark.parametrize(
    "fault",
    [
        Injected(429, {"Retry-After": "1"}, status_object(429, "TooManyRequests", "slow down")),
        Injected(503, {}, status_object(503, "ServiceUnavailable", "etcd is away")),
        Injected(500, {}, status_object(500, "InternalError", "leader changed")),
        Injected(504, {}, b"gateway timeout"),
    ],
    ids=lambda fault: str(fault.status),
)
def test_an_overloaded_api_server_is_asked_again(
    admin: Client, namespace: str, tmp_path: Path, fault: Injected
) -> None:
    with answering(admin, lambda number, method, path: fault if number < 2 else None, tmp_path) as (url, seen):
        client = Client({"host": url, "api_key": "not-looked-at", "validate_certs": False})
        start = time.monotonic()
        Writer(client, check_mode=False).apply([config_map(namespace, greeting="hello")])
        took = time.monotonic() - start
    assert [request.status for request in seen[:2]] == [fault.status] * 2
    assert [request.status for request in seen[2:]] == [201, 201]
    assert took > (2 if "Retry-After" in fault.headers else 0.1), "the pause that the server asked for"
    assert admin.get(ref_of(config_map(namespace)))["data"] == {"greeting": "hello"}


def test_an_overload_that_stays_is_said(admin: Client, tmp_path: Path) -> None:
    fault = Injected(503, {}, status_object(503, "ServiceUnavailable", "etcd is away"))
    with answering(admin, lambda number, method, path: fault, tmp_path) as (url, seen):
        client = Client({"host": url, "api_key": "not-looked-at", "validate_certs": False})
        with pytest.raises(errors.ApiError, match=r"GET /version: etcd is away \(HTTP 503\)"):
            client.request("GET", "/version")
    assert len(seen) == 7


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Invalid),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (413, errors.Invalid),
        (422, errors.Invalid),
    ],
)
def test_a_refusal_is_never_tried_again(
    admin: Client, tmp_path: Path, namespace: str, status: int, kind: type[errors.ApiError]
) -> None:
    def inject(number: int, method: str, path: str) -> Injected | None:
        return Injected(status, {}, status_object(status, "Refused", "no")) if method == "POST" else None

    with answering(admin, inject, tmp_path) as (url, seen):
        client = Client({"host": url, "api_key": "not-looked-at", "validate_certs": False})
        with pytest.raises(errors.ResilientError) as raised:
            Writer(client, check_mode=False).create(config_map(namespace))
    cause = raised.value.cause if isinstance(raised.value, errors.WriteFailed) else raised.value
    assert type(cause) is kind
    assert [request.method for request in seen] == ["POST"]
    assert admin.find(ref_of(config_map(namespace))) is None


def test_a_forbidden_verb_is_named_and_nothing_is_written(admin: Client, kubeconfig: Path, namespace: str) -> None:
    client = Client({"kubeconfig": str(kubeconfig), "impersonate_user": "nobody-at-all"})
    with pytest.raises(errors.Forbidden, match=rf"ConfigMap {namespace}/settings: .*nobody-at-all.*docs/rbac\.md"):
        Writer(client, check_mode=False).apply([config_map(namespace)])
    assert admin.find(ref_of(config_map(namespace))) is None


def test_missing_and_forbidden_are_told_apart(kubeconfig: Path, namespace: str, admin: Client) -> None:
    absent = Query("v1", "ConfigMap", "absent", namespace)
    assert [answer.status for answer in read_all(admin, [absent, Query("none.test/v1", "None")])] == ["missing"] * 2
    nobody = Client({"kubeconfig": str(kubeconfig), "impersonate_user": "nobody-at-all"})
    (answer,) = read_all(nobody, [absent])
    assert answer.status == "forbidden"
    assert "nobody-at-all" in answer.message
    with pytest.raises(errors.Forbidden):
        read_found(nobody, [absent])


def test_a_module_says_that_the_api_server_is_away(player: Player) -> None:
    played = player.task("read", {"queries": [{"kind": "Node"}], "host": "https://127.0.0.1:1"})
    assert played.outcome == "failed"
    assert "no answer from the API server https://127.0.0.1:1" in played.message
    assert "Traceback" not in str(played.result)


def test_a_list_whose_pages_expire_starts_again(admin: Client, namespace: str, tmp_path: Path) -> None:
    """The API server keeps a list's continuation for five minutes and then answers 410."""
    Writer(admin, check_mode=False).apply([config_map(namespace, f"map-{number}") for number in range(3)])
    expired = [Injected(410, {}, status_object(410, "Expired", "The provided continue parameter is too old"))]

    def inject(number: int, method: str, path: str) -> Injected | None:
        if "continue=" in path and expired:
            return expired.pop()
        return None

    with answering(admin, inject, tmp_path) as (url, seen), pytest.MonkeyPatch.context() as patch:
        patch.setattr("ansible_collections.resilient.traefik.plugins.module_utils.kube.reader.PAGE", 2)
        client = Client({"host": url, "api_key": "not-looked-at", "validate_certs": False})
        (answer,) = read_all(client, [Query("v1", "ConfigMap", namespace=namespace)])
    names = {item["metadata"]["name"] for item in answer.items}
    assert {f"map-{number}" for number in range(3)} <= names
    assert len(names) == len(answer.items)
    assert [request.status for request in seen] == [200, 410, 200, 200]
