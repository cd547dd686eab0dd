"""A fallback proxy on loopback: real nginx, a target of several addresses that fails as it is told, and its own DNS."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passlib.hash import bcrypt

from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy_reading import policy_from
from ansible_collections.resilient.traefik.plugins.plugin_utils.nginx_engine.engine import Engine, files_of
from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback_target import HOST, MEMBER, PATH, Loop, Names, Pod

# nginx stays far below this; a mistake in its configuration must not take the machine's memory.
MEMORY_BYTES = 2_000_000_000
NAME = "target.ns.svc.cluster.test."
USER, PASSWORD = "emergency", "correct horse"
SESSION = {"Cookie": MEMBER}
IDENTITY = ("X-authentik-username", "X-authentik-groups", "X-authentik-jwt")
# No client may wait longer (seconds).
LONGEST = 2.5


@dataclass
class Answer:
    """What the proxy answered."""

    status: int
    seconds: float
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all(self, name: str) -> list[str]:
        """Every header of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Proxy:
    """A running proxy with what stands around it."""

    pods: list[Pod]
    names: Names
    loop: Loop
    port: int
    status_port: int
    processes: dict[str, subprocess.Popen[bytes]]
    folder: Path
    address: str = "127.0.0.1"

    def ask(
        self,
        headers: Mapping[str, str] | None = None,
        *,
        path: str = PATH,
        host: str = HOST,
        uri: str = "/",
        port: int = 0,
    ) -> Answer:
        """What Traefik gets that asks about one request."""
        given = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": host, "X-Forwarded-Uri": uri}
        given |= {"X-Forwarded-Method": "GET", "X-Forwarded-For": "192.0.2.7"}
        connection = http.client.HTTPConnection(self.address, port or self.port, timeout=10)
        started = time.monotonic()
        connection.request("GET", path, headers=given | dict(headers or {}))
        response = connection.getresponse()
        body = response.read().decode()
        found = Answer(response.status, time.monotonic() - started, response.getheaders(), body)
        connection.close()
        return found

    def ask_all(self, requests: Sequence[Mapping[str, str]], at_once: int = 32) -> list[Answer]:
        """What Traefik gets that asks about many requests at the same time."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.ask, requests))

    def status(self, path: str) -> Answer:
        """What the status port answers."""
        return self.ask(path=path, port=self.status_port)

    def metric(self, line: str) -> float:
        """A counter's value, 0 when it was never counted."""
        lines = [item for item in self.status("/metrics").body.splitlines() if item.startswith(line + " ")]
        return float(lines[0].split()[-1]) if lines else 0.0

    def log(self) -> str:
        """What nginx wrote."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def workers(self, name: str = "proxy") -> list[int]:
        """The process ids of its workers, those that are left of an earlier configuration too."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.processes[name].pid)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in listed.stdout.split()]

    def switch(self, mode: str) -> None:
        """All pods into a mode."""
        for pod in self.pods:
            pod.mode = mode

    def seen_well(self, pods: int | None = None, seconds: float = 10) -> None:
        """Wait until the check has found that many pods well, all by default."""
        wanted = len(self.pods) if pods is None else pods
        eventually(
            lambda: self.metric('fallback_proxy_target_pods{state="well"}') == wanted, f"{wanted} pods well", seconds
        )


def is_challenge(answer: Answer) -> bool:
    """Whether the emergency login is asked for."""
    return answer.status == 401 and (answer.header("WWW-Authenticate") or "").startswith("Basic realm=")


def basic(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    """The header of a login."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def free_ports(number: int) -> list[int]:
    """Ports that are free on every address."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("0.0.0.0", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def limited(program: Path, folder: Path, name: str, *more: str) -> list[str]:
    """The command of an nginx that may not take the machine's memory."""
    config = str(folder / name)
    return ["prlimit", f"--as={MEMORY_BYTES}", str(program), "-e", "stderr", "-p", str(folder), "-c", config, *more]


def write_files(folder: Path, policy: dict[str, Any], engine: Engine, cost: int = 4) -> None:
    """The engine's files and its user."""
    given: dict[str, Any] = {
        "path": PATH,
        "host": "outpost.test:9000",
        "check_host": HOST,
        "open_paths": ["/outpost.goauthentik.io/"],
    }
    given |= {"check_failures": [400, 404], "asked_once": ["X-authentik-auth-callback=true"]}
    for name, text in files_of(policy_from(given | policy), engine).items():
        (folder / name).write_text(text)
    Path(engine.users).write_text(f"{USER}:{bcrypt.using(rounds=cost, ident='2y').hash(PASSWORD)}\n")


def engine_in(folder: Path, ports: list[int], dns_port: int, **more: Any) -> Engine:
    """The engine on loopback: the last of the six ports is that of the pods."""
    more = {"listen": "127.0.0.1", "users": str(folder / "users")} | more
    return Engine(
        target=f"{NAME}:{ports[5]}",
        dns=f"127.0.0.1:{dns_port}",
        folder=str(folder),
        temporary=str(folder),
        port=ports[0],
        status_port=ports[1],
        check_port=ports[2],
        login_port=ports[3],
        quit_port=ports[4],
        **more,
    )


@contextmanager
def processes_in(program: Path, folder: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The two nginx of a proxy whose files are there."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in ("proxy", "login"):
            with (folder / f"{name}.log").open("ab") as log:
                own = limited(program, folder, f"{name}.conf", *(["-g", "user root;"] if os.geteuid() == 0 else []))
                processes[name] = subprocess.Popen(own, stdout=log, stderr=log)
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(20)


@contextmanager
def running(
    program: Path,
    folder: Path,
    *,
    pods: int = 2,
    cost: int = 4,
    names: str = "ok",
    edit: Callable[[Path], None] = lambda _folder: None,
    **policy: Any,
) -> Iterator[Proxy]:
    """A proxy in front of that many pods, listening when the context begins. ``edit`` changes its files before."""
    ports = free_ports(6)
    target = [Pod(f"127.0.1.{number + 11}", ports[5]) for number in range(pods)]
    dns = Names([pod.address for pod in target])
    dns.mode = names
    loop = Loop()
    listening = loop.loop.create_datagram_endpoint(lambda: dns, local_addr=("127.0.0.1", 0))
    dns_port = int(loop.run(listening)[0].get_extra_info("sockname")[1])
    for pod in target:
        loop.run(pod.start())
    engine = engine_in(folder, ports, dns_port)
    write_files(folder, policy, engine, cost)
    edit(folder)
    try:
        with processes_in(program, folder) as processes:
            proxy = Proxy(target, dns, loop, ports[0], ports[1], processes, folder)
            eventually(lambda: is_ready(proxy), "the proxy is ready", 20)
            yield proxy
            assert "exited on signal 11" not in proxy.log(), "a worker crashed: " + proxy.log()
    finally:
        loop.close()


def is_ready(proxy: Proxy) -> bool:
    """Whether it serves. Fails where one of its processes has ended."""
    for process in proxy.processes.values():
        assert process.poll() is None, "nginx ended"
    try:
        return proxy.status("/readyz").status == 200
    except OSError:
        return False
