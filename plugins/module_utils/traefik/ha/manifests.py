# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delivers the wishes to a workload that is written as manifests: exactly the fields that differ."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import json_patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha import pods
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import Wishes


def try_out(task: Task, situation: Situation, wishes: Wishes) -> None:
    """Asks the API server whether it would take it all. Raises Invalid, Forbidden, Conflict."""
    _write(Writer(task.client, check_mode=True), situation, wishes)


def deliver(task: Task, situation: Situation, wishes: Wishes) -> Outcome:
    """Writes it once all of it would be taken, and waits until every replica runs with it.

    Raises the writer's errors and WaitTimeout.
    """
    try_out(task, situation, wishes)
    outcome = _write(task.writer(), situation, wishes)
    if outcome.changed and not task.check_mode:
        wait_until_ready(task.client, [situation.workload.ref], task.params["wait_timeout"], task.progress)
    return outcome


def _write(writer: Writer, situation: Situation, wishes: Wishes) -> Outcome:
    """The budget first: it also guards the pods while they roll, against drains at the same time."""
    written = []
    if wishes.min_available and situation.budgets:
        written.append(writer.patch([_patch_budget(situation.budgets[0], wishes)]))
    elif wishes.min_available:
        written.append(writer.apply([pods.new_budget(situation.item, wishes)]))
    written.append(writer.patch([_patch_workload(situation.item, situation.container, wishes)]))
    changes = [change for outcome in written for change in outcome.changes]
    return Outcome(changes, [warning for outcome in written for warning in outcome.warnings])


def _patch_workload(item: Object, container: str, wishes: Wishes) -> Patch:
    """Worked out anew when somebody writes the workload in between, which controllers do all the time."""

    def again(newer: Object) -> Patch | None:
        renewed = _patch_workload(newer, container, wishes)
        return renewed if renewed.body else None

    return Patch(item, json_patch(item, pods.with_wishes(item, container, wishes)), again=again)


def _patch_budget(item: Object, wishes: Wishes) -> Patch:
    def again(newer: Object) -> Patch | None:
        renewed = _patch_budget(newer, wishes)
        return renewed if renewed.body else None

    return Patch(item, json_patch(item, pods.with_budget(item, wishes)), again=again)
