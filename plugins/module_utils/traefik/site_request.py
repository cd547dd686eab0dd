# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request to a site, as the rules of routers see it, and as it is sent. No I/O."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request, host_name
from ansible_collections.resilient.traefik.plugins.module_utils.http_expectation import HIDDEN

# Of the headers that a user gives, whose values carry nothing personal and help to recognise the request.
SHOWN_HEADERS = frozenset(
    (
        "accept",
        "connection",
        "content-length",
        "content-type",
        "origin",
        "upgrade",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
    )
)


@dataclass(frozen=True)
class SiteRequest:
    """One request. ``host`` is the Host header; ``target`` is path and query as they are sent.

    ``https`` is whether the client speaks TLS with Traefik, None while that is not decided. ``client_ip`` is the
    address that Traefik sees, empty where it is not known. ``body_bytes`` is how much the client would send.
    """

    host: str
    target: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    https: bool | None = None
    client_ip: str = ""
    body_bytes: int = 0

    @property
    def hostname(self) -> str:
        """The host as rules compare it: in lower case, without port."""
        return _hostname(self.host)

    @property
    def path(self) -> str:
        """The path without query, as rules see it: percent-encoded letters decoded, reserved characters not."""
        return _routing_path(self.target)

    @property
    def url(self) -> str:
        """The URL without its query, which may hold a token."""
        query = "?..." if "?" in self.target else ""
        return f"{'https' if self.https else 'http'}://{self.host}{self.target.partition('?')[0]}{query}"

    @property
    def is_websocket(self) -> bool:
        """Whether the client asks for a WebSocket."""
        return any(value.lower() == "websocket" for value in self.header("Upgrade"))

    def __str__(self) -> str:
        return f"{self.method} {self.url}"

    def header(self, name: str) -> list[str]:
        """Return the values of a header, in any case of letters."""
        return [value for key, value in self.headers.items() if key.lower() == name.lower()]

    def query_values(self, name: str) -> list[str]:
        """Return the values of a query parameter."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True).get(name, [])

    def with_target(self, target: str) -> SiteRequest:
        """Return the request with another path and query."""
        return replace(self, target=target)

    def header_bytes(self) -> int:
        """Return how many bytes the request line and its headers take."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return sum(len(line.encode("latin-1", "replace")) + 2 for line in lines) + 2

    def to_send(self, https: bool | None = None, extra: Mapping[str, str] | None = None) -> Request:
        """Return it in the form that the HTTP client takes, with ``extra`` headers and perhaps another scheme.

        No certificate is verified: it is looked at apart.
        """
        return Request(
            host=self.host,
            path=self.target,
            method=self.method,
            headers=dict(self.headers) | dict(extra or {}),
            https=bool(self.https) if https is None else https,
            verify=False,
        )

    def shown(self) -> dict[str, Any]:
        """Return it as results show it: no value of a header that may be a secret, no query."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": {
                name: value if name.lower() in SHOWN_HEADERS else HIDDEN for name, value in sorted(self.headers.items())
            },
        }


# Thousands of rules ask for the same.
@functools.lru_cache(maxsize=64)
def _hostname(host: str) -> str:
    return host_name(host).lower()


@functools.lru_cache(maxsize=64)
def _routing_path(target: str) -> str:
    return re.sub(r"%[0-9A-Fa-f]{2}", _decoded, target.partition("?")[0])


def _decoded(found: re.Match[str]) -> str:
    """Decode one percent-encoding unless it is one of a reserved character (Traefik: withRoutingPath)."""
    char = chr(int(found[0][1:], 16))
    return found[0].upper() if char in ":/?#[]@!$&'()*+,;=%" or not char.isascii() else char
