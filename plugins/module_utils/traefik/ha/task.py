# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module traefik_settings: judges the wishes, then delivers them the way the cluster is run."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import HELM, K3S, MANIFEST
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import manifests
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.findings import findings
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation, situation_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import WISHES, Wishes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload

AUTO = "auto"
OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str"},
    "workload": {"type": "str"},
    "delivery": {"type": "str", "choices": [AUTO, HELM, K3S, MANIFEST], "default": AUTO},
    "only_findings": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    **WISHES,
}


def run(task: Task) -> dict[str, Any]:
    """Judges, then delivers. Raises ResilientError with all findings, and what the delivery raises."""
    wishes = Wishes.of(task.params)
    only = task.params["only_findings"]
    try:
        workload = find_workload(task.client, task.params["namespace"], task.params["workload"])
    except errors.ResilientError as error:
        if only:
            return {"changed": False, "findings": [*wishes.faults(), str(error)]}
        raise
    situation = situation_of(task.client, workload)
    found = findings(situation, wishes, bool(task.params["render_to"]))
    found = found or _tried(task, situation, wishes)
    facts = {"findings": found, "delivery": situation.delivery.as_dict(), "workload": workload.ref.as_dict()}
    if only:
        return {"changed": False} | facts
    if found:
        raise errors.ResilientError("nothing was changed. " + " ".join(f"{each}." for each in found), findings=found)
    return task.result_of(manifests.deliver(task, situation, wishes)) | facts


def _tried(task: Task, situation: Situation, wishes: Wishes) -> list[str]:
    """What the API server would refuse, a missing permission included."""
    try:
        manifests.try_out(task, situation, wishes)
    except errors.ResilientError as error:
        return [str(error).rstrip(".")]
    return []
