# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One upgrade of a Helm release, and the way back from one that does not get ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.fence import LockLost
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_program import Helm
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.helm_revisions import (
    newest_revision,
    record_rollback,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import StoredRelease
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import ValuesPlan


@dataclass(frozen=True)
class Upgrade:
    """One upgrade of a release, as it is tried and then done. ``stored`` is the revision to go back to."""

    task: Task
    helm: Helm
    stored: StoredRelease
    arguments: tuple[str, ...]
    values: Mapping[str, Any]

    def run(self, *more: str) -> str:
        """What helm upgrade prints. Raises HelmFailed."""
        return self._run("upgrade", self.stored.name, *self.arguments, *more)

    def undo(self) -> str:
        """Makes a revision that is what ``stored`` was, without waiting. Raises HelmFailed."""
        stored = self.stored
        place, seconds = f"--namespace={stored.namespace}", self.task.params["wait_timeout"]
        return self._run(
            "rollback", stored.name, str(stored.revision), place, "--history-max=0", f"--timeout={seconds}s"
        )

    def _run(self, *arguments: str) -> str:
        seconds = self.task.params["wait_timeout"]
        return self.helm.run(*arguments, values=self.values, seconds=seconds, told=self.task.progress)


def take_back(
    upgrade: Upgrade, plan: ValuesPlan, before: int, awaited: Sequence[ObjectRef], failure: errors.ResilientError
) -> str:
    """Rolls the release back because of the failure, and waits. Returns what happened and what the release is now.

    ``before`` is the number of its newest revision before the upgrade, ``awaited`` are its workloads of that time.
    Nothing is done where helm had written nothing, and where somebody else has taken over the release or the lock.
    """
    task, stored, subject = upgrade.task, upgrade.stored, plan.subject
    try:
        now = newest_revision(task.client, stored)
        if now.revision == before:
            return f"{subject} is as it was ({now}): the upgrade failed before anything was written. {failure}"
        if now.revision > before + 1 or not now.was_given(upgrade.values):
            return f"{subject} was changed by somebody else meanwhile and is left at {now}. {failure}"
        if task.fence:
            task.fence.check()
        record_rollback(task, stored, before + 2)
        task.progress(f"taking {subject} back to revision {stored.revision}: {str(failure).splitlines()[0]}")
        upgrade.undo()
    except LockLost as lost:
        holder = lost.facts.get("holder") or "nobody"
        return f"{subject} is left as the upgrade made it: {holder} holds the cluster's lock now. {failure}"
    except errors.ResilientError as error:
        return (
            f"{subject} could not be taken back to revision {stored.revision} and is left at {_state(upgrade)}: "
            f"{error} Before that: {failure}"
        )
    try:
        wait_until_ready(task.client, awaited, task.params["wait_timeout"], task.progress)
    except errors.ResilientError as error:
        return (
            f"{subject} was rolled back to what revision {stored.revision} was ({_state(upgrade)}) and is not ready "
            f"with that either: {error}\nBefore that: {failure}"
        )
    return (
        f"{subject} is as it was: the upgrade failed and was rolled back to what revision {stored.revision} was "
        f"({_state(upgrade)}), and its pods are ready. {failure}"
    )


def _state(upgrade: Upgrade) -> str:
    try:
        return str(newest_revision(upgrade.task.client, upgrade.stored))
    except errors.ResilientError as error:
        return f"a revision that cannot be read ({error})"
