# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the arithmetic of connections needs, out of authentik's and PgBouncer's workloads as they are. No I/O.

The official chart puts all settings into a Secret that pods take as environment. Of a Secret or ConfigMap nothing is
kept but the values of the few settings that count here, none of which is a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.capacity import (
    MODES,
    Component,
    Pool,
    Setup,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import HOST
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of

# Since then the worker has processes and threads of its own, and since then it listens to PostgreSQL in place of Redis.
_WORKER_THREADS, _CHANNELS = (2025, 8), (2025, 10)
_DEFAULTS: dict[str, float | str] = {
    "server_processes": 2,
    "server_threads": 4,
    "worker_processes": 1,
    "worker_threads": 2,
    "conn_max_age": 0,
    "pool_mode": "session",
    "default_pool_size": 20,
    "reserve_pool_size": 0,
    "max_client_conn": 100,
    "query_wait_timeout": 120,
    "max_connections": 100,
    "reserved_connections": 3,
    "other_connections": 0,
}
# Variables of authentik by what they set.
_AUTHENTIK = {
    "AUTHENTIK_WEB__WORKERS": "server_processes",
    "AUTHENTIK_WEB__THREADS": "server_threads",
    "AUTHENTIK_WORKER__PROCESSES": "worker_processes",
    "AUTHENTIK_WORKER__THREADS": "worker_threads",
    "AUTHENTIK_POSTGRESQL__CONN_MAX_AGE": "conn_max_age",
}
_OLD_WORKER = "AUTHENTIK_WORKER__CONCURRENCY"
POOL_SETTINGS = ("pool_mode", "default_pool_size", "reserve_pool_size", "max_client_conn", "query_wait_timeout")
# What images of PgBouncer put before the names of its settings.
_POOL_PREFIXES = ("", "PGBOUNCER_", "PGB_")
_LINE = re.compile(r"^\s*([a-z_]+)\s*=\s*([^;#\n]*)", re.MULTILINE)
WANTED = frozenset(
    (
        *_AUTHENTIK,
        _OLD_WORKER,
        HOST,
        *(f"{prefix}{name.upper()}" for prefix in _POOL_PREFIXES for name in POOL_SETTINGS),
    )
)
REPLICAS = ("server_replicas", "worker_replicas", "pool_replicas")
GIVEN = (*REPLICAS, *_DEFAULTS, "channels")


@dataclass
class Parts:
    """The workloads that count. ``pool`` is None where authentik asks its database without one.

    ``environment`` has the wanted variables by workload, ``files`` the configuration files of the pool.
    """

    server: Object
    worker: Object | None = None
    pool: Object | None = None
    version: tuple[int, ...] = ()
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Sequence[str] = ()


@dataclass
class Reading:
    """The settings by name with where each is from: ``given``, a workload, or ``default``."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, value: Any, source: str) -> None:
        """Keep a value unless there is one that counts more."""
        if name not in self.values:
            self.values[name], self.sources[name] = value, source


def read(parts: Parts, given: Mapping[str, Any]) -> Reading:
    """Return every setting: as it was given, else as the workloads have it, else the program's default.

    Raises BadArgument naming the setting and its source where a value is none of its kind.
    """
    reading = Reading()
    for name, value in given.items():
        if name not in GIVEN:
            raise BadArgument(f"settings.{name}: there is no such setting; there are {', '.join(sorted(GIVEN))}")
        reading.take(name, _parsed(name, value, f"settings.{name}"), "given")
    for name, value, source in _found(parts):
        reading.take(name, _parsed(name, value, f"{source}: {name}"), source)
    reading.take("channels", 1 if parts.version[:2] >= _CHANNELS else 0, f"authentik {_dotted(parts.version)}")
    for name, value in _DEFAULTS.items():
        reading.take(name, value, "default")
    return reading


def setup_of(parts: Parts, reading: Reading) -> Setup:
    """Return what the arithmetic takes."""
    values = reading.values
    has_pool = parts.pool is not None or "pool_replicas" in values
    pool = Pool(
        values.get("pool_replicas", 1),
        values["pool_mode"],
        values["default_pool_size"],
        values["reserve_pool_size"],
        values["max_client_conn"],
        values["query_wait_timeout"],
    )
    server = Component(
        values["server_replicas"], values["server_processes"], values["server_threads"], surge_of(parts.server)
    )
    worker_surge = surge_of(parts.worker) if parts.worker else 1
    worker = Component(
        values.get("worker_replicas", 0), values["worker_processes"], values["worker_threads"], worker_surge
    )
    return Setup(
        server,
        worker,
        kept=values["conn_max_age"] != 0,
        channels=values["channels"],
        pool=pool if has_pool else None,
        max_connections=values["max_connections"],
        reserved=values["reserved_connections"],
        others=values["other_connections"],
    )


def surge_of(workload: Object) -> int:
    """Return how many pods a roll of the workload adds at most before it takes others away."""
    spec = workload["spec"]
    strategy = spec.get("strategy") or {}
    if workload["kind"] != "Deployment" or strategy.get("type") == "Recreate":
        return 0
    surge = (strategy.get("rollingUpdate") or {}).get("maxSurge", "25%")
    if isinstance(surge, int):
        return surge
    return math.ceil(int(surge.removesuffix("%")) * int(spec.get("replicas", 1)) / 100)


def _found(parts: Parts) -> Iterator[tuple[str, Any, str]]:
    """Name, value and source of each setting that the workloads have."""
    for prefix, workload in (("server", parts.server), ("worker", parts.worker), ("pool", parts.pool)):
        if workload is None:
            continue
        name = str(ref_of(workload))
        yield f"{prefix}_replicas", workload["spec"].get("replicas", 1), name
        environment = parts.environment.get(name, {})
        if prefix == "pool":
            yield from _of_pool(parts, environment, name)
            continue
        for variable, setting in _AUTHENTIK.items():
            if variable in environment and not setting.startswith("worker" if prefix == "server" else "server"):
                yield setting, environment[variable], name
        if prefix == "worker" and _OLD_WORKER in environment and parts.version[:2] < _WORKER_THREADS:
            yield "worker_processes", environment[_OLD_WORKER], name
            yield "worker_threads", 1, name


def _of_pool(parts: Parts, environment: Mapping[str, str], name: str) -> Iterator[tuple[str, Any, str]]:
    for setting in POOL_SETTINGS:
        for prefix in _POOL_PREFIXES:
            if f"{prefix}{setting.upper()}" in environment:
                yield setting, environment[f"{prefix}{setting.upper()}"], name
    for text in parts.files:
        for setting, value in _LINE.findall(text):
            if setting in POOL_SETTINGS:
                yield setting, value.strip(), f"{name}, pgbouncer.ini"


def _parsed(name: str, value: Any, where: str) -> Any:
    text = str(value).strip()
    if name == "pool_mode":
        if text.lower() not in MODES:
            raise BadArgument(f"{where}: {text!r} is none of {', '.join(MODES)}")
        return text.lower()
    if name == "conn_max_age":
        return _age(text, where)
    if isinstance(value, bool) or not re.fullmatch(
        r"\d{1,9}(\.\d+)?" if name == "query_wait_timeout" else r"\d{1,9}", text
    ):
        raise BadArgument(f"{where}: {text!r} is no whole number of 0 or more")
    number = float(text) if name == "query_wait_timeout" else int(text)
    if number == 0 and name in (*REPLICAS[:1], "server_processes", "server_threads", "pool_replicas"):
        raise BadArgument(f"{where}: must be at least 1")
    return number


def _age(text: str, where: str) -> float:
    """Return the seconds that a connection is kept, infinity for ever."""
    if text.lower() in ("null", "none", "-1"):
        return math.inf
    if not re.fullmatch(r"\d{0,9}", text):
        raise BadArgument(f"{where}: {text!r} is no number of seconds")
    return float(text or 0)


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version)) or "of an unknown version"
