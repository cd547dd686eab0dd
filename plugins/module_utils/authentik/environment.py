# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of authentik as the variables that the running version reads. No I/O.

Since 2025.8 the worker has processes and threads of its own (WORKER__CONCURRENCY before), and from 2025.10 on authentik
needs no Redis (its release notes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import SERVER, WORKER

Version = tuple[int, ...]
# The first versions with threads of the worker, and without Redis.
WORKER_THREADS_SINCE, NO_REDIS_SINCE = (2025, 8), (2025, 10)
OLD_WORKER = "AUTHENTIK_WORKER__CONCURRENCY"
_BOTH = {
    "conn_max_age": "AUTHENTIK_POSTGRESQL__CONN_MAX_AGE",
    "conn_health_checks": "AUTHENTIK_POSTGRESQL__CONN_HEALTH_CHECKS",
    "cache_timeout_flows": "AUTHENTIK_CACHE__TIMEOUT_FLOWS",
    "cache_timeout_policies": "AUTHENTIK_CACHE__TIMEOUT_POLICIES",
}
_OWN = {
    SERVER: {"web_workers": "AUTHENTIK_WEB__WORKERS", "web_threads": "AUTHENTIK_WEB__THREADS"},
    WORKER: {"worker_processes": "AUTHENTIK_WORKER__PROCESSES", "worker_threads": "AUTHENTIK_WORKER__THREADS"},
}
_OF_WORKER = ("worker_processes", "worker_threads")


def variables(settings: Mapping[str, Any], component: str, version: Version) -> dict[str, str]:
    """Return the environment variables of a component's container that say these settings, by name."""
    names = _BOTH | _OWN[component]
    if version[:2] < WORKER_THREADS_SINCE and component == WORKER:
        names = _BOTH | {"worker_threads": OLD_WORKER}
    return {names[name]: _text(value) for name, value in sorted(settings.items()) if name in names}


def faults(settings: Mapping[str, Any], version: Version) -> Iterator[str]:
    """Yield why settings have no key in the running version, a sentence each."""
    of_worker = [name for name in _OF_WORKER if name in settings]
    if of_worker and not version:
        yield (
            f"settings: {' and '.join(of_worker)} have other keys before and since 2025.8, and the image's tag does "
            "not say which version of authentik runs: name it in version"
        )
    elif "worker_processes" in settings and version[:2] < WORKER_THREADS_SINCE:
        yield (
            f"settings: authentik {dotted(version)} has no worker_processes, which came with 2025.8: give "
            "worker_threads, which is WORKER__CONCURRENCY there"
        )


def notes(names: Sequence[str], version: Version) -> Iterator[str]:
    """Yield which of a workload's variables the running version reads no more."""
    if version[:2] >= WORKER_THREADS_SINCE and OLD_WORKER in names:
        yield f"{OLD_WORKER} is read no more since 2025.8: set worker_threads, and take it away"
    redis = sorted(name for name in names if name.startswith("AUTHENTIK_REDIS__"))
    if version[:2] >= NO_REDIS_SINCE and redis:
        yield f"{', '.join(redis)}: authentik {dotted(version)} needs no Redis and reads this no more"


def as_capacity(settings: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """Return the settings that the arithmetic of connections counts with, by its names."""
    names = {"conn_max_age": "conn_max_age", "web_workers": "server_processes", "web_threads": "server_threads"}
    found = {names[name]: value for name, value in settings.items() if name in names}
    of_worker = {name: settings[name] for name in _OF_WORKER if name in settings}
    if of_worker and version[:2] < WORKER_THREADS_SINCE:
        return found | {"worker_processes": of_worker.get("worker_threads", 1), "worker_threads": 1}
    return found | of_worker


def dotted(version: Version) -> str:
    """Return the version as authentik writes it."""
    return ".".join(map(str, version)) or "of an unknown version"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
