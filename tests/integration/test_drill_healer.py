"""The drill's healer as a process before an API server that is none: what it does when its rights go one by one.

No cluster needed.
"""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import Image, Kit, Marked, healer
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import Mark
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Resource
from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import free_ports, limited

pytest_plugins = ["tests.integration.support_fallback_fixtures"]
pytestmark = [pytest.mark.variation("the drill's healer, without a cluster"), pytest.mark.loopback]

# The healer is in idp; in the cluster ("") and in traefik, it has rights too, by owners of their own.
UIDS = {"": "uid-1", "idp": "uid-2", "traefik": "uid-3"}
PATCH, DELETE = "PATCH", "DELETE"
ALLOWED, REFUSED, DENIED = "allowed", "refused", "denied"


class ApiServer:
    """Lets through what the owners that are there allow, and takes note of what is no rehearsal.

    ``mood`` refused: nobody may anything. Denied: a webhook lets no deployment be patched.
    """

    def __init__(self) -> None:
        self.owners = set(UIDS)
        self.mood = ALLOWED
        self.written: list[tuple[str, str]] = []
        self.refusals = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, text = outer.answer(self.command, self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, method: str, path: str) -> tuple[int, str]:
        """The status and the words of the real one."""
        place, _, query = path.partition("?")
        namespace = place.partition("/namespaces/")[2].partition("/")[0]
        if namespace not in self.owners or self.mood == REFUSED:
            self.refusals += 1
            return 403, f'{{"message": "is forbidden: User \\"healer\\" cannot {method.lower()} resource \\"x\\" in"}}'
        if self.mood == DENIED and "/deployments/" in place:
            self.refusals += 1
            return 403, '{"message": "admission webhook \\"policy.test\\" denied the request"}'
        if "dryRun=All" not in query:
            self.written.append((method, namespace))
            self.owners -= {namespace} if method == DELETE else set()
        return 200, "{}"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    server = ApiServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


Start = Callable[[float], Callable[[], bool]]


@pytest.fixture
def start(nginx: Path, api: ApiServer, tmp_path: Path) -> Iterator[Start]:
    """Starts the healer of a drill that is over in so many seconds; returns what says whether it is ready."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(seconds: float) -> Callable[[], bool]:
        own, within = free_ports(2)
        changes = {
            "/tmp/": f"{tmp_path}/",
            "https://$api_server": f"http://127.0.0.1:{api.port}",
            "/etc/drill": str(tmp_path),
            "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt": f"{tmp_path}/token",
            "proxy_ssl_verify on;": "",
            "proxy_ssl_trusted_certificate": "# ",
            "/var/run/secrets/kubernetes.io/serviceaccount": str(tmp_path),
            "listen 8080;": f"listen 127.0.0.1:{own};",
            "127.0.0.1:8001": f"127.0.0.1:{within}",
            # Its worker reads files that are the tester's.
            "daemon off;": "daemon off; user root;",
            "interval=2s": "interval=50ms",
        }
        (tmp_path / "token").write_text("of nobody")
        for name, text in plan_of(seconds).items():
            here = text
            for old, new in changes.items():
                here = here.replace(old, new)
            (tmp_path / name).write_text(here)
        started.append(subprocess.Popen(limited(nginx, tmp_path, "nginx.conf")))

        def is_ready() -> bool:
            connection = http.client.HTTPConnection("127.0.0.1", own, timeout=2)
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
            except OSError:
                return False
            finally:
                connection.close()

        return is_ready

    yield begin
    for process in started:
        process.terminate()
        process.wait(20)


def marked(kind: str, namespace: str = "") -> Marked:
    """A node that is cordoned, or a deployment that is scaled."""
    node = kind == "Node"
    item: dict[str, Any] = {
        "apiVersion": "v1" if node else "apps/v1",
        "kind": kind,
        "metadata": {"name": "server"} | ({"namespace": namespace} if namespace else {}),
        "spec": {"replicas": 2},
    }
    field, before, during = ("spec.unschedulable", None, True) if node else ("spec.replicas", 2, 0)
    resource = Resource(item["apiVersion"], kind, "nodes" if node else "deployments", not node)
    return Marked(item, resource, Mark("a1b2", datetime.now(UTC), field, before, during))


def plan_of(seconds: float) -> dict[str, str]:
    """The files of the healer."""
    kit = Kit("a1b2", datetime.now(UTC) + timedelta(seconds=seconds), Image("none"))
    brought = healer(kit, UIDS, "idp", [marked("Node"), marked("Deployment", "traefik"), marked("Deployment", "idp")])
    (files,) = (item["data"] for item in brought if item["kind"] == "ConfigMap")
    return dict(files)


def places(api: ApiServer, method: str) -> list[str]:
    """Where it has written so, in order and once each."""
    return list(dict.fromkeys(place for done, place in api.written if done == method))


def is_healed(api: ApiServer) -> bool:
    """Its own owner is gone."""
    return "idp" not in api.owners


def test_it_writes_nothing_before_and_its_own_end_last(start: Start, api: ApiServer) -> None:
    eventually(start(4), "it is ready", 10)
    assert api.written == []
    eventually(lambda: is_healed(api), "it has healed", 15)
    assert places(api, PATCH) == ["", "traefik", "idp"]
    assert api.written[-3:] == [(DELETE, ""), (DELETE, "traefik"), (DELETE, "idp")]


def test_it_is_not_ready_without_a_right(start: Start, api: ApiServer) -> None:
    api.owners.remove("traefik")
    is_ready = start(60)
    eventually(lambda: api.refusals > 3, "it is refused", 10)
    assert not is_ready()
    assert api.written == []


@pytest.mark.parametrize("gone", ["", "traefik"])
def test_an_owner_that_is_gone_keeps_nobody_from_going(start: Start, api: ApiServer, gone: str) -> None:
    """A controller that ended well may die between two of them."""
    eventually(start(3), "it is ready", 10)
    api.owners.remove(gone)
    eventually(lambda: is_healed(api), "it has healed", 20)
    assert api.owners == set()
    assert set(places(api, PATCH)) == set(UIDS) - {gone}
    assert api.refusals >= 15


@pytest.mark.parametrize("mood", [REFUSED, DENIED])
def test_what_is_refused_for_a_time_is_done_afterwards(start: Start, api: ApiServer, mood: str) -> None:
    """By an API server that allows nothing, or by a webhook that is against it."""
    eventually(start(3), "it is ready", 10)
    api.mood = mood
    eventually(lambda: api.refusals > 60, "it is refused", 20)
    assert api.owners == set(UIDS)
    assert not [done for done in api.written if done[0] == DELETE]
    api.mood = ALLOWED
    eventually(lambda: is_healed(api), "it has healed", 20)
    assert set(places(api, PATCH)) == set(UIDS)
    assert api.owners == set()
