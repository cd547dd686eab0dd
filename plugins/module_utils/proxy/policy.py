# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a fallback proxy answers when: plain data, apart from the engine that carries it out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

# From the most open to the strictest.
ANSWERS = ("allow", "basic", "deny")
TROUBLES = ("network", "timeout")
STATUSES = (400, 404, 500, 502, 503, 504)
DEFAULT_TROUBLES = (*TROUBLES, "500", "502", "503", "504")

# No client may wait longer than this for its first answer after a fault (seconds): two tries have to fit.
LONGEST_WAIT = 2.5

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z")
PATH = re.compile(r"/[A-Za-z0-9._~!&'()*+,=:@/-]*\Z")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
# Printable ASCII that needs no escape in a quoted string.
PLAIN_TEXT = re.compile(r"[ !#-\[\]-~]{1,100}\Z")


@dataclass(frozen=True)
class Policy:
    """One proxy's behaviour. Times are seconds.

    ``path`` is what ForwardAuth asks, ``host`` the Host header that the target sees there; ``open_paths`` are prefixes
    that are passed on without judgement, such as a login flow. ``hosts`` are exceptions from ``default`` by the host
    that the client asked for. ``fallback_on`` holds ``network``, ``timeout`` and statuses as text.
    ``trusted_hops`` is the number of reverse proxies between client and Traefik.
    """

    path: str
    host: str
    check_host: str
    default: str = "basic"
    hosts: Mapping[str, str] = field(default_factory=dict)
    fallback_on: tuple[str, ...] = DEFAULT_TROUBLES
    open_paths: tuple[str, ...] = ()
    realm: str = "Emergency Access"
    user_header: str = "X-authentik-username"
    retry_after: int = 30
    connect_within: float = 0.3
    answer_within: float = 0.9
    check_every: float = 1.0
    check_within: float = 0.7
    attempts_per_minute: int = 60
    attempts_burst: int = 10
    remember_login_for: int = 600
    trusted_hops: int = 0

    @property
    def strictest(self) -> str:
        """The strictest answer in use: what a request gets whose host cannot be told."""
        return max((self.default, *self.hosts.values()), key=ANSWERS.index)

    @property
    def asks_for_login(self) -> bool:
        """Whether any host falls back to a login."""
        return "basic" in (self.default, *self.hosts.values())


def policy_from(given: Mapping[str, Any]) -> Policy:
    """The policy in the given data. Raises BadArgument with every fault, each in a sentence that names its option."""
    faults: list[str] = []
    known = {item.name for item in fields(Policy)}
    faults += [
        f"{name}: there is no such option; there are {', '.join(sorted(known))}" for name in given.keys() - known
    ]
    faults += [f"{name}: is needed" for name in ("path", "host", "check_host") if not given.get(name)]
    values = dict(given)
    values["hosts"] = _hosts(given.get("hosts") or {}, faults)
    values["fallback_on"] = _troubles(given.get("fallback_on", DEFAULT_TROUBLES), faults)
    values["open_paths"] = _open_paths(given.get("open_paths") or (), faults)
    values["default"] = _answer("default", given.get("default", "basic"), faults)
    _check_texts(values, faults)
    _check_numbers(values, faults)
    if faults:
        raise BadArgument("The policy cannot be used. " + " ".join(f"{fault}." for fault in sorted(faults)))
    return Policy(**values)


def _answer(option: str, given: Any, faults: list[str]) -> str:
    if given not in ANSWERS:
        faults.append(f"{option}: {given!r} is no fallback policy; there are {', '.join(ANSWERS)}")
        return "deny"
    return str(given)


def _hosts(given: Any, faults: list[str]) -> dict[str, str]:
    if not isinstance(given, Mapping):
        faults.append("hosts: expected a policy by host, such as 'www.example.test: allow'")
        return {}
    hosts: dict[str, str] = {}
    for host, answer in given.items():
        name = str(host).lower().rstrip(".")
        if not HOST_NAME.match(name):
            faults.append(f"hosts: {host!r} is not a host name (no scheme, port, path or wildcard)")
        elif name in hosts:
            faults.append(f"hosts: {name} is there twice")
        hosts[name] = _answer(f"hosts: {name}", answer, faults)
    return hosts


def _troubles(given: Any, faults: list[str]) -> tuple[str, ...]:
    known = (*TROUBLES, *map(str, STATUSES))
    if isinstance(given, str) or not isinstance(given, (list, tuple)):
        faults.append(f"fallback_on: expected a list out of {', '.join(known)}")
        return DEFAULT_TROUBLES
    wanted = [str(item) for item in given]
    faults += [f"fallback_on: {item!r} is none of {', '.join(known)}" for item in wanted if item not in known]
    if not wanted:
        faults.append("fallback_on: an empty list means that the proxy never falls back")
    return tuple(item for item in known if item in wanted)


def _open_paths(given: Any, faults: list[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, (list, tuple)):
        faults.append("open_paths: expected a list of path prefixes")
        return ()
    for item in given:
        if not PATH.match(str(item)) or not str(item).endswith("/") or item == "/":
            faults.append(f"open_paths: {item!r} is not a path prefix with a slash at both ends")
    return tuple(str(item) for item in given)


def _check_texts(values: Mapping[str, Any], faults: list[str]) -> None:
    if values.get("path") and not PATH.match(str(values["path"])):
        faults.append(f"path: {values['path']!r} is not a plain absolute path")
    for option in ("host", "check_host"):
        name, _, port = str(values.get(option) or "x").partition(":")
        if not HOST_NAME.match(name.lower()) or (port and not port.isdigit()):
            faults.append(f"{option}: {values[option]!r} is not a host name, with or without a port")
    if not PLAIN_TEXT.match(str(values.get("realm", "x"))):
        faults.append("realm: expected 1 to 100 printable ASCII characters without quotes and backslashes")
    if not HEADER_NAME.match(str(values.get("user_header", "x"))):
        faults.append(f"user_header: {values['user_header']!r} is not a header name")


LIMITS: dict[str, tuple[type, float, float]] = {
    "retry_after": (int, 1, 86400),
    "connect_within": (float, 0.05, LONGEST_WAIT),
    "answer_within": (float, 0.05, LONGEST_WAIT),
    "check_every": (float, 0.25, 60),
    "check_within": (float, 0.05, 10),
    "attempts_per_minute": (int, 1, 6000),
    "attempts_burst": (int, 1, 1000),
    "remember_login_for": (int, 1, 86400),
    "trusted_hops": (int, 0, 10),
}


def _check_numbers(values: dict[str, Any], faults: list[str]) -> None:
    for option, (kind, least, most) in LIMITS.items():
        if option not in values:
            continue
        try:
            if isinstance(values[option], bool):
                raise ValueError
            values[option] = kind(values[option])
            fits = least <= values[option] <= most
        except (TypeError, ValueError):
            fits = False
        if not fits:
            faults.append(f"{option}: expected a number from {least:g} to {most:g}, got {values[option]!r}")
            return
    two_tries = 2 * (values.get("connect_within", 0.3) + values.get("answer_within", 0.9))
    if two_tries > LONGEST_WAIT:
        faults.append(
            f"answer_within: two tries of connect_within and answer_within take {two_tries:g} s, and no client may "
            f"wait longer than {LONGEST_WAIT:g} s"
        )
    if values.get("check_every", 1.0) < values.get("check_within", 0.7) + 0.25:
        faults.append("check_every: has to be at least 0.25 s more than check_within, so that checks do not overlap")
