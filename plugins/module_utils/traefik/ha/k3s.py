# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delivers the wishes to k3s: into the HelmChartConfig, from which k3s' own controller upgrades Traefik."""

from __future__ import annotations

import contextlib
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import CATTLE, ValuesPlan


def try_out(task: Task, plan: ValuesPlan) -> None:
    """Asks the API server whether it would take it. Raises Invalid, Forbidden."""
    _write(Writer(task.client, check_mode=True), plan)


def deliver(task: Task, situation: Situation, plan: ValuesPlan) -> dict[str, Any]:
    """Writes the HelmChartConfig and waits until the workload has its arguments. Raises the writer's, WaitTimeout."""
    try_out(task, plan)
    outcome = _write(task.writer(), plan)
    if outcome.changed and not task.check_mode and task.params["wait"]:
        _wait(task, situation, plan)
    result = task.result_of(outcome)
    # The object's own diff would show all of its values, secrets among them.
    return result | {"diff": [plan.diff()] if outcome.changed else []}


def _write(writer: Writer, plan: ValuesPlan) -> Outcome:
    """Nothing where the values say the same already: their text is somebody's own."""
    if not plan.changed:
        return Outcome()
    text = yaml.safe_dump(plan.after, sort_keys=False, width=120, allow_unicode=True)
    if plan.config_object:
        return writer.patch([Patch(plan.config_object, {"spec": {"valuesContent": text}})])
    return writer.apply([_config(plan.config_ref, text)]) if plan.config_ref else Outcome()


def _config(ref: ObjectRef, text: str) -> Object:
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": CATTLE, "kind": "HelmChartConfig", "metadata": metadata, "spec": {"valuesContent": text}}


def _wait(task: Task, situation: Situation, plan: ValuesPlan) -> None:
    wanted = set(plan.wished["additionalArguments",])

    def lacks(item: Object | None) -> str:
        containers = item["spec"]["template"]["spec"]["containers"] if item else []
        given = {argument for each in containers for argument in each.get("args") or []}
        missing = sorted(wanted - given)
        return f"the helm controller has not brought {missing[0]} yet" if missing else ""

    refs = [situation.workload.ref]
    wait_until(task.client, refs, task.params["wait_timeout"], task.progress, lacks, "upgraded by k3s")
    wait_until_ready(task.client, refs, task.params["wait_timeout"], task.progress)
