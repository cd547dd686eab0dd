# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The revisions of a Helm release in the cluster, and the journal of what a new one may write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.releases import (
    SECRET_TYPE,
    StoredRelease,
    stored_release,
)


@dataclass(frozen=True)
class Newest:
    """The newest revision of a release: its number, its status as Helm has it, and the values that it was given."""

    revision: int
    status: str
    values: dict[str, Any]

    def __str__(self) -> str:
        return f"revision {self.revision}, {self.status}"

    def was_given(self, values: Any) -> bool:
        """Whether these are its values. Helm may leave out those that are null."""
        return bool(_without_nulls(self.values) == _without_nulls(values))


def newest_revision(client: Client, stored: StoredRelease) -> Newest:
    """The newest of the release that ``stored`` is a revision of, whatever became of it. Raises Forbidden ..."""
    selector = f"owner=helm,name={stored.name}"
    (answer,) = read_found(client, [Query("v1", "Secret", namespace=stored.namespace, label_selector=selector)])
    found = [stored_release(item) for item in answer.items if item.get("type") == SECRET_TYPE]
    newest = max(found, key=lambda each: each.revision, default=stored)
    return Newest(newest.revision, newest.status, newest.config)


def record_upgrade(task: Task, stored: StoredRelease, newest: int, manifest: str) -> None:
    """Keeps the whole states of all objects that the upgrade may write, the release's own Secrets among them.

    ``newest`` is the number of the release's newest revision, ``manifest`` what the upgrade will bring.
    """
    if not task.params.get("run_id"):
        return
    journal = task.journal(task.params["run_id"])
    own = ObjectRef("v1", "Secret", stored.secret, stored.namespace)
    refs = {own, _secret(stored, newest + 1), *objects_of(task.client, stored, stored.manifest)}
    todo = journal.unrecorded(sorted(refs | set(objects_of(task.client, stored, manifest))))
    states = task.client.concurrently(task.client.find, todo)
    journal.record_states(zip(todo, states, strict=True))


def record_rollback(task: Task, stored: StoredRelease, revision: int) -> None:
    """Keeps that the revision which a rollback is about to make was not there."""
    if task.params.get("run_id"):
        task.journal(task.params["run_id"]).record_states([(_secret(stored, revision), None)])


def objects_of(client: Client, stored: StoredRelease, manifest: str) -> Iterable[ObjectRef]:
    """The objects of a manifest of the release."""
    for item in yaml.safe_load_all(manifest):
        if item:
            ref = ref_of(item)
            namespaced = client.resource(ref.api_version, ref.kind).namespaced
            place = (ref.namespace or stored.namespace) if namespaced else ""
            yield ObjectRef(ref.api_version, ref.kind, ref.name, place)


def _secret(stored: StoredRelease, revision: int) -> ObjectRef:
    prefix = stored.secret.rpartition(".v")[0]
    return ObjectRef("v1", "Secret", f"{prefix}.v{revision}", stored.namespace)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
