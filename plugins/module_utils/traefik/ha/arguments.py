# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traefik's arguments with some of them set and all others left as they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import Wishes

DIAL_TIMEOUT = "serversTransport.forwardingTimeouts.dialTimeout"
RESPONSE_HEADER_TIMEOUT = "serversTransport.forwardingTimeouts.responseHeaderTimeout"
ACCEPT_GRACE, GRACE = "requestAcceptGraceTimeout", "graceTimeOut"
_ADDRESS = re.compile(r"--?entrypoints\.([^.=]+)\.address(?:=|$)", re.IGNORECASE)


def life_cycle(entry_point: str, name: str) -> str:
    """The flag's name of one of an entry point's two grace times."""
    return f"entryPoints.{entry_point}.transport.lifeCycle.{name}"


def wished_arguments(wishes: Wishes, entry_points: Iterable[str]) -> dict[str, str]:
    """Values by the flags' names, without dashes."""
    wished = {}
    if wishes.dial_timeout:
        wished[DIAL_TIMEOUT] = wishes.dial_timeout
    if wishes.response_header_timeout:
        wished[RESPONSE_HEADER_TIMEOUT] = wishes.response_header_timeout
    for entry_point in entry_points:
        wished[life_cycle(entry_point, ACCEPT_GRACE)] = f"{wishes.request_accept_grace_timeout}s"
        wished[life_cycle(entry_point, GRACE)] = f"{wishes.grace_timeout}s"
    return wished


def defined_entry_points(arguments: Iterable[str]) -> list[str]:
    """The entry points that the arguments give an address, spelled as there, in their order."""
    found = (_ADDRESS.match(argument) for argument in arguments)
    return list(dict.fromkeys(match[1] for match in found if match))


def with_arguments(arguments: Sequence[str], wished: Mapping[str, str]) -> list[str]:
    """The arguments with the wished ones set: in place where they are given already, else at the end.

    One that is given more than once, of which Traefik takes the last, is given once. A value may follow its flag as
    an argument of its own.
    """
    left = {_normal(name): (name, value) for name, value in wished.items()}
    done: set[str] = set()
    result: list[str] = []
    skip = False
    for position, argument in enumerate(arguments):
        if skip:
            skip = False
            continue
        name, equals, _value = argument.partition("=")
        key = _normal(name) if argument.startswith("-") else ""
        if key not in left:
            result.append(argument)
            continue
        following = arguments[position + 1] if position + 1 < len(arguments) else "-"
        skip = not equals and not following.startswith("-")
        if key not in done:
            done.add(key)
            given = following if skip else _value
            # What says the same stays as it is written.
            result += [argument, following][: 1 + skip] if given == left[key][1] else [_flag(*left[key])]
    return result + [_flag(*pair) for key, pair in left.items() if key not in done]


def _flag(name: str, value: str) -> str:
    return f"--{name}={value}"


def _normal(name: str) -> str:
    return name.lstrip("-").lower()
