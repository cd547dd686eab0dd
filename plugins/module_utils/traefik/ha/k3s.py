# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delivers the wishes to k3s: into the HelmChartConfig, from which k3s' own controller upgrades Traefik."""

from __future__ import annotations

import contextlib
import time
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Outcome, Patch
from ansible_collections.resilient.traefik.plugins.module_utils.kube.diagnosis import diagnosis
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import CATTLE, ValuesPlan


class NotCarriedOut(errors.ResilientError):
    """k3s' controller did not bring Traefik to what was written; the message says what became of that."""


def try_out(task: Task, plan: ValuesPlan) -> None:
    """Asks the API server whether it would take it. Raises Invalid, Forbidden."""
    _write(Writer(task.client, check_mode=True), plan)


def deliver(task: Task, situation: Situation, plan: ValuesPlan) -> dict[str, Any]:
    """Writes the HelmChartConfig and waits until the workload has its arguments and is ready.

    Where it is not in time the HelmChartConfig is put back. Raises the writer's, NotCarriedOut.
    """
    try_out(task, plan)
    outcome = _write(task.writer(), plan)
    if outcome.changed and not task.check_mode and task.params["wait"]:
        try:
            _wait(task, situation, plan)
        except errors.ResilientError as error:
            told = f"{error}{_helm_job(task, plan)}"
            raise NotCarriedOut(f"{_taken_back(task, plan)} {told}", **error.facts) from None
    result = task.result_of(outcome)
    # The object's own diff would show all of its values, secrets among them.
    return result | {"diff": [plan.diff()] if outcome.changed else []}


def _write(writer: Writer, plan: ValuesPlan) -> Outcome:
    """Nothing where the values say the same already: their text is somebody's own."""
    if not plan.changed:
        return Outcome()
    text = _text(plan)
    if plan.config_object:
        return writer.patch([Patch(plan.config_object, {"spec": {"valuesContent": text}})])
    return writer.apply([_config(plan.config_ref, text)]) if plan.config_ref else Outcome()


def _text(plan: ValuesPlan) -> str:
    return str(yaml.safe_dump(plan.after, sort_keys=False, width=120, allow_unicode=True))


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

    refs, seconds, began = [situation.workload.ref], task.params["wait_timeout"], time.monotonic()
    wait_until(task.client, refs, seconds, task.progress, lacks, "upgraded by k3s")
    # One time for both.
    wait_until_ready(task.client, refs, max(1.0, seconds - (time.monotonic() - began)), task.progress)


def _taken_back(task: Task, plan: ValuesPlan) -> str:
    """Puts the HelmChartConfig back, unless somebody changed it since. Returns what became of it."""
    ref, former = plan.config_ref, plan.config_object
    if ref is None:
        return ""
    try:
        now = task.client.find(ref)
        if now is None or not _is_ours(now, plan):
            return f"{ref} was changed by somebody else meanwhile and is left as it is."
        if former is None:
            task.writer().delete([ref])
            return f"{ref} is gone again, which k3s carries out by itself."
        task.writer().patch([_patch_back(now, former, plan)])
    except errors.ResilientError as error:
        return f"{ref} keeps the values and could not be put back: {error}"
    return f"{ref} is as it was, which k3s carries out by itself."


def _is_ours(config: Object, plan: ValuesPlan) -> bool:
    return bool((config.get("spec") or {}).get("valuesContent") == _text(plan))


def _patch_back(now: Object, former: Object, plan: ValuesPlan) -> Patch:
    """To the values that it had, owned by whom they were."""
    body = {"spec": {"valuesContent": (former.get("spec") or {}).get("valuesContent")}}
    owners = former["metadata"].get("managedFields") or []

    def again(newer: Object) -> Patch | None:
        return _patch_back(newer, former, plan) if _is_ours(newer, plan) else None

    return Patch(now, body, again=again, owners=lambda _item: owners)


def _helm_job(task: Task, plan: ValuesPlan) -> str:
    """What the Job says that runs helm for k3s, for the end of a message."""
    ref = plan.config_ref
    try:
        chart = task.client.find(ObjectRef(CATTLE, "HelmChart", ref.name, ref.namespace)) if ref else None
    except errors.ResilientError:
        return ""
    job = ((chart or {}).get("status") or {}).get("jobName")
    return diagnosis(task.client, [ObjectRef("batch/v1", "Job", job, ref.namespace)]) if ref and job else ""
