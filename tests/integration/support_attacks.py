"""Requests by which somebody without a login may try to reach a private site: each as the bytes that are sent."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.integration.support_fallback_lab import HOST, OPEN, PASSWORD

LIMIT_SECONDS = 35
LOGIN = "/outpost.goauthentik.io"


@dataclass(frozen=True)
class Attack:
    """One request, complete."""

    name: str
    request: bytes


@dataclass(frozen=True)
class Outcome:
    """What came back: ``status`` is 0 where nothing did; ``head`` is the answer up to its body, in small letters."""

    status: int
    seconds: float
    head: str
    body: bytes


def send(address: str, request: bytes, port: int = 80) -> Outcome:
    """One connection, one request as it is, and all that comes back."""
    began, received = time.monotonic(), b""
    with socket.create_connection((address, port), timeout=LIMIT_SECONDS) as connection:
        try:
            connection.sendall(request)
            while not _is_complete(received) and (chunk := connection.recv(65536)):
                received += chunk
        except OSError as error:
            # An answer to an unfinished request may be followed by a reset, and then counts all the same.
            if not received:
                return Outcome(0, time.monotonic() - began, f"nothing: {error}", b"")
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return Outcome(status, time.monotonic() - began, head.decode(errors="replace").lower(), body)


def _is_complete(received: bytes) -> bool:
    """Whether the answer tells its length and has it; what does not tell ends with the connection."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    return bool(end and length) and len(body) >= int(length[1] if length else 0)


def request(
    path: str = "/headers", *headers: str, method: str = "GET", host: str = HOST, body: str = "", close: bool = True
) -> bytes:
    """An HTTP/1.1 request with these header lines, in this order."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: Mozilla/5.0"]
    lines += ["Connection: close"] if close else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, *headers, "", body]).encode("latin-1")


def authorization(text: str) -> str:
    """A Basic login of that text."""
    return "Authorization: Basic " + base64.b64encode(text.encode("latin-1")).decode()


PATHS = [
    *("/" + "a" * length for length in (5_000, 9_000, 20_000, 40_000, 100_000)),
    *("/" * 5_000, "/" + "%2f" * 1_700, "/" + "%25" * 1_700),
    *("/?" + "&" * 5_000, "/?rd=" + "%2F" * 1_700, "/" + "." * 5_000),
    *("//headers", "///headers", "/./headers", "/../headers"),
    *("/a/../headers", "/..;/headers", "/;/headers", "/\\headers"),
    *("/%2e%2e/headers", "/%2F%2Fheaders", "/%252e%252e/headers"),
    *("/%c0%ae%c0%ae/headers", "/headers%00", "/headers%0d%0a"),
    *("/headers%0d%0aX-authentik-username:%20forged", "/headers%23", "/headers?%00", "/HEADERS/../headers"),
    *(f"//{OPEN}/headers", f"/@{OPEN}/headers", f"/http://{OPEN}/headers"),
    *(f"http://{HOST}/headers", f"http://{HOST}:80/headers"),
    *(f"{LOGIN}/../headers", f"{LOGIN}/..%2fheaders", f"{LOGIN}/%2e%2e/headers"),
    *(f"{LOGIN}//../headers", f"{LOGIN}/;/../headers"),
    *(f"{LOGIN}/%2e%2e%2fheaders", f"{LOGIN}/.%2e/headers", f"{LOGIN}/start/../../headers", f"{LOGIN}\\..\\headers"),
    *(f"{LOGIN}/auth/traefik", f"{LOGIN}/auth/traefik?rd=/headers"),
    *(f"{LOGIN}/auth/traefik/../../../headers", f"{LOGIN}/"),
    *(f"{LOGIN}/.login", f"{LOGIN}/../.login", "/.login"),
    *(f"{LOGIN}/%2e%2e/check?key=p1", f"{LOGIN.upper()}/../headers"),
    *(f"/headers{LOGIN}/", f"/headers?{LOGIN}/", f"/headers;{LOGIN}/"),
    *(f"/x{LOGIN}/../../headers", "/ping", "/metrics", "/readyz"),
]  # fmt: skip
HEADERS = [
    (f"X-Forwarded-Host: {OPEN}",),
    (f"X-Forwarded-Host: {OPEN}", f"X-Forwarded-Host: {HOST}"),
    (f"X-Forwarded-Host: {OPEN}, {HOST}",),
    (f"X_Forwarded_Host: {OPEN}",),
    (f"Forwarded: host={OPEN};proto=https",),
    (f"X-Original-Host: {OPEN}", f"X-Host: {OPEN}", f"X-HTTP-Host-Override: {OPEN}"),
    (f"X-Forwarded-Uri: {LOGIN}/start", f"X-Original-URL: {LOGIN}/start", f"X-Rewrite-URL: {LOGIN}/start"),
    ("X-Forwarded-Uri: /", "X-Forwarded-Method: OPTIONS", "X-HTTP-Method-Override: OPTIONS"),
    ("X-Forwarded-For: 127.0.0.1", "X-Real-Ip: 127.0.0.1", "X-Forwarded-Server: traefik"),
    ("X-Forwarded-Proto: https", "X-Forwarded-Port: 9113", "X-Forwarded-Prefix: /outpost.goauthentik.io"),
    ("X-authentik-username: forged", "X-authentik-groups: forged", "X-authentik-jwt: forged", "X-Auth-Fallback: true"),
    ("X_authentik_username: forged", "x-AUTHENTIK-username: forged", "X_Auth_Fallback: true"),
    ("X-Accel-Redirect: /headers", "X-Checked-Pod: 10.0.0.1:9000", "X-Forwarded-User: forged"),
    ("X-Forwarded-Host : " + OPEN,),
    (f"Host: {OPEN}",),
    (f" folded: {OPEN}",),
    ("Transfer-Encoding: chunked", "Content-Length: 5"),
    ("Upgrade: websocket", "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==", "Sec-WebSocket-Version: 13"),
    ("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    ("Expect: 100-continue",),
    ("X-Long: " + "x" * 20_000,),
    ("X-Long: " + "x" * 40_000,),
    ("X-Long: " + "x" * 200_000,),
    tuple(f"X-Many-{number}: {'y' * 100}" for number in range(400)),
]
# These take a header away from what Traefik sets itself, where it lets them.
CONNECTIONS = [
    ("Connection: X-Forwarded-Host",),
    ("Connection: X-Forwarded-Host", f"X-Forwarded-Host: {OPEN}"),
    ("Connection: close, X-Forwarded-Host, X-Forwarded-Uri, X-Forwarded-Method, X-Forwarded-For, X-Real-Ip",),
    ("Connection: X-authentik-username", "X-authentik-username: forged"),
    ("Connection: Authorization, Cookie",),
    ("Connection: Upgrade", "Upgrade: websocket"),
]
AUTHORIZATIONS = [
    *("Authorization:", "Authorization: Basic", "Authorization: Basic "),
    *("Authorization: Basic !!!", "Authorization: Basic ===="),
    *(f"Authorization: Bearer {PASSWORD}", "Authorization: Digest username=emergency", "Authorization: Negotiate YII="),
    *("Authorization: Basic " + "QQ" * size for size in (200, 2_000, 20_000)),
    *map(authorization, ("", ":", "emergency", "emergency:", f":{PASSWORD}")),
    *map(authorization, (f"root:{PASSWORD}", f"emergency:{PASSWORD} ")),
    *map(authorization, (f" emergency:{PASSWORD}", f"EMERGENCY:{PASSWORD}")),
    *map(authorization, ("emergency:" + "x" * 72, "emergency:*", "#:x")),
    *map(authorization, (f"emergency\0:{PASSWORD}", "emergency:\0")),
    *map(authorization, (f"emergency\r\nX-A: b:{PASSWORD}", "\xff\xfe:\xff")),
    *map(authorization, (f"emergency:{PASSWORD.upper()}", f"emergency:{PASSWORD[:-1]}")),
    *map(authorization, ("emergency:$2y$10$", "emergency:\n")),
]  # fmt: skip
# As authentik names the cookie of the sites that are attacked.
SESSION = f"authentik_proxy_{hashlib.sha256(b'fallback').hexdigest()[:8]}"
COOKIES = [
    *(f"{SESSION}={'A' * 52}", f"{SESSION}=6H6C6J6365{'G' * 14}{'A' * 28}"),
    *(f"{SESSION}=alice", "authentik_session=1"),
    *(f'{SESSION}="{"A" * 52}"', f"{SESSION}=../../{'A' * 52}"),
    *(f"{SESSION}=", f"{SESSION}={'A' * 5_000}", f"{SESSION}=%41", "=", ";;;;", "x"),
    *("x=" + "y" * size for size in (9_000, 30_000, 60_000)),
    "; ".join(f"authentik_proxy_{number}=x" for number in range(300)),
]  # fmt: skip
METHODS = ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "X", "PRI"]
HOSTS = [
    HOST.upper(),
    f"{HOST}:80",
    f"{HOST}:9000",
    f"{HOST}.",
    f"{HOST}.:80",
    f"{OPEN}, {HOST}",
    f"{HOST}, {OPEN}",
    "",
]


def attacks() -> Iterator[Attack]:
    """The whole catalogue, by kind and number."""
    yield from _named("path", (request(path) for path in PATHS))
    yield from _named("header", (request("/headers", *lines) for lines in HEADERS))
    yield from _named("connection", (request("/headers", *lines, close=False) for lines in CONNECTIONS))
    yield from _named("authorization", (request("/headers", line) for line in AUTHORIZATIONS))
    yield from _named("cookie", (request("/headers", f"Cookie: {cookie}") for cookie in COOKIES))
    yield from _named("method", (request("/anything", method=method, body="a=b") for method in METHODS))
    yield from _named("host", (request("/headers", host=host) for host in HOSTS))
    yield from _named("version", [request().replace(b"HTTP/1.1", b"HTTP/1.0")])


def _named(kind: str, requests: Iterable[bytes]) -> Iterator[Attack]:
    for number, sent in enumerate(requests):
        shown = " ".join(line for line in sent.decode("latin-1").split("\r\n") if "User-Agent" not in line)[:90]
        yield Attack(f"{kind} {number}: {shown}", sent)
