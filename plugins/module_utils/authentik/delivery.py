# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brings authentik and its PgBouncer to the desired state by patches of exactly the fields that differ."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.pod_templates import (
    desired_authentik,
    desired_pool,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.validation import operator_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import json_patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

# Makes of a workload what it is to be.
Wanted = Callable[[Object], Object]


def wanted_states(state: ClusterState, desired: DesiredState) -> list[tuple[Object, Wanted]]:
    """Return the workloads in the order of their rolls, each with what makes it as desired.

    The pool comes first: a server that comes up beside a pool that is rolled finds no database.
    """
    version, pool = state.parts.version, state.parts.pool
    found: list[tuple[Object, Wanted]] = []
    if pool is not None and desired.pool and not operator_of(pool):
        found.append((pool, lambda item: desired_pool(item, desired)))
    for component, workload in state.components.items():
        scaled = ref_of(workload) in state.scaled

        def wanted(item: Object, component: str = component, scaled: bool = scaled) -> Object:
            return desired_authentik(item, component, desired, version, scaled=scaled)

        found.append((workload, wanted))
    return found


def try_out(task: Task, state: ClusterState, desired: DesiredState, budget: Object | None) -> None:
    """Ask the API server whether it would take all of it. Raises Invalid, Forbidden, Conflict."""
    writer = Writer(task.client, check_mode=True)
    _apply_budget(writer, budget)
    writer.patch([patch_of(item, wanted) for item, wanted in wanted_states(state, desired)])


def deliver(task: Task, state: ClusterState, desired: DesiredState, budget: Object | None) -> Outcome:
    """Write it, one workload after the other, each only once the one before is ready again.

    The budget is first: it guards the pods while they roll. Raises the writer's errors and WaitTimeout.
    """
    writer = task.writer()
    written = [_apply_budget(writer, budget)]
    for item, wanted in wanted_states(state, desired):
        outcome = writer.patch([patch_of(item, wanted)])
        written.append(outcome)
        if outcome.changed and not task.check_mode:
            wait_until_ready(task.client, [ref_of(item)], task.params["wait_timeout"], task.progress)
    changes = [change for outcome in written for change in outcome.changes]
    return Outcome(changes, [warning for outcome in written for warning in outcome.warnings])


def _apply_budget(writer: Writer, budget: Object | None) -> Outcome:
    return writer.apply([budget]) if budget else Outcome()


def patch_of(item: Object, wanted: Wanted) -> Patch:
    """Return the patch to what is wanted, worked out anew when somebody writes the workload in between."""

    def again(newer: Object) -> Patch | None:
        renewed = patch_of(newer, wanted)
        return renewed if renewed.body else None

    return Patch(item, json_patch(item, wanted(item)), again=again)
