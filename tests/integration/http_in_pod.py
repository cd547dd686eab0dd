"""HTTP to one chosen pod, through a port-forward of its own, as a client who asks for any host."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from kubernetes.client import ApiClient, CoreV1Api
from kubernetes.stream import portforward

from tests.integration.lab_cluster import LabCluster


@dataclass(frozen=True)
class Door:
    """A port of a pod."""

    cluster: LabCluster
    namespace: str
    pod: str
    port: int


@dataclass(frozen=True)
class Answer:
    """What came back: `status` is 0 when the connection ended without an answer, or none came within the time limit."""

    status: int
    seconds: float
    body: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    timed_out: bool = False

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        return next(iter(self.all_headers(name)), "")

    def all_headers(self, name: str) -> list[str]:
        """Every header of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def ask(
    door: Door, host: str, path: str = "/", *, headers: Mapping[str, str] | None = None, time_limit: float = 60.0
) -> Answer:
    """GET `path` of `host` from the pod; the seconds begin with the request, when the port-forward is open."""
    # A client of its own: portforward changes the client while it connects, and requests run side by side.
    core = CoreV1Api(ApiClient(door.cluster.configuration))
    forward = portforward(core.connect_get_namespaced_pod_portforward, door.pod, door.namespace, ports=str(door.port))
    connection = http.client.HTTPConnection(host)
    pipe = connection.sock = forward.socket(door.port)
    expired = threading.Event()

    def give_up() -> None:
        expired.set()
        pipe.shutdown(socket.SHUT_RDWR)

    # The limit is for the whole answer: a socket's own time-out starts anew with every byte.
    limit = threading.Timer(time_limit, give_up)
    limit.start()
    try:
        answer = _exchange(connection, host, path, {"User-Agent": "Mozilla/5.0", **(headers or {})})
    finally:
        limit.cancel()
        connection.close()
        forward.close()
    return replace(answer, timed_out=expired.is_set())


def ask_all(
    doors: list[Door], host: str, path: str = "/", headers: Mapping[str, str] | None = None
) -> dict[str, Answer]:
    """The same request through each of the doors at the same time: answers by pod."""
    with ThreadPoolExecutor(len(doors)) as pool:
        answers = pool.map(lambda door: ask(door, host, path, headers=headers), doors)
        return {door.pod: answer for door, answer in zip(doors, answers, strict=True)}


def _exchange(connection: http.client.HTTPConnection, host: str, path: str, headers: Mapping[str, str]) -> Answer:
    started = time.monotonic()
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
    except (http.client.HTTPException, ConnectionError):
        return Answer(0, time.monotonic() - started)
    return Answer(response.status, time.monotonic() - started, body, response.getheaders())
