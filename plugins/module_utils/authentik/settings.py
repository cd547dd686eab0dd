# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module authentik_settings: judges what is asked for and delivers it, or does one of them, or verifies."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import delivery
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.chart_release import chart_release
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import (
    ClusterState,
    cluster_state,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import (
    OPTIONS as DESIRED,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.pool_budget import advise_pool, wish_of
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.validation import judge
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.verification import Verifier
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.proof.verifying import verified
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str", "default": ""},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "version": {"type": "str", "default": ""},
    "only_findings": {"type": "bool", "default": False},
    "verify": {"type": "bool", "default": False},
    **DESIRED,
    "capacity": {"type": "dict", "default": {}},
    "helm_binary": {"type": "path"},
    "helm_chart": {"type": "str"},
    "helm_chart_version": {"type": "str"},
    "wait_timeout": {"type": "int", "default": 300},
}


def run(task: Task) -> dict[str, Any]:
    """Judge, then deliver, or only one of them, or verify. Raises ResilientError with all findings or checks."""
    desired = DesiredState.of(task.params)
    if task.params["verify"]:
        return _verified(task, desired)
    only = task.params["only_findings"]
    try:
        state = _state(task)
        judgement = judge(state, desired, task.params["capacity"])
        budget = advise_pool(state, desired)
        release = chart_release(task.client, state, desired)
        change = delivery.Delivery(task, state, desired, release, budget.budget)
        # What does not add up is not tried out.
        findings = [*judgement.findings, *budget.findings] or change.findings()
    except errors.ResilientError as error:
        if not only:
            raise
        return {"changed": False, "findings": [*desired.faults(), str(error).rstrip(".")], "notes": [], "replicas": {}}
    facts = {
        "findings": findings,
        "notes": [*judgement.notes, *budget.notes, *(release.notes() if release else [])],
        "need": asdict(judgement.need) if judgement.need else {},
        "replicas": _replicas(state, desired),
        "workloads": [ref_of(item).as_dict() for item, _wanted in delivery.wanted_states(state, desired)],
    }
    if only:
        return {"changed": False} | facts
    if findings:
        raise errors.NothingChanged(findings)
    return change.carry_out() | facts


def _state(task: Task) -> ClusterState:
    params = task.params
    return cluster_state(task.client, params["namespace"], params["cluster_domain"], _version(params["version"]))


def _version(text: str) -> tuple[int, ...]:
    """Return the version that was named, empty for none. Raises BadArgument."""
    if text and not re.fullmatch(r"\d{4}\.\d{1,2}(\.\d{1,3})?", text):
        raise errors.BadArgument(f"version: {text!r} is none of authentik's, such as 2025.8.4")
    return tuple(int(part) for part in text.split(".")) if text else ()


def _replicas(state: ClusterState, desired: DesiredState) -> dict[str, int]:
    """Return how many replicas each component will have."""
    wanted = {item["metadata"]["uid"]: make(item) for item, make in delivery.wanted_states(state, desired)}
    return {
        name: int(wanted[item["metadata"]["uid"]]["spec"].get("replicas", 1)) for name, item in state.components.items()
    }


def _verified(task: Task, desired: DesiredState) -> dict[str, Any]:
    """Check until all hold or the time is over: budgets are counted some moments after a roll."""
    wish = wish_of(desired)

    def look() -> list[Check]:
        return Verifier(task.client, _state(task), desired, wish).checks()

    return verified(look, task.params["wait_timeout"], errors.ResilientError, task.progress)
