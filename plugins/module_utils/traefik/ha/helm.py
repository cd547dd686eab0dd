# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delivers the wishes to a Helm release: its own values with ours worked in, its own chart, one upgrade."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Journal
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_program import (
    Helm,
    HelmFailed,
    find_helm,
    helm_on,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import StoredRelease, chart_files
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import ValuesPlan


@dataclass(frozen=True)
class _Upgrade:
    """One upgrade of a release, as it is tried and then done."""

    task: Task
    helm: Helm
    stored: StoredRelease
    arguments: tuple[str, ...]
    values: Mapping[str, Any]

    def run(self, *more: str) -> str:
        return self.helm.run(
            *("upgrade", self.stored.name, *self.arguments, *more),
            values=self.values,
            seconds=self.task.params["wait_timeout"],
        )


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


def deliver(task: Task, situation: Situation, plan: ValuesPlan) -> dict[str, Any]:
    """Upgrades the release and waits. What fails is rolled back by Helm. Raises HelmFailed, WaitTimeout."""
    stored = plan.stored
    result: dict[str, Any] = {"changed": plan.changed, "results": [], "diff": [plan.diff()] if plan.changed else []}
    if task.check_mode or not plan.changed or stored is None:
        return result
    with _upgrade(task, plan, stored, find_helm(task.params["helm_binary"])) as upgrade:
        _record(task, stored, json.loads(upgrade.run("--dry-run=server", "--output=json"))["manifest"])
        if task.fence:
            # Helm writes by itself.
            task.fence.check()
        task.progress(f"upgrading {plan.subject}")
        try:
            upgrade.run("--atomic", f"--timeout={task.params['wait_timeout']}s")
        except HelmFailed as error:
            # Helm's own rollback is a revision more.
            _record_absent(task, _revision(stored, 2))
            raise HelmFailed(f"{plan.subject} is as it was: the upgrade failed and was rolled back. {error}") from None
    wait_until_ready(task.client, [situation.workload.ref], task.params["wait_timeout"], task.progress)
    return result


@contextlib.contextmanager
def _upgrade(task: Task, plan: ValuesPlan, stored: StoredRelease, program: str) -> Iterator[_Upgrade]:
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
        yield _Upgrade(task, helm, stored, arguments, plan.after)


# --- the journal -------------------------------------------------------------------------------------------------


def _record(task: Task, stored: StoredRelease, manifest: str) -> None:
    """Keeps the whole states of all objects that the upgrade may write, the release's own Secrets among them."""
    if not task.params.get("run_id"):
        return
    journal = Journal(task.client, task.params["run_id"])
    own = ObjectRef("v1", "Secret", stored.secret, stored.namespace)
    refs = {own, _revision(stored, 1), *_objects(task.client, stored, stored.manifest)}
    todo = journal.unrecorded(sorted(refs | set(_objects(task.client, stored, manifest))))
    states = task.client.concurrently(task.client.find, todo)
    journal.record_states(zip(todo, states, strict=True))


def _record_absent(task: Task, ref: ObjectRef) -> None:
    if task.params.get("run_id"):
        Journal(task.client, task.params["run_id"]).record_states([(ref, None)])


def _revision(stored: StoredRelease, ahead: int) -> ObjectRef:
    """The Secret of a revision that is still to come."""
    prefix = stored.secret.rpartition(".v")[0]
    return ObjectRef("v1", "Secret", f"{prefix}.v{stored.revision + ahead}", stored.namespace)


def _objects(client: Client, stored: StoredRelease, manifest: str) -> Iterable[ObjectRef]:
    for item in yaml.safe_load_all(manifest):
        if item:
            ref = ref_of(item)
            namespaced = client.resource(ref.api_version, ref.kind).namespaced
            place = (ref.namespace or stored.namespace) if namespaced else ""
            yield ObjectRef(ref.api_version, ref.kind, ref.name, place)
