# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delivers the wishes to a Helm release: its own values with ours worked in, its own chart, one upgrade.

Helm's own waiting (--wait, --atomic) is not used. It also waits for the address of each LoadBalancer Service, which may
never come while all pods are ready, and says nothing meanwhile.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import WORKLOADS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_program import (
    HelmFailed,
    find_helm,
    helm_on,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_revisions import (
    newest_revision,
    objects_of,
    record_upgrade,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_upgrade import Upgrade, take_back
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import StoredRelease, chart_files
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import ValuesPlan


def try_out(task: Task, plan: ValuesPlan) -> list[str]:
    """What stands against an upgrade, Helm's own words of a server-side dry run included: a sentence each."""
    program = find_helm(task.params["helm_binary"])
    if not program:
        return [
            f"helm_binary: there is no {task.params['helm_binary'] or 'helm'} on the machine that runs the task: "
            "install Helm 3 there, or name it"
        ]
    if plan.stored is None:
        return [f"delivery: {plan.subject} has no Secret to be upgraded from: was it rendered? Set render_to"]
    if not plan.changed:
        return []
    try:
        with _upgrade(task, plan, plan.stored, program) as upgrade:
            upgrade.run("--dry-run=server")
    except errors.ResilientError as error:
        return [str(error).rstrip(".")]
    return []


def deliver(task: Task, workload: ObjectRef, plan: ValuesPlan) -> dict[str, Any]:
    """Upgrades the workload's release and waits until its pods are ready. Where they are not in time it is rolled back.

    Raises HelmFailed saying what was awaited, what the pods say and what the release is now; WaitTimeout.
    """
    stored, client = plan.stored, task.client
    result: dict[str, Any] = {"changed": plan.changed, "results": [], "diff": [plan.diff()] if plan.changed else []}
    if task.check_mode or stored is None:
        return result
    if not plan.changed:
        _wait_for_a_former_run(task, workload, plan, stored)
        return result
    with _upgrade(task, plan, stored, find_helm(task.params["helm_binary"])) as upgrade:
        manifest = json.loads(upgrade.run("--dry-run=server", "--output=json"))["manifest"]
        newest = newest_revision(client, stored).revision
        record_upgrade(task, stored, newest, manifest)
        awaited = _awaited(client, workload, objects_of(client, stored, manifest))
        if task.fence:
            # Helm writes by itself.
            task.fence.check()
        task.progress(f"upgrading {plan.subject}")
        try:
            # The time is that of the chart's hooks.
            upgrade.run(f"--timeout={task.params['wait_timeout']}s")
            wait_until_ready(client, awaited, task.params["wait_timeout"], task.progress)
        except errors.ResilientError as error:
            former = set(objects_of(client, stored, stored.manifest))
            before = [workload, *(ref for ref in awaited[1:] if ref in former)]
            raise HelmFailed(take_back(upgrade, plan, newest, before, error), **error.facts) from None
    return result


def _wait_for_a_former_run(task: Task, workload: ObjectRef, plan: ValuesPlan, stored: StoredRelease) -> None:
    """A run that was killed while it waited leaves the values in a release that may never become ready."""
    try:
        wait_until_ready(task.client, [workload], task.params["wait_timeout"], task.progress)
    except errors.WaitTimeout as error:
        raise errors.WaitTimeout(
            f"{plan.subject} has these values already (revision {stored.revision}, {stored.status}), so nothing was "
            f"changed, and it is not ready. The rollback of the run that set them takes them back. {error}",
            **error.facts,
        ) from None


def _awaited(client: Client, workload: ObjectRef, refs: Iterable[ObjectRef]) -> list[ObjectRef]:
    """The workload first, and the release's others but for those that are not ready before the upgrade."""
    others = sorted({ref for ref in refs if ref.kind in WORKLOADS and ref != workload})
    states = client.concurrently(client.find, others)
    pairs = zip(others, states, strict=True)
    return [workload, *(ref for ref, item in pairs if item is None or not readiness.missing(item))]


@contextlib.contextmanager
def _upgrade(task: Task, plan: ValuesPlan, stored: StoredRelease, program: str) -> Iterator[Upgrade]:
    chart, version = task.params["helm_chart"], task.params["helm_chart_version"]
    with helm_on(task.params, program) as helm:
        place = chart or str(helm.chart_folder(chart_files(stored.chart)))
        values = helm.values_file(plan.after)
        arguments = (
            place,
            *([f"--version={version}"] if chart and version else []),
            f"--namespace={stored.namespace}",
            f"--values={values}",
            "--reset-values",
            # The owner's next upgrade prunes the history again: a rollback of this run needs all of it.
            "--history-max=0",
            "--description=resilient.traefik",
        )
        yield Upgrade(task, helm, stored, arguments, plan.after)
