"""The probe exporter on loopback: real nginx, replicas and an application that answer as they are told."""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.probes import Expected, Probe
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.replicas import replicas_settings
from ansible_collections.resilient.traefik.plugins.plugin_utils.probe_exporter.exporter import Exporter, files_of
from lab.certificates import Authority
from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import free_ports, limited
from tests.integration.support_parity_target import TOKEN, Answer, FakeCluster, FakeReplica, Quiet, served

HOST = "a.test"
INTERVAL = 0.5
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Site:
    """What a replica, or the application itself, answers. ``asked`` has method, path and headers of each question.

    ``upgrade`` is how a WebSocket is opened: as it should be, with a wrong ``key``, or ``refused``; ``mute`` never
    answers a close frame. ``frames`` are what came over WebSockets.
    """

    status: int = 200
    body: bytes = b"hello\n"
    headers: dict[str, str] = field(default_factory=dict)
    routed: bool = True
    hangs: bool = False
    upgrade: str = "right"
    subprotocol: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def answer(self, asked: Quiet) -> None:
        """Answers one question."""
        self.asked.append((asked.command, asked.path, dict(asked.headers.items())))
        if self.hangs:
            self.over.wait(30)
        elif not self.routed:
            asked.no_router()
        elif "Upgrade" in asked.headers and self.upgrade != "refused":
            self._open(asked)
        else:
            asked.reply(self.status, self.body, **{"Content-Type": "text/plain"} | self.headers)

    def _open(self, asked: Quiet) -> None:
        key = asked.headers["Sec-WebSocket-Key"]
        accept = base64.b64encode(hashlib.sha1(f"{key}{MAGIC}".encode()).digest()).decode()
        asked.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
            asked.send_header(name, value)
        asked.send_header("Sec-WebSocket-Accept", accept if self.upgrade != "wrong key" else "bm8=")
        if self.subprotocol:
            asked.send_header("Sec-WebSocket-Protocol", self.subprotocol)
        asked.end_headers()
        asked.wfile.write(b"\x81\x05hello")
        asked.wfile.flush()
        asked.close_connection = True
        frame = asked.connection.recv(64)
        self.frames.append(frame)
        if self.upgrade == "mute":
            self.over.wait(5)
        else:
            asked.wfile.write(b"\x88\x02\x03\xe8")


@dataclass
class Stand:
    """What is asked: replicas by name, the public way and the application; the ports where they are."""

    replicas: dict[str, Site]
    public: Site
    backend: Site
    port: int
    public_port: int
    backend_port: int
    tls: bool = False

    def probe(self, **more: Any) -> Probe:
        """A probe of all three ways."""
        given: dict[str, Any] = {
            "name": "site",
            "host": HOST,
            "entry_point": "web",
            "port": self.port,
            "tls": self.tls,
            "public": f"127.0.0.1:{self.public_port}",
            "every": 1,
        }
        return Probe(**given | more)

    def settings(self, probe: Probe, **more: Any) -> dict[str, Any]:
        """The probe as the exporter is told, its application on loopback."""
        backend = {
            "to": f"127.0.0.1:{self.backend_port}",
            "tls": False,
            "host": HOST,
            "path": "/inside",
            "expect": Expected().as_settings(),
        }
        return probe.as_settings("cluster.local") | {"backend": backend, "every_ms": 400} | more


@dataclass
class Running:
    """An exporter that runs, and what stands around it."""

    stand: Stand
    cluster: FakeCluster
    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def metrics(self) -> dict[str, float]:
        """Every sample, by its series without the prefix."""
        lines = [line for line in self.ask("/metrics")[1].splitlines() if not line.startswith("#")]
        pairs = [line.rsplit(" ", 1) for line in lines]
        return {series.removeprefix("resilient_traefik_probe_"): float(value) for series, value in pairs}

    def by_leg(self, metric: str) -> dict[str, float]:
        """By ``LEG REPLICA`` the samples of a metric that has no other labels than these and the probe."""
        found = {}
        for series, value in self.metrics().items():
            if series.startswith(f"{metric}{{"):
                labels = dict(each.split("=", 1) for each in series[len(metric) + 1 : -1].split(","))
                found[" ".join(labels[name].strip('"') for name in ("leg", "replica")).strip()] = value
        return found

    def log(self) -> str:
        """What nginx wrote."""
        return (self.folder / "log").read_text()


@contextmanager
def running(program: Path, folder: Path, *, tls: bool = False, probe: Any = None, **options: Any) -> Iterator[Running]:
    """The exporter over two replicas, after each way was asked. ``probe`` makes probes of the stand, one by default."""
    ports = free_ports(8)
    pods = [FakeReplica(f"traefik-{at}", f"127.0.2.{at + 31}") for at in range(2)]
    cluster, authority = FakeCluster(pods), Authority()
    sites = {pod.name: Site() for pod in pods}
    stand = Stand(sites, Site(), Site(), port=ports[4], public_port=ports[5], backend_port=ports[6], tls=tls)
    given: dict[str, Any] = {
        "folder": str(folder),
        "account": str(folder),
        "temporary": str(folder),
        "listen": "127.0.0.1",
        "interval": INTERVAL,
        "grace": 0,
        "connect_within": 0.3,
        "answer_within": 0.4,
        "port": ports[0],
        "asking_port": ports[1],
        "websocket_port": ports[2],
        "secure_websocket_port": ports[3],
        "certificate_port": free_ports(1)[0],
    }
    probes: Sequence[Any] = probe(stand) if probe else [stand.settings(stand.probe())]
    replicas = replicas_settings("traefik", "Deployment", "traefik", "app.kubernetes.io/name=traefik")
    files = files_of(replicas, probes, Exporter(**given | options))
    for name, text in {**files, "token": TOKEN, "ca.crt": authority.certificate}.items():
        (folder / name).write_text(text)
    context = _tls(authority, HOST, folder) if tls else None
    with ExitStack() as stack:
        for pod in pods:
            _serve(stack, sites[pod.name], pod.address, stand.port, context)
        _serve(stack, stand.public, "127.0.0.1", stand.public_port, context)
        _serve(stack, stand.backend, "127.0.0.1", stand.backend_port, None)
        own = _tls(authority, "kubernetes.default.svc", folder)
        stack.enter_context(served(cluster.answer, "127.0.0.1", ports[7], own))
        stack.callback(cluster.over.set)
        process = stack.enter_context(_nginx(program, folder, ports[7]))
        started = Running(stand, cluster, ports[0], folder, process)
        eventually(lambda: _begun(started, len(probes)), "each way was asked", 20)
        yield started
        assert "exited on signal" not in started.log(), started.log()


def _serve(stack: ExitStack, site: Site, address: str, port: int, context: ssl.SSLContext | None) -> None:
    answer: Answer = site.answer
    stack.enter_context(served(answer, address, port, context))
    stack.callback(site.over.set)


@contextmanager
def _nginx(program: Path, folder: Path, cluster_port: int) -> Iterator[subprocess.Popen[bytes]]:
    place = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster_port)}
    command = limited(program, folder, "probes.conf", *(["-g", "user root;"] if os.geteuid() == 0 else []))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | place)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _tls(authority: Authority, host: str, folder: Path) -> ssl.SSLContext:
    key, certificate = authority.issue(host)
    (folder / f"{host}.pem").write_text(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{host}.pem")
    return context


def _begun(exporter: Running, probes: int) -> bool:
    assert exporter.process.poll() is None, exporter.log()
    try:
        asked = exporter.metrics().get('rounds_total{result="asked"}', 0) > 0
        return (
            asked
            and "not asked yet" not in exporter.ask("/fresh")[1]
            and bool(exporter.by_leg("status")) == (probes > 0)
        )
    except OSError:
        time.sleep(0.05)
        return False
