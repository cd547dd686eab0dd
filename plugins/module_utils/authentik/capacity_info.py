# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module authentik_capacity_info: whether authentik's connections fit its pool and its database."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity_reading as reading
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_reader import read_authentik
from ansible_collections.resilient.traefik.plugins.module_utils.drill.verdict import DEVIATED, INCONCLUSIVE, PASSED
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str", "default": ""},
    "settings": {"type": "dict", "default": {}, "no_log": False},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
}


def run(task: Task) -> dict[str, Any]:
    """Read, count and judge. Raises BadArgument, Forbidden (workloads, Services), Unreachable."""
    found = read_authentik(task.client, task.params["namespace"], task.params["cluster_domain"])
    parts, unread = found.parts, found.unread
    settings = reading.read(parts, task.params["settings"])
    setup = reading.setup_of(parts, settings)
    faults = capacity.faults_of(setup)
    assumed = sorted(name for name, source in settings.sources.items() if source == "default" and _counts(name, setup))
    return {
        "changed": False,
        "verdict": DEVIATED if faults else INCONCLUSIVE if unread and assumed else PASSED,
        "findings": faults,
        "remedies": capacity.remedies_of(setup),
        "need": asdict(capacity.need_of(setup)),
        "settings": {name: _shown(value) for name, value in settings.values.items()},
        "sources": settings.sources,
        "assumed": assumed,
        "unread": unread,
    }


def _counts(name: str, setup: capacity.Setup) -> bool:
    return setup.pool is not None or name not in reading.POOL_SETTINGS


def _shown(value: Any) -> Any:
    return "for ever" if value == math.inf else value
