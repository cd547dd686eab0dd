# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A policy out of what somebody wrote. Every fault is told, each in a sentence that names its option."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import (
    ANSWERS,
    ANSWERS_OF_THE_ILL,
    DEFAULT_TROUBLES,
    LONGEST_TRY,
    STATUSES,
    TROUBLES,
    Policy,
)

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z")
PATH = re.compile(r"(/|(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~!&'()*+,=:@-]+)+/?)\Z")
# What a URL may have behind its question mark, as far as it is one plain word of nginx's configuration too.
QUERY = re.compile(r"[A-Za-z0-9._~!*+,=:@/?%&-]{1,2000}\Z")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}\Z")
COOKIE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
USER_NAME = re.compile(r"[!-9;-~]{1,100}\Z")
# Printable ASCII that needs no escape in a quoted string.
PLAIN_TEXT = re.compile(r"[ !#-\[\]-~]{1,100}\Z")
# For so long (seconds) a session may go on without the target.
LONGEST_GRACE = 86400
# By option: kind, least, most.
LIMITS: dict[str, tuple[type, float, float]] = {
    "retry_after": (int, 1, 86400),
    "connect_within": (float, 0.05, LONGEST_TRY),
    "answer_within": (float, 0.05, LONGEST_TRY),
    "check_every": (float, 0.25, 60),
    "check_within": (float, 0.05, 10),
    "attempts_per_minute": (int, 1, 6000),
    "attempts_burst": (int, 1, 1000),
    "remember_login_for": (int, 1, 86400),
    "trusted_hops": (int, 0, 10),
    "session_grace": (int, 0, LONGEST_GRACE),
    "remember_session_for": (int, 0, 60),
}
# Two checks of one pod must not overlap (seconds between the end of one and the beginning of the next).
BETWEEN_CHECKS = 0.25


def policy_from(given: Any) -> Policy:
    """The policy in the given data. Raises BadArgument with every fault."""
    if not isinstance(given, Mapping):
        raise BadArgument(f"The policy cannot be used. Expected options and their values, got {given!r}.")
    faults: list[str] = []
    faults += [_unknown(name) for name in given if name not in _options()]
    faults += [f"{name}: is needed" for name in ("path", "host", "check_host") if not given.get(name)]
    values = {name: value for name, value in given.items() if name in _options()}
    values["default"] = _answer("default", given.get("default", "basic"), faults)
    values["hosts"] = _hosts(given.get("hosts") or {}, faults)
    values["session_graces"] = _graces(given.get("session_graces") or {}, faults)
    values["fallback_on"] = _troubles(given.get("fallback_on", DEFAULT_TROUBLES), faults)
    values["open_paths"] = _open_paths(given.get("open_paths") or (), faults)
    values["identity_headers"] = _identity_headers(given.get("identity_headers") or (), faults)
    values["emergency_users"] = _emergency_users(given.get("emergency_users") or (), faults)
    values["more_check_hosts"] = _list("more_check_hosts", given.get("more_check_hosts") or (), "hosts", faults)
    values["session_cookies"] = _list("session_cookies", given.get("session_cookies") or (), "names of cookies", faults)
    values["asked_once"] = _list("asked_once", given.get("asked_once") or (), "parts of a URL", faults)
    values["check_failures"] = _check_failures(given.get("check_failures") or (), faults)
    faults += [
        f"{option}: expected true or false, got {given[option]!r}"
        for option in ("session_by_path", "sticky")
        if not isinstance(given.get(option, True), bool)
    ]
    _check_texts(values, faults)
    _read_numbers(values, faults)
    if faults:
        raise BadArgument("The policy cannot be used. " + " ".join(f"{fault}." for fault in sorted(faults)))
    return Policy(**values)


def _options() -> set[str]:
    return {item.name for item in fields(Policy)}


def _unknown(name: Any) -> str:
    near = get_close_matches(str(name), sorted(_options()), 1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(_options()))}"
    return f"{name}: there is no such option; {meant}"


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
            faults.append(
                f"hosts: {host!r} is not a host name (no scheme, port, path or wildcard; international ones as xn--...)"
            )
        elif name in hosts:
            faults.append(f"hosts: {name} is there twice")
        hosts[name] = _answer(f"hosts: {name}", answer, faults)
    return hosts


def _graces(given: Any, faults: list[str]) -> dict[str, int]:
    if not isinstance(given, Mapping):
        faults.append("session_graces: expected seconds by host, such as 'www.example.test: 300'")
        return {}
    graces: dict[str, int] = {}
    for host, seconds in given.items():
        name = str(host).lower().rstrip(".")
        if not HOST_NAME.match(name):
            faults.append(f"session_graces: {host!r} is not a host name")
        value = {"session_grace": seconds}
        own: list[str] = []
        if _read_number("session_grace", value, own):
            graces[name] = value["session_grace"]
        faults += [f"session_graces: {name}{words.removeprefix('session_grace')}" for words in own]
    return graces


def _list(option: str, given: Any, of: str, faults: list[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, (list, tuple)):
        faults.append(f"{option}: expected a list of {of}, got {given!r}")
        return ()
    return tuple(str(item) for item in given)


def _troubles(given: Any, faults: list[str]) -> tuple[str, ...]:
    known = (*TROUBLES, *map(str, STATUSES))
    before = len(faults)
    wanted = _list("fallback_on", given, ", ".join(known), faults)
    ill = [str(status) for status in ANSWERS_OF_THE_ILL]
    faults += [
        f"fallback_on: {item} about one request is no sign of an outage; the check alone takes it for one"
        for item in wanted
        if item in ill
    ]
    faults += [f"fallback_on: {item!r} is none of {', '.join(known)}" for item in wanted if item not in (*known, *ill)]
    if not wanted and len(faults) == before:
        faults.append("fallback_on: an empty list means that the proxy never falls back")
    return tuple(item for item in known if item in wanted)


def _check_failures(given: Any, faults: list[str]) -> tuple[int, ...]:
    known = [str(status) for status in ANSWERS_OF_THE_ILL]
    wanted = _list("check_failures", given, ", ".join(known), faults)
    faults += [f"check_failures: {item} is none of {', '.join(known)}" for item in wanted if item not in known]
    return tuple(status for status in ANSWERS_OF_THE_ILL if str(status) in wanted)


def _open_paths(given: Any, faults: list[str]) -> tuple[str, ...]:
    paths = _list("open_paths", given, "path prefixes", faults)
    for item in paths:
        if item == "/" or not PATH.match(item) or not item.endswith("/"):
            faults.append(f"open_paths: {item!r} is not a path prefix with a slash at both ends, such as '/login/'")
        elif paths.count(item) > 1:
            faults.append(f"open_paths: {item!r} is there twice")
    return tuple(dict.fromkeys(paths))


def _identity_headers(given: Any, faults: list[str]) -> tuple[str, ...]:
    names = _list("identity_headers", given, "header names", faults)
    for item in names:
        if not HEADER_NAME.match(item) or not item.lower().startswith(("x-", "remote-")):
            faults.append(
                f"identity_headers: {item!r} is not a header that names a user; they begin with X- or Remote-"
            )
    return tuple(dict.fromkeys(names))


def _emergency_users(given: Any, faults: list[str]) -> tuple[str, ...]:
    names = _list("emergency_users", given, "user names", faults)
    faults += [
        f"emergency_users: {item!r} is not the name of a user in an htpasswd file"
        for item in names
        if not USER_NAME.match(item)
    ]
    return tuple(dict.fromkeys(names))


def _check_texts(values: Mapping[str, Any], faults: list[str]) -> None:
    if values.get("path") and not PATH.match(str(values["path"])):
        faults.append(f"path: {values['path']!r} is not a plain absolute path, such as '/auth'")
    if values.get("query") and not QUERY.match(str(values["query"])):
        faults.append(f"query: {values['query']!r} is no query of a URL, such as 'rd=https://login.example.test'")
    given = [(option, values.get(option) or "x") for option in ("host", "check_host")]
    for option, value in [*given, *(("more_check_hosts", value) for value in values["more_check_hosts"])]:
        name, colon, port = str(value).partition(":")
        if not HOST_NAME.match(name.lower()) or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
            faults.append(f"{option}: {value!r} is not a host name, with or without a port")
    faults += [
        f"session_cookies: {name!r} is not how the name of a cookie begins"
        for name in values["session_cookies"]
        if not COOKIE_NAME.match(name)
    ]
    for mark in values["asked_once"]:
        if not PLAIN_TEXT.match(mark):
            faults.append(f"asked_once: expected 1 to 100 printable ASCII characters without quotes, got {mark!r}")
    if not PLAIN_TEXT.match(str(values.get("realm", "x"))):
        faults.append("realm: expected 1 to 100 printable ASCII characters without quotes and backslashes")
    if not HEADER_NAME.match(str(values.get("user_header", "x"))):
        faults.append(f"user_header: {values['user_header']!r} is not a header name")


def _read_numbers(values: dict[str, Any], faults: list[str]) -> None:
    fine = True
    for option in LIMITS.keys() & values.keys():
        fine &= _read_number(option, values, faults)
    if fine:
        _compare_times(Policy("/", "x", "x", **{name: values[name] for name in LIMITS.keys() & values.keys()}), faults)


def _read_number(option: str, values: dict[str, Any], faults: list[str]) -> bool:
    kind, least, most = LIMITS[option]
    given = values[option]
    try:
        if isinstance(given, bool):
            raise ValueError("neither is a number")
        values[option] = kind(given)
        fits = bool(least <= values[option] <= most) and float(given) == values[option]
    except (TypeError, ValueError):
        fits = False
    if not fits:
        whole = "a whole number" if kind is int else "a number"
        faults.append(f"{option}: expected {whole} from {least:g} to {most:g}, got {given!r}")
    return fits


def _compare_times(times: Policy, faults: list[str]) -> None:
    longest = times.connect_within + times.answer_within
    if longest > LONGEST_TRY:
        faults.append(
            f"answer_within: one try takes up to {longest:g} s with connect_within; expected at most {LONGEST_TRY:g} s"
        )
    if times.check_within > times.answer_within:
        faults.append(
            "check_within: has to be at most answer_within, else a target counts as well that its clients find too slow"
        )
    if times.check_every < times.check_within + BETWEEN_CHECKS:
        faults.append(
            f"check_every: has to be at least {BETWEEN_CHECKS:g} s more than check_within, that checks do not overlap"
        )
