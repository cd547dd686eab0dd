# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module traefik_settings: judges the wishes, then delivers them the way the cluster is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import verified
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import HELM, K3S, MANIFEST
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import helm, k3s, manifests, values_files
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.addresses import address_notes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.findings import findings
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation, situation_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import (
    ValuesPlan,
    plan_values,
    refused_values,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.verification import checks
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import WISHES, Wishes
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload

AUTO = "auto"
OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str"},
    "workload": {"type": "str"},
    "delivery": {"type": "str", "choices": [AUTO, HELM, K3S, MANIFEST], "default": AUTO},
    "only_findings": {"type": "bool", "default": False},
    "verify": {"type": "bool", "default": False},
    **WISHES,
    "values": {"type": "dict", "default": {}},
    "values_schema": {"type": "path"},
    "helm_binary": {"type": "path"},
    "helm_chart": {"type": "str"},
    "helm_chart_version": {"type": "str"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def run(task: Task) -> dict[str, Any]:
    """Judges, then delivers, or only one of them, or verifies. Raises ResilientError with all findings or checks, and
    what the delivery raises.
    """
    wishes = Wishes.of(task.params)
    if task.params["verify"]:
        return _verified(task, wishes)
    only = task.params["only_findings"]
    try:
        workload = find_workload(task.client, task.params["namespace"], task.params["workload"])
        situation = _as_asked(task, situation_of(task.client, workload))
        plan = _values_plan(task, situation, wishes)
    except errors.ResilientError as error:
        if not only:
            raise
        return {"changed": False, "findings": [*wishes.faults(), str(error)], "notes": []}
    found = findings(situation, wishes, task.params["values"], bool(task.params["render_to"]))
    found = found or _tried(task, situation, wishes, plan)
    facts = {"findings": found, "delivery": situation.delivery.as_dict(), "workload": workload.ref.as_dict()}
    if only:
        return {"changed": False, "notes": _notes(task, situation)} | facts
    if found:
        raise errors.NothingChanged(found)
    return _delivered(task, situation, wishes, plan) | facts | {"notes": _notes(task, situation)}


def _notes(task: Task, situation: Situation) -> list[str]:
    """What is worth knowing and stands against nothing, also as warnings. As it is now: after what was delivered."""
    found = address_notes(task.client, situation.item)
    task.warnings.extend(found)
    return found


def _verified(task: Task, wishes: Wishes) -> dict[str, Any]:
    """What came of the checks, once they pass or the time is over: budgets are counted some moments after a roll."""
    notes: list[str] = []

    def look() -> list[Check]:
        workload = find_workload(task.client, task.params["namespace"], task.params["workload"])
        refs = [ObjectRef("v1", "Pod", replica.name, replica.namespace) for replica in workload.replicas]
        pods = [pod for pod in task.client.concurrently(task.client.find, refs) if pod]
        situation = situation_of(task.client, workload)
        notes[:] = notes or _notes(task, situation)
        return checks(situation, wishes, pods)

    return verified(look, task.params["wait_timeout"], errors.ResilientError, task.progress) | {"notes": notes}


def _as_asked(task: Task, situation: Situation) -> Situation:
    """With the delivery that the task names, in the place of the one that was found."""
    asked, found = task.params["delivery"], situation.delivery
    if asked not in (AUTO, found.kind):
        release = found.release or situation.workload.ref.name
        namespace = found.namespace or situation.workload.ref.namespace
        chart = found.helm_chart or f"{namespace}/{release}"
        situation.delivery = replace(found, kind=asked, release=release, namespace=namespace, helm_chart=chart)
    return situation


def _values_plan(task: Task, situation: Situation, wishes: Wishes) -> ValuesPlan | None:
    if situation.delivery.kind == MANIFEST:
        return None
    return plan_values(task.client, situation, wishes, task.params["values"])


def _tried(task: Task, situation: Situation, wishes: Wishes, plan: ValuesPlan | None) -> list[str]:
    """What the chart's schema, Helm or the API server would refuse, a missing permission included."""
    try:
        if plan is None:
            manifests.try_out(task, situation, wishes)
            return []
        refused = refused_values(plan, task.params["values_schema"])
        if refused or (situation.delivery.kind == HELM and task.params["render_to"]):
            return refused
        if situation.delivery.kind == HELM:
            return helm.try_out(task, plan)
        k3s.try_out(task, plan)
    except errors.ResilientError as error:
        return [str(error).rstrip(".")]
    return []


def _delivered(task: Task, situation: Situation, wishes: Wishes, plan: ValuesPlan | None) -> dict[str, Any]:
    if plan is None:
        return task.result_of(manifests.deliver(task, situation, wishes))
    if task.params["render_to"]:
        values_files.write(task, plan, situation.delivery.kind)
    if situation.delivery.kind == HELM:
        return helm.deliver(task, situation.workload.ref, plan)
    return k3s.deliver(task, situation, plan)
