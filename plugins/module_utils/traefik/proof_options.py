# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of modules that prove what Traefik has loaded. Documented in doc_fragments/proof.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.loaded import AUTO, METHODS, Prover
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload, find_workload

PROOF_OPTIONS: dict[str, dict[str, Any]] = {
    "traefik": {"type": "dict", "options": {"namespace": {"type": "str"}, "workload": {"type": "str"}}},
    "proof": {"type": "str", "choices": list(METHODS), "default": AUTO},
    "open_api": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
}


def chosen_workload(task: Task) -> Workload:
    """The Traefik that the task is about. Raises BadArgument when there is none, or more than one."""
    given = task.params["traefik"] or {}
    return find_workload(task.client, given.get("namespace"), given.get("workload"))


def prover(task: Task, workload: Workload) -> Prover:
    """Proves as the task's options say."""
    return Prover(
        client=task.client,
        workload=workload,
        method=task.params["proof"],
        open_api=task.params["open_api"],
        seconds=task.params["wait_timeout"],
        progress=task.progress,
    )
