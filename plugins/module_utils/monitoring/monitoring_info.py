# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module monitoring_info: what a cluster has for monitoring, and what alerts are to be about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Server
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import (
    STACK_OPTIONS,
    Stack,
    find_stack,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.subjects import targets
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload

_TRAEFIK = "traefik.io/v1alpha1"
OPTIONS: dict[str, dict[str, Any]] = {
    **STACK_OPTIONS,
    "traefik_namespace": {"type": "str"},
    "traefik_name": {"type": "str"},
    "planned_proxies": {"type": "list", "elements": "dict", "default": []},
}


def run(task: Task) -> dict[str, Any]:
    """What is there; what cannot be told is a finding. Raises Forbidden, Unreachable."""
    stack = find_stack(task.client, task.params)
    findings: list[str] = []
    traefik: dict[str, str] = {}
    try:
        workload = find_workload(task.client, task.params["traefik_namespace"], task.params["traefik_name"])
        traefik = {"namespace": workload.ref.namespace, "name": workload.ref.name, "kind": workload.ref.kind}
    except errors.BadArgument as error:
        findings.append(f"traefik_{str(error).replace('workload: ', 'name: ', 1)}".rstrip("."))
    return {
        "changed": False,
        "findings": findings,
        "facts": {"traefik": traefik, "targets": _targets(task, traefik.get("namespace", ""))},
        "present": stack.is_there,
        "prometheus": _shown(stack, stack.prometheus),
        "alertmanagers": _shown(stack, stack.alertmanagers),
        "vmalerts": _shown(stack, stack.vmalerts),
        "rule_kinds": sorted(stack.rule_kinds),
        "missing": stack.faults,
    }


def _shown(stack: Stack, servers: Sequence[Server]) -> list[dict[str, Any]]:
    return [server.as_dict() | {"helm_release": stack.release_of(server)} for server in servers]


def _targets(task: Task, traefik_namespace: str) -> list[dict[str, str]]:
    (middlewares,) = read_all(task.client, [Query(_TRAEFIK, "Middleware")])
    if middlewares.status == "forbidden":
        raise errors.Forbidden(middlewares.message, status=403, reason="Forbidden", causes=[])
    services, deployments = read_found(task.client, [Query("v1", "Service"), Query("apps/v1", "Deployment")])
    by_place = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in services.items}
    planned = task.params["planned_proxies"]
    return targets(middlewares.items, by_place, deployments.items, planned, traefik_namespace=traefik_namespace)
