# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option ``requests`` of http_check, and the requests that its items mean at a place."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Request
from ansible_collections.resilient.traefik.plugins.module_utils.http_expectation import SECRET_HEADERS
from ansible_collections.resilient.traefik.plugins.module_utils.http_points import Place
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

READING_METHODS = ("GET", "HEAD", "OPTIONS")
EXPECT_OPTIONS: dict[str, dict[str, Any]] = {
    "status": {"type": "list", "elements": "int", "default": [200]},
    "headers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "equals": {"type": "str"},
            "matches": {"type": "str"},
            "absent": {"type": "bool", "default": False},
        },
    },
    "body": {"type": "str"},
}
REQUEST_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "host": {"type": "str"},
    "path": {"type": "str", "default": "/"},
    "method": {
        "type": "str",
        "choices": [*READING_METHODS, "POST", "PUT", "PATCH", "DELETE"],
        "default": "GET",
    },
    "scheme": {"type": "str", "choices": ["http", "https"]},
    "entry_points": {"type": "list", "elements": "str"},
    "headers": {"type": "dict", "default": {}},
    "secret_headers": {"type": "dict", "default": {}, "no_log": True},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "sni": {"type": "str"},
    "ca": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "expect": {"type": "dict", "options": EXPECT_OPTIONS},
}


def request_to(given: Mapping[str, Any], place: Place, label: str) -> Request:
    """The request that an item means at this place. ``label`` begins the messages. Raises BadArgument."""
    host = given["host"] or place.host
    if not host:
        raise BadArgument(f"{label} host: an entry point of Traefik serves many hosts, say which")
    for header in given["headers"]:
        if header.lower() in SECRET_HEADERS:
            raise BadArgument(f"{label} headers: {header} belongs into secret_headers, or is made of user and password")
    headers = {str(name): str(value) for name, value in (given["headers"] | given["secret_headers"]).items()}
    _check_text(headers | {"Host": host, "path": given["path"]}, label)
    if not given["path"].startswith("/"):
        raise BadArgument(f"{label} path: must begin with /")
    return Request(
        host=host,
        path=given["path"],
        method=given["method"],
        headers=headers,
        https=given["scheme"] == "https" if given["scheme"] else place.https,
        sni=given["sni"] or "",
        ca=_authorities(given["ca"], label),
        verify=given["validate_certs"],
        user=given["user"] or "",
        password=given["password"] or "",
    )


def _check_text(texts: Mapping[str, str], label: str) -> None:
    """Before the HTTP library refuses them with the value in its message."""
    for name, value in texts.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise BadArgument(f"{label} headers: {name!r} is no header name")
        if not re.fullmatch(r"[\t\x20-\x7e\xa0-\xff]*", value) or (name == "path" and " " in value):
            raise BadArgument(f"{label} {name}: holds characters that HTTP does not take there; percent-encode them")


def _authorities(ca: str | None, label: str) -> str:
    if not ca:
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ca)
    except (ssl.SSLError, ValueError):
        raise BadArgument(f"{label} ca: is no PEM text of certificates") from None
    return ca
