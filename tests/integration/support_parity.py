"""The parity exporter on loopback: real nginx, and what it asks."""

from __future__ import annotations

import os
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.parity import Comparison, EntryPoint
from ansible_collections.resilient.traefik.plugins.plugin_utils.parity_exporter.exporter import Exporter, files_of
from lab.certificates import Authority
from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import free_ports, limited
from tests.integration.support_parity_target import SITES, TOKEN, FakeCluster, FakeReplica, api, served, web

INTERVAL = 1.5


@dataclass
class Running:
    """An exporter that runs, and what stands around it."""

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
        return {series.removeprefix("traefik_parity_"): float(value) for series, value in pairs}

    def missing(self, replica: str) -> float | None:
        """How much it lacks; None while it is not compared."""
        return self.metrics().get(f'missing{{replica="{replica}"}}')

    def rounds(self) -> float:
        """How many rounds are over."""
        return sum(value for name, value in self.metrics().items() if name.startswith("checks_total"))

    def after_rounds(self, number: int) -> dict[str, float]:
        """What is told after that many more rounds."""
        wanted = self.rounds() + number
        eventually(lambda: self.rounds() >= wanted, f"{number} more rounds", INTERVAL * (number + 5))
        return self.metrics()

    def log(self) -> str:
        """What nginx wrote."""
        return (self.folder / "log").read_text()


def replicas(number: int = 3) -> list[FakeReplica]:
    """Replicas that have everything."""
    return [FakeReplica(f"traefik-{at}", f"127.0.2.{at + 11}") for at in range(number)]


@contextmanager
def running(
    program: Path,
    folder: Path,
    pods: list[FakeReplica],
    tls: bool = False,
    hardening: Mapping[str, Any] | None = None,
    objects: dict[str, dict[str, Any]] | None = None,
    **options: Any,
) -> Iterator[Running]:
    """The exporter over those replicas, after its first round.

    ``hardening`` is what it is told to compare besides, ``objects`` what the API server has of it, by path.
    """
    port, asking, web_port, api_port, cluster_port = free_ports(5)
    cluster, authority = FakeCluster(pods, objects=objects or {}), Authority()
    exporter = Exporter(
        **{
            "folder": str(folder),
            "account": str(folder),
            "temporary": str(folder),
            "listen": "127.0.0.1",
            "port": port,
            "asking_port": asking,
            "interval": INTERVAL,
            "connect_within": 0.2,
            "answer_within": 0.3,
            **options,
        }
    )
    comparison = Comparison(
        namespace="traefik",
        kind="Deployment",
        name="traefik",
        selector="app.kubernetes.io/name=traefik",
        api=EntryPoint(api_port),
        entry_points={"websecure" if tls else "web": EntryPoint(web_port, tls)},
        sites=tuple({"host": host, "path": "/"} for host in SITES),
    )
    files = files_of(comparison, exporter, hardening)
    for name, text in {**files, "token": TOKEN, "ca.crt": authority.certificate}.items():
        (folder / name).write_text(text)
    with ExitStack() as stack:
        for pod in pods:
            stack.enter_context(
                served(web(pod), pod.address, web_port, _tls(authority, "a.test", folder) if tls else None)
            )
            stack.enter_context(served(api(pod), pod.address, api_port))
            stack.callback(pod.over.set)
        own = _tls(authority, "kubernetes.default.svc", folder)
        stack.enter_context(served(cluster.answer, "127.0.0.1", cluster_port, own))
        stack.callback(cluster.over.set)
        process = stack.enter_context(_nginx(program, folder, cluster_port))
        started = Running(cluster, port, folder, process)
        eventually(lambda: _begun(started), "the first round is over", 20)
        yield started
        assert "exited on signal" not in started.log(), started.log()


@contextmanager
def _nginx(program: Path, folder: Path, cluster_port: int) -> Iterator[subprocess.Popen[bytes]]:
    place = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster_port)}
    command = limited(program, folder, "parity.conf", *(["-g", "user root;"] if os.geteuid() == 0 else []))
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


def _begun(exporter: Running) -> bool:
    assert exporter.process.poll() is None, exporter.log()
    try:
        return exporter.rounds() > 0
    except OSError:
        time.sleep(0.05)
        return False
