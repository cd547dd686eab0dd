"""Requests against a real HTTP server on this machine: retries, refusals, and errors as types."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import CONCURRENCY, Client, api_error

Reply = tuple[int, dict[str, str], bytes]
DROP: Reply = (0, {}, b"")
GOOD: Reply = (200, {}, b'{"kind": "Fine"}')


@contextmanager
def _server(*replies: Reply) -> Iterator[tuple[Client, list[float]]]:
    """Gives the replies one after the other, the last one for ever. Tells when each request came."""
    came: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def _reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = replies[min(len(came), len(replies) - 1)]
            came.append(time.monotonic())
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._reply()

        def do_PATCH(self) -> None:
            self._reply()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Client({"host": f"http://127.0.0.1:{server.server_port}", "api_key": "t"}), came
    finally:
        server.shutdown()
        server.server_close()


def _status(code: int, reason: str, message: str, **details: object) -> bytes:
    return json.dumps(
        {"kind": "Status", "reason": reason, "message": message, "code": code, "details": details}
    ).encode()


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    "fault", [DROP, (429, {}, b""), (500, {}, b"{}"), (502, {}, b""), (503, {}, b""), (504, {}, b"")]
)
def test_what_may_pass_is_tried_again(method: str, fault: Reply) -> None:
    with _server(fault, fault, GOOD) as (client, came):
        assert client.request(method, "/", body={} if method == "PATCH" else None) == {"kind": "Fine"}
        assert len(came) == 3


def test_the_servers_own_pause_is_kept() -> None:
    with _server((429, {"Retry-After": "1"}, b""), GOOD) as (client, came):
        client.request("GET", "/")
        assert came[1] - came[0] >= 1


def test_pauses_grow() -> None:
    with _server((503, {}, b""), (503, {}, b""), (503, {}, b""), GOOD) as (client, came):
        client.request("GET", "/")
        assert came[3] - came[2] > came[1] - came[0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422])
def test_a_refusal_is_asked_once(status: int) -> None:
    with _server((status, {}, _status(status, "No", "no"))) as (client, came):
        with pytest.raises(errors.ApiError) as raised:
            client.request("PATCH", "/", body={})
        assert raised.value.status == status
        assert len(came) == 1


def test_a_refused_object_is_asked_once_though_it_is_called_an_internal_error() -> None:
    message = (
        "failed to create typed patch object (shop/one; /v1, Kind=Service): .spec.prots: field not declared in schema"
    )
    with _server((500, {}, _status(500, "", message))) as (client, came):
        with pytest.raises(errors.Invalid, match=r"Service shop/one: .*spec\.prots"):
            client.request("PATCH", "/", body={}, about="Service shop/one")
        assert len(came) == 1


def test_redirects_are_not_followed() -> None:
    with _server((302, {"Location": "http://elsewhere.test/"}, b"")) as (client, came):
        with pytest.raises(errors.ResilientError):
            client.request("GET", "/")
        assert len(came) == 1


def test_a_server_that_is_not_there_is_named() -> None:
    client = Client({"host": "http://127.0.0.1:1", "api_key": "t"})
    with pytest.raises(
        errors.Unreachable, match=r"GET-test: no answer from the API server http://127\.0\.0\.1:1: "
    ) as raised:
        client.request("GET", "/", about="GET-test")
    assert "object at 0x" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (400, errors.Invalid, ""),
        (401, errors.Unauthorized, "Renew the credentials"),
        (403, errors.Forbidden, "docs/rbac.md"),
        (404, errors.NotFound, ""),
        (409, errors.Conflict, ""),
        (413, errors.Invalid, "larger than the API server takes"),
        (422, errors.Invalid, ""),
        (429, errors.ApiError, "try again later"),
        (503, errors.ApiError, ""),
    ],
)
def test_errors_are_types_in_the_apis_own_words(status: int, kind: type[errors.ApiError], remedy: str) -> None:
    causes = [{"reason": "FieldValueInvalid", "message": "no", "field": "spec.x"}]
    error = api_error(status, _status(status, "Because", "it does not fit.", causes=causes), "Pod shop/one")
    assert type(error) is kind
    assert str(error).startswith(f"Pod shop/one: it does not fit (HTTP {status}).")
    assert remedy in str(error)
    assert (error.reason, error.causes) == ("Because", causes)
    assert error.facts == {"status": status, "reason": "Because"}


@pytest.mark.parametrize("payload", [b"", b"<html>gateway</html>", b"[1]", b"null", b"\xff\xfe", b'{"message": null}'])
def test_answers_that_are_no_status_still_make_an_error(payload: bytes) -> None:
    assert "(HTTP 502)" in str(api_error(502, payload, "GET /"))


def test_a_kind_is_looked_up_once() -> None:
    served = {
        "resources": [
            {"kind": "Gadget", "name": "gadgets", "namespaced": True},
            {"kind": "Scale", "name": "gadgets/scale", "namespaced": True},
        ]
    }
    with _server((200, {}, json.dumps(served).encode())) as (client, came):
        for _again in range(3):
            assert client.resource("g.test/v1", "Gadget").plural == "gadgets"
        assert len(came) == 1
        with pytest.raises(errors.NotFound, match=r"Scale \(g\.test/v1\): the API server serves no such kind"):
            client.resource("g.test/v1", "Scale")


def test_concurrent_work_keeps_its_order_and_its_limit() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number * 2

    client = Client({})
    assert client.concurrently(work, range(40)) == [number * 2 for number in range(40)]
    assert 1 < most <= CONCURRENCY


def test_the_first_failure_of_concurrent_work_raises() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise errors.BadArgument("three")
        return number

    with pytest.raises(errors.BadArgument, match="three"):
        Client({}).concurrently(work, range(8))
