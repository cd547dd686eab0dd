"""A request ends in the time that it has as a whole, whatever the API server does, and says of whom what was asked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, exchange
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.unit.kube.faulty_server import (
    Fault,
    answered,
    faulty,
    reset,
    silent,
    silent_after_headers,
    silent_after_the_request,
    slow_body,
    slow_headers,
)

SECONDS = 2.0


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proportions of the real limits, in two seconds."""
    monkeypatch.setattr(exchange, "REQUEST_SECONDS", SECONDS)
    monkeypatch.setattr(exchange, "READ_SILENCE", 0.3)
    monkeypatch.setattr(exchange, "WRITE_SILENCE", 1.2)


def _failure(client: Client, method: str) -> tuple[errors.ResilientError, float]:
    start = time.monotonic()
    with pytest.raises(errors.ResilientError) as raised:
        client.request(method, "/api/v1/namespaces", body={} if method != "GET" else None, about="Namespace shop")
    return raised.value, time.monotonic() - start


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    "fault",
    [silent, silent_after_the_request, silent_after_headers, slow_headers, slow_body],
    ids=lambda fault: fault.__name__,
)
def test_a_hung_api_server_holds_a_request_no_longer_than_said(tmp_path: Path, fault: Fault, method: str) -> None:
    with faulty(tmp_path, fault) as server:
        error, took = _failure(server.client(), method)
        assert isinstance(error, errors.Unreachable)
        assert took < SECONDS + 0.5
        words = str(error)
        assert words.startswith(f"Namespace shop: no answer from the API server {server.url}: ")
        assert f"{method} /api/v1/namespaces was asked " in words
        assert " s)." in words
        assert "Check that the cluster runs" in words
        assert ("Whether it was carried out is not known" in words) == (method == "PATCH")


def test_a_read_that_meets_silence_is_tried_again_soon(tmp_path: Path) -> None:
    with faulty(tmp_path, silent_after_the_request) as server:
        _failure(server.client(), "GET")
        assert server.connections == 3
    with faulty(tmp_path, silent_after_the_request) as server:
        _failure(server.client(), "PATCH")
        assert server.connections == 2


def test_resets_are_tried_again_in_the_time_that_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty(tmp_path, reset) as server:
        error, took = _failure(server.client(), "GET")
        assert isinstance(error, errors.Unreachable)
        assert took < SECONDS + 0.5
        assert 3 <= server.connections <= len(exchange.PAUSES)
    monkeypatch.setattr(exchange, "PAUSES", (0.01,) * 6)
    with faulty(tmp_path, reset) as server:
        error, _took = _failure(server.client(), "GET")
        assert server.connections == 7
        assert "was asked 7 times in " in str(error)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("500 Internal Server Error", []),
        ("503 Service Unavailable", []),
        ("429 Too Many Requests", ["Retry-After: 1"]),
        ("429 Too Many Requests", ["Retry-After: 86400"]),
        ("503 Service Unavailable", ["Retry-After: Fri, 31 Dec 2199 23:59:59 GMT"]),
        ("503 Service Unavailable", ["Retry-After: soon"]),
    ],
)
def test_what_the_server_says_in_the_end_is_told(
    tmp_path: Path, status: str, headers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each question is answered, however long a busy machine takes over it.
    seconds = 10 * SECONDS
    monkeypatch.setattr(exchange, "REQUEST_SECONDS", seconds)
    monkeypatch.setattr(exchange, "WRITE_SILENCE", seconds)
    monkeypatch.setattr(exchange, "PAUSES", (0.01,) * 3)
    with faulty(tmp_path, answered(status, *headers)) as server:
        error, took = _failure(server.client(), "PATCH")
        assert isinstance(error, errors.ApiError), error
        assert error.status == int(status[:3])
        assert took < seconds
        words = str(error)
        if server.connections > 1:
            assert f"PATCH /api/v1/namespaces was asked {server.connections} times in " in words
            assert f"of {server.url}." in words


def test_a_pause_that_the_server_asks_for_does_not_outlast_the_request(tmp_path: Path) -> None:
    with faulty(tmp_path, answered("429 Too Many Requests", "Retry-After: 10")) as server:
        _error, took = _failure(server.client(), "GET")
        assert server.connections == 1
        assert took < 1


def test_a_certificate_that_is_not_trusted_is_asked_once(tmp_path: Path) -> None:
    with faulty(tmp_path, answered("200 OK")) as server:
        error, _took = _failure(Client({"host": server.url, "api_key": "t", "validate_certs": True}), "PATCH")
        assert "certificate verify failed" in str(error)
        assert "Whether it was carried out" not in str(error)
        assert server.connections == 1


def test_a_healthy_answer_after_a_hung_one_is_taken(tmp_path: Path) -> None:
    def second_hung(server: object, connection: object) -> None:
        (silent_after_the_request if server.connections == 2 else answered("200 OK"))(server, connection)  # type: ignore

    with faulty(tmp_path, second_hung) as server:
        client = server.client()
        # What a client takes to get ready is not what is measured.
        assert client.request("GET", "/version") == {}
        start = time.monotonic()
        assert client.request("GET", "/version") == {}
        assert time.monotonic() - start < 1.0
        assert server.connections == 3
