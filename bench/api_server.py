"""An API server of its own for the bench: it lists and shows objects as a real one does, and forwards ports.

It stands for a cluster that nobody has at hand, is the same in each run and needs no lab. Answers are made once and
kept, so that what is measured is those who ask. It takes no writes. For several clusters: --number 10.

    python -m bench.api_server --folder /tmp/clusters --latency 0.05
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import hashlib
import json
import ssl
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from bench.api_store import Store, cluster_of, refusal
from bench.playing import ROOT, BenchFailed
from lab.certificates import Authority

HOST = "api.cluster.test"
# Those that speak TLS, as Traefik's websecure does.
_TLS_PORTS = (8443,)
# As the API server: what is shorter is not worth it.
_COMPRESSED_FROM = 128 * 1024
_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SITE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"
_CLOSED = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\n404 page not found\n"


class Server:
    """Answers the requests of any number of connections, each ``latency`` seconds after it came."""

    def __init__(self, store: Store, latency: float, tls: ssl.SSLContext) -> None:
        self._store, self._latency, self._tls = store, latency, tls
        self._compressed: dict[str, bytes] = {}
        self._sites: dict[bool, int] = {}

    async def start(self) -> int:
        """Listen on a free port of this machine, and return it."""
        for secure in (False, True):
            site = await asyncio.start_server(_site, "127.0.0.1", 0, ssl=self._tls if secure else None)
            self._sites[secure] = site.sockets[0].getsockname()[1]
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls, limit=1 << 20)
        return int(server.sockets[0].getsockname()[1])

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request. Whether the connection takes another one."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
        await reader.readexactly(int(headers.get("content-length", 0)))
        await asyncio.sleep(self._latency)
        if headers.get("upgrade", "").lower() == "websocket":
            await self._forward(reader, writer, headers, int(dict(parse_qsl(urlsplit(target).query))["ports"]))
            return False
        code, body = self._store.answer(target) if method == "GET" else refusal(405, f"{method} is not served here")
        compressed = "gzip" in headers.get("accept-encoding", "") and len(body) > _COMPRESSED_FROM
        if compressed:
            if target not in self._compressed:
                self._compressed[target] = gzip.compress(body, 1)
            body = self._compressed[target]
        encoding = "Content-Encoding: gzip\r\n" if compressed else ""
        head = f"HTTP/1.1 {code} -\r\nContent-Type: application/json\r\n{encoding}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return True

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Mapping[str, str], port: int
    ) -> None:
        """A port-forward: the stream of a websocket, with the channel in the first byte of each message."""
        accepted = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + _WEBSOCKET).digest())
        writer.write(
            b"HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accepted
            + b"\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
        )
        for channel in (0, 1):
            writer.write(_frame(bytes([channel]) + struct.pack("<H", port)))
        there, back = await asyncio.open_connection("127.0.0.1", self._sites[port in _TLS_PORTS])
        answering = asyncio.create_task(_returned(there, writer))
        with suppress(asyncio.IncompleteReadError, OSError):
            while (message := await _message(reader)) is not None:
                if message[:1] == b"\0":
                    back.write(message[1:])
        answering.cancel()
        back.close()


async def _returned(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await there.read(65536):
        writer.write(_frame(b"\0" + data))


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    length = bytes([size]) if size < 126 else struct.pack(">BH", 126, size) if size < 65536 else b""
    return b"\x82" + (length or struct.pack(">BQ", 127, size)) + payload


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """The payload of the next message, None for the end."""
    first, second = await reader.readexactly(2)
    size = second & 127
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return None if first & 15 == 8 else bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


async def _site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What stands for every program in a pod: it is well, and has no API of Traefik's."""
    with suppress(asyncio.IncompleteReadError, OSError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_CLOSED if head.startswith(b"GET /api/") else _SITE)
    writer.close()


@contextmanager
def serving(latency: float = 0.0, number: int = 1) -> Iterator[list[Path]]:
    """Servers of large clusters in a process of their own; yields a kubeconfig each. Raises BenchFailed."""
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-m", "bench.api_server", "--folder", folder]
        options = ["--latency", str(latency), "--number", str(number)]
        environment = {"PYTHONPATH": f"{ROOT}:{ROOT / '.collections'}"}
        process = subprocess.Popen([*program, *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise BenchFailed("the API server of the bench did not start")
            yield [Path(folder) / f"kubeconfig-{each}" for each in range(number)]
        finally:
            process.terminate()
            process.wait()


async def _main(arguments: argparse.Namespace) -> None:
    from tests.unit.audit.large import large

    authority = Authority()
    key, certificate = authority.issue(HOST)
    (arguments.folder / "server.pem").write_text(key + certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(arguments.folder / "server.pem")
    tls.set_alpn_protocols(["http/1.1"])
    store = Store(cluster_of(large().objects.values()))
    for each in range(arguments.number):
        port = await Server(store, arguments.latency, tls).start()
        entry = {
            "server": f"https://127.0.0.1:{port}",
            "tls-server-name": HOST,
            "certificate-authority-data": base64.b64encode(authority.certificate.encode()).decode(),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": entry}],
            "users": [{"name": "bench", "user": {"token": "bench"}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        }
        (arguments.folder / f"kubeconfig-{each}").write_text(json.dumps(config))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.api_server")
    parser.add_argument("--folder", type=Path, required=True, help="where the kubeconfigs go")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer (0)")
    parser.add_argument("--number", type=int, default=1, help="how many clusters (1)")
    asyncio.run(_main(parser.parse_args()))
