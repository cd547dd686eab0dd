# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The request to be explained, checked, and how it is shown without its secrets. No I/O."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.http_expectation import HIDDEN
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.site_request import SHOWN_HEADERS, SiteRequest

READING_METHODS = ("GET", "HEAD", "OPTIONS")
METHODS = (*READING_METHODS, "POST", "PUT", "PATCH", "DELETE")
# RFC 6455 has this one as its example.
_WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_PATH = re.compile(r"/[\x21-\x22\x24-\x7e]*")


def request_of(params: Mapping[str, Any]) -> SiteRequest:
    """Return the request that the options mean. Raise BadArgument, which holds no header's value."""
    host, target, https = str(params["host"]).strip(), params["path"] or "", None
    if "://" in host:
        scheme, host, from_url = _parts(host)
        if target and from_url not in ("", "/"):
            raise BadArgument("host: is a URL with a path, and path is given too: give one of them")
        target, https = target or from_url, scheme == "https"
    scheme = params["scheme"]
    if scheme and https is not None and (scheme == "https") is not https:
        raise BadArgument(f"scheme: is {scheme}, and host is a URL of the other scheme: give one of them")
    https = scheme == "https" if scheme else https
    target = target or "/"
    if not _HOST.fullmatch(host):
        raise BadArgument(f"host: {host[:60]!r} is no host name; give app.example.test, with :PORT where it has one")
    if not _PATH.fullmatch(target):
        raise BadArgument("path: must begin with / and hold no blank, # or letter outside ASCII; percent-encode them")
    headers = {str(name): str(value) for name, value in (params["headers"] or {}).items()}
    if params["websocket"]:
        headers = _WEBSOCKET | headers
    _check_headers(headers)
    client = params["client_ip"] or ""
    if client:
        try:
            ipaddress.ip_address(client)
        except ValueError:
            raise BadArgument(f"client_ip: {client[:60]!r} is no IP address") from None
    if params["body_bytes"] < 0:
        raise BadArgument(f"body_bytes: must be at least 0, got {params['body_bytes']}")
    return SiteRequest(host, target, params["method"], headers, https, client, params["body_bytes"])


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return the text with every secret in it hidden."""
    for secret in sorted({each for each in secrets if len(each) > 3}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def secrets_in(request: SiteRequest) -> list[str]:
    """Return the values of the request's headers that are not shown, and those of its query."""
    values = [value for name, value in request.headers.items() if name.lower() not in SHOWN_HEADERS]
    query = request.target.partition("?")[2]
    return [*values, *([query] if query else [])]


def _parts(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        raise BadArgument("host: is no URL that can be read; give app.example.test") from None
    if parts.scheme not in ("http", "https") or parts.username is not None:
        raise BadArgument("host: give http://HOST/PATH or https://HOST/PATH without user and password, or HOST alone")
    return parts.scheme, parts.netloc, parts.path + (f"?{parts.query}" if parts.query else "")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise BadArgument(f"headers: {name[:60]!r} is no header name")
        if name.lower() == "host":
            raise BadArgument("headers: Host is given by the option host")
        if not _VALUE.fullmatch(value):
            raise BadArgument(f"headers: the value of {name} holds characters that HTTP does not take there")
