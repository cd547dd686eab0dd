# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes: sites that are asked the way people ask, all the time. What one is, and how the exporter is told. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.http_expectation import SECRET_HEADERS
from ansible_collections.resilient.traefik.plugins.module_utils.http_requests import EXPECT_OPTIONS, READING_METHODS

USER_AGENT = "resilient-traefik-probe"
PUBLIC, REPLICAS = "public", "replicas"
CRITICAL, WARNING = "critical", "warning"
# Ranges of statuses. A page or a redirect, as to a login, or the question for a password.
ANSWERED = ((200, 399), (401, 401))
# Of a site that nobody has said anything about: its application answers, whatever it says.
ANYTHING = ((200, 499),)
SWITCHED = ((101, 101),)
_MOST_NAME = 100
# Settings that say nothing of what is asked and expected.
_HOW_OFTEN = ("every_ms", "fails_after", "slow", "severity")
# What the exporter, HTTP or a WebSocket sets itself.
_OWN_HEADERS = frozenset(
    (
        *("connection", "content-length", "host", "transfer-encoding", "upgrade", "user-agent"),
        *("x-host", "x-path", "x-server", "x-to"),
        *("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-version"),
    )
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")
_SUBPROTOCOLS = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(, *[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_PATH = re.compile(r"/[\x21-\x7e]*")

_EXPECT = {
    **EXPECT_OPTIONS,
    "status": {"type": "list", "elements": "int", "default": []},
}
PROBE_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "path": {"type": "str", "default": "/"},
    "entry_point": {"type": "str"},
    "method": {"type": "str", "choices": list(READING_METHODS), "default": "GET"},
    "headers": {"type": "dict", "default": {}},
    "expect": {"type": "dict", "options": _EXPECT, "apply_defaults": True},
    "websocket": {"type": "bool", "default": False},
    "subprotocol": {"type": "str", "default": ""},
    "through": {"type": "list", "elements": "str", "choices": [PUBLIC, REPLICAS], "default": [PUBLIC, REPLICAS]},
    "backend": {
        "type": "dict",
        "options": {
            "namespace": {"type": "str", "required": True},
            "service": {"type": "str", "required": True},
            "port": {"type": "str", "required": True},
            "path": {"type": "str"},
            "host": {"type": "str"},
            "tls": {"type": "bool", "default": False},
            "expect": {"type": "dict", "options": _EXPECT, "apply_defaults": True},
        },
    },
    "every": {"type": "int"},
    "fails_after": {"type": "int"},
    "slow": {"type": "float"},
    "severity": {"type": "str", "choices": [CRITICAL, WARNING]},
}


@dataclass(frozen=True)
class Expected:
    """Ranges of statuses, headers as items of http_check, and an expression that the page matches (empty for any)."""

    status: Sequence[tuple[int, int]] = ANSWERED
    headers: Sequence[Mapping[str, Any]] = ()
    body: str = ""

    def as_settings(self) -> dict[str, Any]:
        """Return it as the exporter is told."""
        return {"status": [list(each) for each in self.status], "headers": list(self.headers), "body": self.body}

    def as_request(self) -> dict[str, Any]:
        """Return it as the option ``expect`` of http_check."""
        codes = [code for first, last in self.status for code in range(first, last + 1)]
        headers = [{"equals": None, "matches": None, "absent": False} | dict(each) for each in self.headers]
        return {"status": codes, "headers": headers, "body": self.body or None}


@dataclass(frozen=True)
class Backend:
    """The application past Traefik: a port of a Service, and how it is asked there."""

    namespace: str
    service: str
    port: int
    host: str
    path: str
    tls: bool = False
    expected: Expected = Expected(ANYTHING)


@dataclass(frozen=True)
class Probe:
    """One site and how it is asked. ``port`` is the entry point's at each replica; times are in seconds.

    ``public`` is the address of the public way, empty where there is none. ``found`` is whether nobody has declared it.
    """

    name: str
    host: str
    entry_point: str
    port: int
    tls: bool
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: Expected = Expected()
    websocket: bool = False
    subprotocol: str = ""
    public: str = ""
    replicas: bool = True
    backend: Backend | None = None
    every: int = 60
    fails_after: int = 2
    slow: float = 2
    severity: str = CRITICAL
    found: bool = False

    def as_settings(self, cluster_domain: str) -> dict[str, Any]:
        """Return it as the exporter is told. It holds no secret: none can be given."""
        backend = self.backend
        return {
            "name": self.name,
            "host": self.host,
            "path": self.path,
            "method": self.method,
            "headers": dict(self.headers),
            "expect": self.expected.as_settings(),
            "websocket": self.websocket,
            "subprotocol": self.subprotocol,
            "entry_point": self.entry_point,
            "port": self.port,
            "tls": self.tls,
            "public": self.public,
            "replicas": self.replicas,
            "backend": backend
            and {
                "to": f"{backend.service}.{backend.namespace}.svc.{cluster_domain}:{backend.port}",
                "tls": backend.tls,
                "host": backend.host,
                "path": backend.path,
                "expect": backend.expected.as_settings(),
            },
            "every_ms": self.every * 1000,
            "fails_after": self.fails_after,
            "slow": self.slow,
            "severity": self.severity,
        }


def expected_of(given: Mapping[str, Any] | None, otherwise: Sequence[tuple[int, int]]) -> Expected:
    """Return what an option ``expect`` says; without statuses it is ``otherwise``."""
    given = given or {}
    headers = [
        {key: value for key, value in each.items() if value not in (None, False)} for each in given.get("headers") or []
    ]
    statuses = tuple((code, code) for code in given.get("status") or [])
    return Expected(statuses or otherwise, tuple(headers), given.get("body") or "")


# --- what is wrong with what is given ----------------------------------------------------------------------------


def faults_of(probes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with declared probes by themselves, a sentence each that begins with the probe."""
    names = [str(each["name"]) for each in probes]
    found = [f"probe {name}: name: another one has it" for name in dict.fromkeys(names) if names.count(name) > 1]
    for each in probes:
        found += [f"probe {each['name']}: {fault}" for fault in _faults(each)]
    return found


def _faults(given: Mapping[str, Any]) -> Iterator[str]:
    if not given["name"] or len(given["name"]) > _MOST_NAME or not given["name"].isprintable():
        yield f"name: expected 1 to {_MOST_NAME} printable characters"
    if not _HOST.fullmatch(given["host"]):
        yield f"host: expected the host of one site, got {given['host']!r}"
    backend = given["backend"] or {}
    for option, path in (("path", given["path"]), ("backend.path", backend.get("path"))):
        if path is not None and not _PATH.fullmatch(path):
            yield f"{option}: must begin with / and hold no spaces: percent-encode them"
    yield from _header_faults(given["headers"])
    yield from _expect_faults("expect", given["expect"])
    yield from _expect_faults("backend.expect", backend.get("expect"))
    yield from _websocket_faults(given)
    for option, least in (("every", 5), ("fails_after", 1), ("slow", 0.01)):
        if given[option] is not None and given[option] < least:
            yield f"{option}: must be at least {least:g}, got {given[option]:g}"
    if not given["through"] and not backend:
        yield "through: nothing is left to ask by"


def _header_faults(headers: Mapping[str, Any]) -> Iterator[str]:
    for name, value in headers.items():
        if str(name).lower() in SECRET_HEADERS:
            yield f"headers: {name} is a secret, and a probe asks as a visitor does who has not logged in: leave it out"
        elif str(name).lower() in _OWN_HEADERS:
            yield f"headers: {name} is set by the probe itself"
        elif not _HEADER_NAME.fullmatch(str(name)) or not _HEADER_VALUE.fullmatch(str(value)):
            yield f"headers: {name!r} or its value holds characters that HTTP does not take there"


def _expect_faults(option: str, given: Mapping[str, Any] | None) -> Iterator[str]:
    given = given or {}
    yield from (
        f"{option}.status: {code} is no HTTP status" for code in given.get("status") or [] if not 100 <= code <= 599
    )
    expressions = [(f"{option}.headers.matches", each.get("matches")) for each in given.get("headers") or []]
    for where, text in [(f"{option}.body", given.get("body")), *expressions]:
        try:
            re.compile(text or "")
        except re.error as error:
            yield f"{where}: {text!r} is no regular expression: {error}"


def _websocket_faults(given: Mapping[str, Any]) -> Iterator[str]:
    if given["subprotocol"] and not given["websocket"]:
        yield "subprotocol: it is one of a WebSocket: set websocket"
    elif given["subprotocol"] and not _SUBPROTOCOLS.fullmatch(given["subprotocol"]):
        yield "subprotocol: expected names with commas between them"
    if not given["websocket"]:
        return
    if given["method"] != "GET":
        yield "method: a WebSocket is opened by GET"
    expected = given["expect"] or {}
    if expected.get("status") or expected.get("headers") or expected.get("body"):
        yield "expect: of a WebSocket it is known: 101 and the accept key"


def held(settings: Mapping[str, Any], before: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether the same was asked before, however often, so that what is expected has held already."""
    return any(_asked(each) == _asked(settings) for each in before)


def _asked(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in _HOW_OFTEN}
