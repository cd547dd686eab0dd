"""What a proxy on loopback has behind it: pods that fail as they are told, and a name server that knows them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
import socket
import struct
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

PATH = "/outpost.goauthentik.io/auth/traefik"
HOST = "private.lab.test"
# As authentik names the cookie: by its provider's client id.
COOKIE = f"authentik_proxy_{hashlib.sha256(b'private').hexdigest()[:8]}"
MEMBER = f"{COOKIE}={'MEMBER' * 8}MEMB"
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


def header(head: str, name: str) -> str:
    """A request's header, or an empty string."""
    found = re.search(rf"^{name}: (.*)$", head.replace("\r\n", "\n"), re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""


@dataclass
class Pod:
    """One address of the target, which answers as authentik's outpost does.

    ``mode`` is ok, hang, reset, close, trickle, drip, oversized, slow, within (a redirect there) or a status. While it
    is ok, a client's own URL makes its requests fail: by ``poison=MODE`` in its query, or because Go's url.Parse
    refuses it. Credentials and the end of a login take ``core_seconds``; ``exchanged`` counts how often each code of a
    login came.
    """

    address: str
    port: int
    mode: str = "ok"
    slow_seconds: float = 1.5
    # Requests with this text in their head are answered in this mode: what one client can make fail.
    poison: tuple[str, str] = ("", "")
    core_seconds: float = 0.3
    exchanged: Counter[str] = field(default_factory=Counter)
    jwt_bytes: int = 0
    # By its own sessions whether somebody is signed in there; None where they are shared, as an embedded outpost's are.
    own_sessions: dict[str, bool] | None = None
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

    def _mode(self, head: str) -> str:
        if not _asked(head).startswith("/outpost.goauthentik.io/"):
            return "ok"
        if self.poison[0] and self.poison[0] in head:
            return self.poison[1]
        own = POISON.search(header(head, "X-Forwarded-Uri"))
        if self.mode != "ok" or not own:
            return self.mode
        return own[1]

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> bool:
        mode = self._mode(head)
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
            writer.write(await self._reply(head, mode))
            await writer.drain()
            return True
        return False

    async def _reply(self, head: str, mode: str) -> bytes:
        if mode.isdigit():
            return response(f"{mode} told so")
        if mode == "within":
            return response("302 Found", ["Location: /outpost.goauthentik.io/start?rd=x"])
        if mode == "oversized":
            return response("200 OK", [f"X-Long: {'x' * 300_000}"])
        if _asked(head).startswith("/outpost.goauthentik.io/start?"):
            return self._to_login(head)
        if not _asked(head).startswith(f"{PATH} HTTP/"):
            return response("404 nothing here")
        url = header(head, "X-Forwarded-Host") + header(head, "X-Forwarded-Uri")
        if BAD_ESCAPE.search(url.partition("?")[0]) or BAD_ESCAPE.search(url.partition("#")[2]):
            return response("500 Internal Server Error", body="configuration error\n")
        query = parse_qs(urlsplit(header(head, "X-Forwarded-Uri")).query)
        if query.get("X-authentik-auth-callback", [""])[0].lower() == "true":
            return await self._exchange(query)
        if self._is_member(head):
            return response(
                "200 OK", ["X-Authentik-Username: alice", f"X-Authentik-Jwt: {'j' * self.jwt_bytes}", *ALWAYS]
            )
        if header(head, "Authorization").startswith(("Basic ", "Bearer ")):
            await asyncio.sleep(self.core_seconds)
        return self._to_login(head)

    def _is_member(self, head: str) -> bool:
        if self.own_sessions is None:
            return MEMBER in header(head, "Cookie")
        return self.own_sessions.get(session_of(head), False)

    def _to_login(self, head: str) -> bytes:
        """A standalone outpost deletes the cookies of a session that another one made."""
        if self.own_sessions is None:
            return to_login(head)
        made = session_of(head) or new_session()
        if session_of(head) not in ("", *self.own_sessions):
            return to_login(head, made, DELETED)
        self.own_sessions.setdefault(made, False)
        return to_login(head, made)

    async def _exchange(self, query: dict[str, list[str]]) -> bytes:
        """The end of a login, whose code is used up by the first who brings it."""
        code = query.get("code", [""])[0]
        session = MEMBER.partition("=")[2]
        if self.own_sessions is not None:
            claims = query.get("state", [""])[0].split(".")[1:2]
            session = json.loads(base64.urlsafe_b64decode(claims[0] + "==")).get("sid", "") if claims else ""
        if not code or session not in (self.own_sessions or {session}):
            return response("400 Bad Request")
        if self.own_sessions is not None:
            self.own_sessions[session] = True
        self.exchanged[code] += 1
        await asyncio.sleep(self.core_seconds)
        return response("302 Found", [f"Location: https://{HOST}/", set_cookie(session, 3600)])


POISON = re.compile(r"[?&]poison=([a-z0-9]+)")
BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
ALWAYS = ("X-Powered-By: authentik_proxy2", "Vary: Accept-Encoding")
# How a standalone outpost deletes what it does not know.
DELETED = tuple(
    f"Set-Cookie: {COOKIE}=; Path={path}; Max-Age=0" for path in ("/", "/outpost.goauthentik.io", "/callback")
)


def response(status: str, lines: Sequence[str] = (), body: str = "") -> bytes:
    """An answer with these header lines."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", body]).encode()


def set_cookie(session: str, seconds: int) -> str:
    """The header line that gives a client its session."""
    return f"Set-Cookie: {COOKIE}={session}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"


def session_of(head: str) -> str:
    """The session that a client names, or an empty string."""
    sent = re.search(rf"{COOKIE}=([^;\s]*)", header(head, "Cookie"))
    return sent[1] if sent else ""


def new_session() -> str:
    """A session's name, as authentik makes them."""
    return base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=")


def to_login(head: str, made: str = "", deleted: Sequence[str] = ()) -> bytes:
    """Straight to authentik's login. Who sends no session's name gets one; one that cannot be is deleted."""
    sent = session_of(head)
    session = made or sent or new_session()
    url = f"https://{header(head, 'X-Forwarded-Host') or HOST}{header(head, 'X-Forwarded-Uri')}"
    claims = {"iss": "goauthentik.io/outpost/private", "sid": session, "redirect": unquote(url)}
    state = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    back = quote(f"https://{HOST}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true", safe="")
    location = (
        f"https://auth.lab.test/application/o/authorize/?client_id=private&redirect_uri={back}&state=e30.{state}.x"
    )
    lines = [f"Location: {location}", "Content-Type: text/html; charset=utf-8", "Vary: Accept-Encoding"]
    if not sent:
        lines.append(set_cookie(session, 3601))
    elif deleted or not re.fullmatch(r"[A-Z2-7]{52}", session):
        lines += deleted or DELETED
    return response("302 Found", lines, f'<a href="{location.replace("&", "&amp;")}">Found</a>.\n\n')


def _asked(head: str) -> str:
    """The request without its method."""
    return head.partition(" ")[2]


class Names(asyncio.DatagramProtocol):
    """A name server that knows one name. ``mode`` is ok, nxdomain, empty, servfail, refused or silent."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        # By the beginning of another name.
        self.others: dict[str, list[str]] = {}
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
        first = query[13 : 13 + query[12]].decode().lower()
        found = self.others.get(first, self.addresses) if self.mode == "ok" else []
        end = query.index(b"\0", 12) + 5
        answers = b"".join(
            b"\xc0\x0c\x00\x01\x00\x01" + struct.pack("!IH", 1, 4) + socket.inet_aton(address) for address in found
        )
        return query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0) + query[12:end] + answers
