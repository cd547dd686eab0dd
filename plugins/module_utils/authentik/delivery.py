# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brings authentik and its PgBouncer to the desired state: by a release's values, else by patches of what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.chart_release import ChartRelease
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.pod_templates import (
    desired_authentik,
    desired_pool,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.validation import operator_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import helm_release_of, owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import json_patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import HELM
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import helm, values_files

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


@dataclass(frozen=True)
class Delivery:
    """One change of all that differs. ``release`` is authentik's Helm release, ``budget`` the one for its pool."""

    task: Task
    state: ClusterState
    desired: DesiredState
    release: ChartRelease | None
    budget: Object | None

    def findings(self) -> list[str]:
        """Return what stands against it, what Helm or the API server would refuse included: a sentence each."""
        found = list(self.release.findings()) if self.release else []
        found += list(self._owner_faults())
        if self.task.params["render_to"]:
            found = []
        return found or self._refusals()

    def carry_out(self) -> dict[str, Any]:
        """Write it, one workload after the other, each only once the one before is ready again.

        The budget is first: it guards the pods while they roll. Raises the writer's errors, HelmFailed and WaitTimeout.
        """
        writer = self.task.writer()
        written = [_apply_budget(writer, self.budget)]
        for item, wanted in self._patched():
            outcome = writer.patch([patch_of(item, wanted)])
            written.append(outcome)
            if outcome.changed and not self.task.check_mode:
                wait_until_ready(self.task.client, [ref_of(item)], self.task.params["wait_timeout"], self.task.progress)
        changes = [change for outcome in written for change in outcome.changes]
        result = self.task.result_of(Outcome(changes, [each for outcome in written for each in outcome.warnings]))
        return _together(result, self._upgraded(self.release)) if self.release else result

    def _upgraded(self, release: ChartRelease) -> dict[str, Any]:
        if self.task.params["render_to"]:
            values_files.write(self.task, release.plan, HELM)
        return helm.deliver(self.task, ref_of(self.state.parts.server), release.plan)

    def _patched(self) -> list[tuple[Object, Wanted]]:
        """What no release brings along; the server's own is upgraded."""
        of = helm_release_of(self.state.parts.server) if self.release else ""
        found = wanted_states(self.state, self.desired)
        return [(item, wanted) for item, wanted in found if not of or helm_release_of(item) != of]

    def _owner_faults(self) -> Iterator[str]:
        """Those who put back what they did not write themselves, where there is anything to write."""
        for item, wanted in self._patched():
            owner = owner_of(item)
            if owner and json_patch(item, wanted(item)):
                yield (
                    f"delivery: {ref_of(item)} belongs to {owner}, which would undo a change made here: set render_to "
                    "and give it the files"
                )

    def _refusals(self) -> list[str]:
        writer = Writer(self.task.client, check_mode=True)
        try:
            _apply_budget(writer, self.budget)
            writer.patch([patch_of(item, wanted) for item, wanted in self._patched()])
            if self.release and not self.task.params["render_to"]:
                return helm.try_out(self.task, self.release.plan) if self.release.plan.changed else []
        except errors.ResilientError as error:
            return [str(error).rstrip(".")]
        return []


def _together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "changed": one["changed"] or other["changed"],
        "results": [*one["results"], *other["results"]],
        "diff": [*one["diff"], *other["diff"]],
    }


def _apply_budget(writer: Writer, budget: Object | None) -> Outcome:
    return writer.apply([budget]) if budget else Outcome()


def patch_of(item: Object, wanted: Wanted) -> Patch:
    """Return the patch to what is wanted, worked out anew when somebody writes the workload in between."""

    def again(newer: Object) -> Patch | None:
        renewed = patch_of(newer, wanted)
        return renewed if renewed.body else None

    return Patch(item, json_patch(item, wanted(item)), again=again)
