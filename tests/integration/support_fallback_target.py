"""What a proxy on loopback has behind it: pods that fail as they are told, and a name server that knows them."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

PATH = "/outpost.goauthentik.io/auth/traefik"
HOST = "private.lab.test"
# Of the modes that never come to the end of their headers: slower and quicker than any of nginx's time-outs.
BYTE_SECONDS = {"trickle": 1.0, "drip": 0.3}


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
    """One address of the target. ``mode`` is ok, hang, reset, close, trickle, drip, oversized, slow or a status."""

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
        if not _asked(head).startswith("/outpost.goauthentik.io/"):
            mode = "ok"
        if mode == "hang":
            await asyncio.sleep(60)
        elif mode == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        elif mode in BYTE_SECONDS:
            for byte in b"HTTP/1.1 200 OK\r\n":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(BYTE_SECONDS[mode])
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
        if not _asked(head).startswith(("/outpost.goauthentik.io/start?", f"{PATH} HTTP/")):
            return b"HTTP/1.1 404 nothing here\r\nContent-Length: 0\r\n\r\n"
        lines = ["Content-Length: 0", "Set-Cookie: a=1", "Set-Cookie: b=2"]
        if "session=valid" in head:
            lines += ["X-authentik-username: alice", f"X-authentik-jwt: {'j' * self.jwt_bytes}"]
            return ("HTTP/1.1 200 OK\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()
        uri = next((line[17:] for line in head.split("\r\n") if line.lower().startswith("x-forwarded-uri: ")), "/")
        lines.append(f"Location: https://{HOST}/outpost.goauthentik.io/start?rd={uri.replace('/', '%2F')}")
        return ("HTTP/1.1 302 Found\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()


def _asked(head: str) -> str:
    """The request without its method."""
    return head.partition(" ")[2]


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
