# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fallback policy carried out by nginx with njs: files out of data, nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from zlib import crc32

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import FOR_THE_FALLBACK, STATUSES, Policy
from ansible_collections.resilient.traefik.plugins.plugin_utils.njs_files import njs_files

FILES = Path(__file__).parent

# proxy_buffer_size of the questions: an answer's headers that fill it are too large.
BUFFER_BYTES = 128 * 1024

# At most as many pods of a target are told apart.
MOST_PODS = 32

# A target that always answers promptly and has not for so long (seconds) is looked at, before clients have to wait.
LOOK_AFTER = 0.25

# A question that is asked once has the time that it takes: Traefik itself waits for 30 s (seconds).
ONCE_WITHIN = 20.0
# What remembers sessions. Where it is full the oldest go first.
SESSIONS_MEGABYTES = 64
# A path of the login is asked of another pod when nothing has come for so long (seconds).
OPEN_AGAIN_AFTER = 1.5


# What the options of the place look like: all of them become words of nginx's configuration.
_ENDPOINT = re.compile(r"[A-Za-z0-9._:\[\]-]{1,300}\Z")
_FILE = re.compile(r"[A-Za-z0-9._/-]{1,300}\Z")
_A_PLACE = (_ENDPOINT, "a host or an address, with or without a port")
_A_FILE = (_FILE, "a path without special characters")
_WORDS = {
    **dict.fromkeys(("target", "dns", "listen", "neighbours"), _A_PLACE),
    **dict.fromkeys(("folder", "users", "temporary", "modules", "neighbours_key"), _A_FILE),
}


@dataclass(frozen=True)
class Engine:
    """Where the policy is carried out. ``target`` is a name that resolves to the target's pods, with the pods' port.

    ``dns`` is the resolver's address, ``folder`` where the files will lie, ``users`` the htpasswd file there,
    ``modules`` what nginx has to load for njs (nothing where it is built in). ``neighbours`` is a name that resolves to
    all pods of this proxy, with ``neighbours_port``, and ``neighbours_key`` the file of the key that they share.
    """

    target: str
    dns: str
    folder: str
    users: str
    temporary: str = "/tmp"
    modules: tuple[str, ...] = ()
    workers: int = 2
    listen: str = "0.0.0.0"
    port: int = 9000
    status_port: int = 9113
    check_port: int = 9002
    login_port: int = 9003
    quit_port: int = 9004
    neighbours: str = ""
    neighbours_key: str = ""
    neighbours_port: int = 9005


def engine_from(place: Any) -> Engine:
    """The engine in the given place. Raises BadArgument with every fault."""
    if not isinstance(place, Mapping):
        raise BadArgument(f"The place of the proxy cannot be used. Expected options and their values, got {place!r}.")
    known = {item.name for item in fields(Engine)}
    faults = [f"{name}: there is no such option" for name in place if name not in known]
    faults += [f"{name}: is needed" for name in ("target", "dns", "folder", "users") if not place.get(name)]
    values = {name: value for name, value in place.items() if name in known}
    for name in {"workers", *(name for name in known if name.endswith("port"))} & values.keys():
        text = str(values[name])
        if not text.isdigit() or not 0 < int(text) < 65536:
            faults.append(f"{name}: expected a number from 1 to 65535, got {values[name]!r}")
        else:
            values[name] = int(text)
    for name, (shape, expected) in _WORDS.items():
        given = values.get(name) or ()
        for word in [given] if isinstance(given, str) else given:
            if not shape.match(str(word)):
                faults.append(f"{name}: expected {expected}, got {word!r}")
    if bool(values.get("neighbours")) != bool(values.get("neighbours_key")):
        faults.append("neighbours: they need the file of their key, neighbours_key, and the key needs them")
    if faults:
        raise BadArgument("The place of the proxy cannot be used. " + " ".join(f"{fault}." for fault in sorted(faults)))
    return Engine(**{**values, "modules": tuple(values.get("modules", ()))})


def files_of(policy: Policy, engine: Engine) -> dict[str, str]:
    """The configuration's files by name."""
    values: dict[str, Any] = {
        "policy": policy,
        "engine": engine,
        "sessions_megabytes": SESSIONS_MEGABYTES,
        "has_neighbours": _has_neighbours(policy, engine),
        "look_after": LOOK_AFTER,
        "last_within": policy.longest_wait - policy.answer_within - 2 * FOR_THE_FALLBACK,
        "once_within": ONCE_WITHIN,
        "open_again_after": OPEN_AGAIN_AFTER,
        "statuses": " ".join(map(str, _intercepted(policy))),
    }
    return njs_files(FILES, values, _settings(policy, engine))


@cache
def keys() -> list[str]:
    """Keys by which nginx finds the pods: the i-th leads to pod i modulo their number, whatever that is.

    nginx takes bits 16 to 30 of the key's CRC-32 (ngx_http_upstream_hash_module), and the i-th key has i there.
    """
    found: dict[int, str] = {}
    for number in count():
        key = f"p{number}"
        found.setdefault((crc32(key.encode()) >> 16) & 0x7FFF, key)
        if all(place in found for place in range(MOST_PODS)):
            break
    return [found[place] for place in range(MOST_PODS)]


def _intercepted(policy: Policy) -> list[int]:
    """Statuses that proxy.js has to judge: those of the policy, and 502 and 504, by which nginx tells what it met."""
    return [status for status in STATUSES if str(status) in policy.fallback_on or status in (502, 504)]


def _has_neighbours(policy: Policy, engine: Engine) -> bool:
    return policy.keeps_sessions and bool(engine.neighbours)


def _settings(policy: Policy, engine: Engine) -> dict[str, Any]:
    return {
        "keys": keys(),
        "buffer_bytes": BUFFER_BYTES,
        "fallback_on": policy.fallback_on,
        # 502 and 504 are what nginx answers when the pod did not.
        "not_well": [int(item) for item in policy.fallback_on if item.isdigit()] + [502, 504, *policy.check_failures],
        "host_not_known": list(policy.check_failures),
        "check_hosts": [policy.check_host, *policy.more_check_hosts],
        # They are looked for in the URL in lower case.
        "asked_once": [mark.lower() for mark in policy.asked_once],
        "session_grace": policy.session_grace,
        "session_graces": sorted([host, seconds] for host, seconds in policy.session_graces.items()),
        "session_by_path": policy.session_by_path,
        "session_cookies": list(policy.session_cookies),
        "sticky": policy.sticky,
        "remember_ms": policy.remember_session_for * 1000,
        "open_paths": list(policy.open_paths),
        "has_neighbours": _has_neighbours(policy, engine),
        "neighbours_key": engine.neighbours_key,
        "reasons": ["down", *policy.fallback_on],
        "answers": sorted({policy.default, policy.strictest, *policy.hosts.values(), *policy.graces}),
        "path": policy.path,
        "realm": policy.realm,
        "retry_after": str(policy.retry_after),
        "user_header": policy.user_header,
        # For who verifies: what the middleware has to take from the client's request.
        "identity_headers": [*policy.identity_headers, policy.user_header] if policy.identity_headers else [],
        "emergency_users": policy.emergency_users,
        # A try that begins later could keep a client waiting too long.
        "last_try_after": policy.longest_wait - policy.connect_within - policy.answer_within - 0.05,
        "longest_ms": round((policy.longest_wait - FOR_THE_FALLBACK) * 1000),
        "answer_within": policy.answer_within,
        "look_after": LOOK_AFTER,
        "check_port": engine.check_port,
        "check_within_ms": round(policy.check_within * 1000),
        "check_every_ms": round(policy.check_every * 1000),
        "check_is_late_ms": round(max(5 * policy.check_every, 10) * 1000),
    }
