"""A fallback proxy on loopback: real nginx, a target of several addresses that fails as it is told, and its own DNS."""

from __future__ import annotations

import asyncio
import base64
import http.client
import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passlib.hash import bcrypt

from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import policy_from
from ansible_collections.resilient.traefik.plugins.plugin_utils.nginx_engine.engine import Engine, files_of
from tests.integration.lab_cluster import eventually

# nginx stays far below this; a mistake in its configuration must not take the machine's memory.
MEMORY_BYTES = 2_000_000_000
NAME = "target.ns.svc.cluster.test."
PATH = "/outpost.goauthentik.io/auth/traefik"
HOST = "private.lab.test"
USER, PASSWORD = "emergency", "correct horse"
SESSION = {"Cookie": "session=valid"}


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


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        """The coroutine's result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def close(self) -> None:
        """End it, and what still runs in it."""

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)


@dataclass
class Pod:
    """One address of the target. ``mode`` is ok, hang, reset, close, trickle, oversized, slow or a status."""

    address: str
    port: int
    mode: str = "ok"
    slow_seconds: float = 1.5
    # Requests with this text in their head are answered in this mode: what one client can make fail.
    poison: tuple[str, str] = ("", "")
    jwt_bytes: int = 0
    heads: list[str] = field(default_factory=list)
    server: Any = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen."""
        self.server = await asyncio.start_server(self._serve, self.address, self.port, limit=1 << 20)

    async def stop(self) -> None:
        """Nobody listens any more, and every connection is gone."""
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                if not await self._answer(head, writer):
                    break
        writer.close()

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> bool:
        mode = self.poison[1] if self.poison[0] and self.poison[0] in head else self.mode
        if not head.startswith("GET /outpost.goauthentik.io/"):
            mode = "ok"
        if mode == "hang":
            await asyncio.sleep(60)
        elif mode == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        elif mode == "trickle":
            for byte in b"HTTP/1.1 200 OK\r\n":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        elif mode != "close":
            if mode == "slow":
                await asyncio.sleep(self.slow_seconds)
            writer.write(self._reply(head, mode))
            await writer.drain()
            return True
        return False

    def _reply(self, head: str, mode: str) -> bytes:
        if mode.isdigit():
            return f"HTTP/1.1 {mode} told so\r\nContent-Length: 0\r\n\r\n".encode()
        if mode == "oversized":
            return f"HTTP/1.1 200 OK\r\nX-Long: {'x' * 300_000}\r\nContent-Length: 0\r\n\r\n".encode()
        if not head.startswith(("GET /outpost.goauthentik.io/start?", f"GET {PATH} HTTP/")):
            return b"HTTP/1.1 404 nothing here\r\nContent-Length: 0\r\n\r\n"
        lines = ["Content-Length: 0", "Set-Cookie: a=1", "Set-Cookie: b=2"]
        if "session=valid" in head:
            lines += ["X-authentik-username: alice", f"X-authentik-jwt: {'j' * self.jwt_bytes}"]
            return ("HTTP/1.1 200 OK\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()
        uri = next((line[17:] for line in head.split("\r\n") if line.lower().startswith("x-forwarded-uri: ")), "/")
        lines.append(f"Location: https://{HOST}/outpost.goauthentik.io/start?rd={uri.replace('/', '%2F')}")
        return ("HTTP/1.1 302 Found\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()


class Names(asyncio.DatagramProtocol):
    """A name server that knows one name. ``mode`` is ok, nxdomain, empty, servfail, refused or silent."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.mode = "ok"
        self.asked = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        if self.mode != "silent" and self._transport is not None:
            self._transport.sendto(self._reply(data), addr)

    def _reply(self, query: bytes) -> bytes:
        code = {"nxdomain": 3, "servfail": 2, "refused": 5}.get(self.mode, 0)
        found = self.addresses if self.mode == "ok" else []
        end = query.index(b"\0", 12) + 5
        answers = b"".join(
            b"\xc0\x0c\x00\x01\x00\x01" + struct.pack("!IH", 1, 4) + socket.inet_aton(address) for address in found
        )
        return query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0) + query[12:end] + answers


@dataclass
class Proxy:
    """A running proxy with what stands around it."""

    pods: list[Pod]
    names: Names
    loop: Loop
    port: int
    status_port: int
    processes: dict[str, subprocess.Popen[bytes]]

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
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        started = time.monotonic()
        connection.request("GET", path, headers=given | dict(headers or {}))
        response = connection.getresponse()
        body = response.read().decode()
        found = Answer(response.status, time.monotonic() - started, response.getheaders(), body)
        connection.close()
        return found

    def status(self, path: str) -> Answer:
        """What the status port answers."""
        return self.ask(path=path, port=self.status_port)

    def metric(self, line: str) -> float:
        """A counter's value, 0 when it was never counted."""
        lines = [item for item in self.status("/metrics").body.splitlines() if item.startswith(line + " ")]
        return float(lines[0].split()[-1]) if lines else 0.0

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
    given = {"path": PATH, "host": "outpost.test:9000", "check_host": HOST, "open_paths": ["/outpost.goauthentik.io/"]}
    for name, text in files_of(policy_from(given | policy), engine).items():
        (folder / name).write_text(text)
    Path(engine.users).write_text(f"{USER}:{bcrypt.using(rounds=cost, ident='2y').hash(PASSWORD)}\n")


@contextmanager
def running(
    program: Path, folder: Path, *, pods: int = 2, cost: int = 4, names: str = "ok", **policy: Any
) -> Iterator[Proxy]:
    """A proxy in front of that many pods, listening when the context begins."""
    ports = free_ports(6)
    target = [Pod(f"127.0.1.{number + 11}", ports[5]) for number in range(pods)]
    dns = Names([pod.address for pod in target])
    dns.mode = names
    loop = Loop()
    dns_port = free_ports(1)[0]
    loop.run(loop.loop.create_datagram_endpoint(lambda: dns, local_addr=("127.0.0.1", dns_port)))
    for pod in target:
        loop.run(pod.start())
    engine = Engine(
        target=f"{NAME}:{ports[5]}",
        dns=f"127.0.0.1:{dns_port}",
        folder=str(folder),
        users=str(folder / "users"),
        temporary=str(folder),
        listen="127.0.0.1",
        port=ports[0],
        status_port=ports[1],
        check_port=ports[2],
        login_port=ports[3],
        quit_port=ports[4],
    )
    write_files(folder, policy, engine, cost)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in ("proxy", "login"):
            with (folder / f"{name}.log").open("wb") as log:
                own = limited(program, folder, f"{name}.conf", *(["-g", "user root;"] if os.geteuid() == 0 else []))
                processes[name] = subprocess.Popen(own, stdout=log, stderr=log)
        proxy = Proxy(target, dns, loop, ports[0], ports[1], processes)
        eventually(lambda: _ready(proxy), "the proxy is ready", 20)
        yield proxy
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(20)
        loop.close()


def _ready(proxy: Proxy) -> bool:
    for process in proxy.processes.values():
        assert process.poll() is None, "nginx ended"
    try:
        return proxy.status("/readyz").status == 200
    except OSError:
        return False
