# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands against a desired state of authentik, and what is worth knowing of it. No I/O.

A finding refuses the change and begins with the option that it is about; a note refuses nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    from kubernetes.utils.quantity import parse_quantity

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity, environment
from ansible_collections.resilient.traefik.plugins.module_utils.authentik import capacity_reading as reading
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import (
    DO_NOT_SCHEDULE,
    DesiredState,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.pod_templates import (
    authentik_container,
    pool_container,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import SERVER, WORKER
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of

# What a gunicorn worker of authentik takes once it has loaded the application. Measured by operators, not promised.
WORKER_MEBIBYTES = 500
_MEBIBYTE = Decimal(1024**2)


@dataclass
class Judgement:
    """Sentences: ``findings`` refuse, ``notes`` do not. ``need`` counts connections, see capacity.Need."""

    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    need: capacity.Need | None = None


def judge(state: ClusterState, desired: DesiredState, given: Mapping[str, Any]) -> Judgement:
    """Return all that is found, at once. ``given`` are settings of pool and database that may not be found.

    Raises BadArgument for a setting that is none.
    """
    judgement = Judgement([*desired.faults(), *environment.faults(desired.settings, state.parts.version)])
    if not judgement.findings:
        _judge_connections(judgement, state, desired, given)
    judgement.findings += [*_memory_faults(state, desired), *_node_faults(state, desired)]
    judgement.notes += [*_scale_notes(state, desired), *_variable_notes(state), *_pool_notes(state, desired)]
    return judgement


# --- connections -----------------------------------------------------------------------------------------------------


def _judge_connections(
    judgement: Judgement, state: ClusterState, desired: DesiredState, given: Mapping[str, Any]
) -> None:
    """Refuse what does not fit, unless it is as it was: what nobody asked to change is told, and refuses nothing."""
    parts, unread = state.parts, state.authentik.unread
    wanted = dict(given) | _replicas(state, desired) | environment.as_capacity(desired.settings, parts.version)
    settings = reading.read(parts, wanted)
    before, after = reading.setup_of(parts, reading.read(parts, given)), reading.setup_of(parts, settings)
    judgement.need = capacity.need_of(after)
    told = [f"settings: {each}" for each in capacity.faults_of(after)]
    remedies = capacity.remedies_of(after)
    if told and remedies:
        told[-1] += f". Each of these alone would do: {'; '.join(remedies)}"
    assumed = [name for name, source in settings.sources.items() if source == "default"]
    if told and "max_connections" in assumed:
        judgement.notes.append(f"max_connections is taken to be {after.max_connections}: name it in capacity")
    if not told and unread and before != after:
        told = [
            f"capacity: {', '.join(unread)} may not be read, so whether the connections fit cannot be counted: give "
            f"{', '.join(assumed)} in capacity, or the right to get these"
        ]
    (judgement.notes if before == after else judgement.findings).extend(told)
    judgement.notes += _database_notes(state)


def _replicas(state: ClusterState, desired: DesiredState) -> dict[str, int]:
    wanted = {SERVER: desired.server_replicas, WORKER: desired.worker_replicas}
    return {
        f"{name}_replicas": max(wanted[name], int(item["spec"].get("replicas", 1)))
        for name, item in state.components.items()
        if ref_of(item) not in state.scaled
    }


def _database_notes(state: ClusterState) -> list[str]:
    found = state.authentik
    if not found.host:
        return ["authentik's database is named in nothing that may be read, so no pool was looked for"]
    if not found.inside:
        return [
            f"authentik's database {found.host} is outside of the cluster: nothing is known of its limits or a pool"
        ]
    return []


# --- memory ----------------------------------------------------------------------------------------------------------


def _memory_faults(state: ClusterState, desired: DesiredState) -> Iterator[str]:
    """More workers than memory: the kernel ends one, and with it every request of its pod."""
    name = "settings: web_workers" if "web_workers" in desired.settings else "server_resources: web.workers"
    if "web_workers" not in desired.settings and not _limit(desired.server_resources):
        return
    container = authentik_container(state.parts.server["spec"]["template"]["spec"]["containers"], SERVER)
    text = _limit(desired.server_resources) or _limit(container.get("resources") or {})
    workers = desired.settings.get("web_workers") or reading.read(state.parts, {}).values["server_processes"]
    if not text:
        return
    try:
        limit = parse_quantity(text) / _MEBIBYTE
    except ValueError as error:
        yield f"server_resources: memory {text!r} is no quantity: {error}"
        return
    if workers * WORKER_MEBIBYTES > limit:
        yield (
            f"{name} {workers} of about {WORKER_MEBIBYTES} MiB each need {workers * WORKER_MEBIBYTES} MiB, and the "
            f"memory limit of {ref_of(state.parts.server)} is {text}: {int(limit) // WORKER_MEBIBYTES} fit; raise the "
            "limit by server_resources first"
        )


def _limit(resources: Mapping[str, Any]) -> str:
    return str((resources.get("limits") or {}).get("memory") or "")


# --- where the pods run ----------------------------------------------------------------------------------------------


def _node_faults(state: ClusterState, desired: DesiredState) -> Iterator[str]:
    if desired.when_unsatisfiable != DO_NOT_SCHEDULE or state.nodes is None:
        return
    if not state.nodes:
        yield f"when_unsatisfiable: no node takes the pods of {ref_of(state.parts.server)}"


# --- notes -----------------------------------------------------------------------------------------------------------


def _scale_notes(state: ClusterState, desired: DesiredState) -> Iterator[str]:
    for item in state.components.values():
        if ref_of(item) in state.scaled:
            yield f"{ref_of(item)} is scaled by an autoscaler, so its replicas are left to that: see its minReplicas"
    if WORKER not in state.components and desired.worker_replicas:
        yield "there is no Deployment of authentik's worker, so nothing was done about one"


def _variable_notes(state: ClusterState) -> Iterator[str]:
    if not state.parts.version:
        yield (
            "which version of authentik runs is said neither by its image's tag nor by its chart's label: connections "
            "that listen, since 2025.10, are not counted; name it in version"
        )
    for component, item in state.components.items():
        container = authentik_container(item["spec"]["template"]["spec"]["containers"], component)
        names = [entry["name"] for entry in container.get("env") or []]
        yield from (f"{ref_of(item)}: {each}" for each in environment.notes(names, state.parts.version))


def _pool_notes(state: ClusterState, desired: DesiredState) -> Iterator[str]:
    pool = state.parts.pool
    if pool is None or not desired.pool:
        return
    if operator := operator_of(pool):
        yield f"{ref_of(pool)} is made by {operator}, which has its pods: set probes and resources there"
    limits = (pool_container(pool["spec"]["template"]["spec"]["containers"]).get("resources") or {}).get("limits") or {}
    given = desired.pool_resources.get("limits") or {}
    for each in state.limit_ranges:
        defaults = _default_limits(each)
        caps = {name: value for name, value in defaults.items() if name not in {*limits, *given}}
        if caps:
            listed = ", ".join(f"{name} {value}" for name, value in sorted(caps.items()))
            yield f"{ref_of(each)} limits PgBouncer's container to {listed}, which nobody gave it: name pool_resources"


def operator_of(pool: Object) -> str:
    """Return the object of an operator that makes the pool's workload, in words, empty where there is none."""
    owners = pool["metadata"].get("ownerReferences") or []
    return next((f"{each['kind']} {each['name']}" for each in owners if each.get("controller")), "")


def _default_limits(limit_range: Object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in limit_range["spec"].get("limits") or []:
        found |= (each.get("default") or {}) if each.get("type") == "Container" else {}
    return found
