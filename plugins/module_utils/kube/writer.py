# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one writer. Nothing else in this collection changes a cluster.

A set of changes is planned first (reads and server-side dry runs, nothing persisted), and only a plan without any
refusal is carried out, in order. Check mode ends after the plan; the diff is the plan's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import (
    ABSENT,
    CREATED,
    DELETED,
    UNCHANGED,
    UPDATED,
    Change,
    Guard,
    Outcome,
    Owners,
    Patch,
    Recorder,
    Undo,
    created_by,
    owner_warnings,
    patch_of_owners,
    write_failed,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import CONCURRENCY, Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import (
    check_secret_values,
    content,
    differs,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import (
    Object,
    ObjectRef,
    in_apply_order,
    ref_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.write_requests import WriteRequests

# How often a patch is worked out anew when others keep changing the object.
PATCH_TRIES = 6
# How long an API server may take to serve a kind that it has just accepted. Measured: under a second.
SERVED_SECONDS = 15.0

_Answer = TypeVar("_Answer", Change, Object)

__all__ = ["ABSENT", "CREATED", "DELETED", "UNCHANGED", "UPDATED", "Change", "Outcome", "Patch", "Recorder", "Writer"]


class Writer:
    """Applies, patches, creates and deletes. ``force`` takes over fields that other managers own.

    ``journal`` is told what is about to be written, ``fence`` is asked before each write whether it may be done.
    """

    def __init__(
        self,
        client: Client,
        *,
        check_mode: bool,
        force: bool = False,
        journal: Recorder | None = None,
        fence: Guard | None = None,
    ) -> None:
        self._client = client
        self._check_mode = check_mode
        self._requests = WriteRequests(client, force)
        self._journal = journal
        self._fence = fence

    def apply(self, objects: Sequence[Object]) -> Outcome:
        """Server-side apply of a set of objects, those that others need first.

        Raises Conflict naming object, field and manager; Invalid; Forbidden; WriteFailed when a write of the set
        failed after others had been done.
        """
        refs = [ref_of(item) for item in objects]
        doubled = {ref for ref, times in Counter(refs).items() if times > 1}
        for item in objects:
            check_secret_values(item)
        if doubled:
            raise errors.BadArgument(f"{', '.join(map(str, sorted(doubled)))}: given more than once in one set")
        created = created_by(refs, objects, self._client.find)
        pairs = list(zip(refs, objects, strict=True))
        return self._carry_out(self._client.concurrently(lambda pair: self._plan_apply(*pair, created), pairs))

    def patch(self, patches: Sequence[Patch]) -> Outcome:
        """Patches objects that exist. Raises Conflict when one was changed since it was read, Invalid, Forbidden."""
        return self._carry_out(self._client.concurrently(self._plan_patch, patches))

    def create(self, item: Object) -> Outcome:
        """Creates one object that must not exist yet. Raises Conflict when it does."""
        ref = ref_of(item)
        change = Change(ref, CREATED, None, item, lambda: self._requests.create(ref, item), declared=item)
        return self._carry_out([change])

    def delete(self, refs: Iterable[ObjectRef]) -> Outcome:
        """Deletes objects, those that need others first. What does not exist, kind included, is absent: no failure."""
        return self._carry_out(self._client.concurrently(self._plan_delete, list(refs)), reverse=True)

    def evict(self, pods: Iterable[ObjectRef]) -> Outcome:
        """Evicts pods through their disruption budgets, one after the other. Raises ApiError (429), Forbidden."""
        found = self._client.concurrently(self._plan_eviction, list(pods))
        return self._carry_out(found, groups=[[change.ref] for change in found])

    def undo(self, undo: Undo) -> Outcome:
        """Takes objects back to where they were, owners included. Raises Invalid, Forbidden, WriteFailed."""
        recreated = [self._plan_recreate(*pair) for pair in undo.recreated]
        patched = self._client.concurrently(self._plan_patch_of_what_is_there, undo.patches)
        deleted = self._client.concurrently(self._plan_delete, undo.deleted)
        groups = [
            *in_apply_order(change.ref for change in recreated),
            # First the labels by which pods are admitted: those of a Deployment that is put back are made at once.
            [change.ref for change in patched if change.ref.kind == "Namespace"],
            *in_apply_order((change.ref for change in patched if change.ref.kind != "Namespace"), reverse=True),
            *in_apply_order((change.ref for change in deleted), reverse=True),
        ]
        return self._carry_out([*recreated, *patched, *deleted], groups=groups)

    # --- planning: nothing here is persisted ---------------------------------------------------------------------

    def _plan_apply(self, ref: ObjectRef, item: Object, created: Mapping[str, set[str]]) -> Change:
        def send(dry_run: bool = False) -> Object:
            return self._requests.apply(ref, item, dry_run)

        if ref.kind in created["kinds"]:
            # Its definition comes with the same set: there is nothing to ask yet.
            if self._find_unless_unserved(ref) is None:
                after = self._dry_run_if_possible(send, item)
                return Change(ref, CREATED, None, after, lambda: self._once_served(send), declared=item)
        else:
            self._check_scope(ref)
        if ref.namespace in created["namespaces"]:
            # Nothing can be in it and nothing can be tried in it before it is there.
            return Change(ref, CREATED, None, item, send, declared=item)
        after = send(dry_run=True)
        before = self._client.find(ref) if _version(after) else None
        if before is None:
            return Change(ref, CREATED, None, after, send, declared=item)
        before, after = self._of_one_moment(ref, before, after, send)
        kind = UPDATED if differs(before, after) else UNCHANGED
        return Change(ref, kind, before, after, send, declared=item)

    def _of_one_moment(
        self, ref: ObjectRef, before: Object, after: Object, send: Callable[..., Object]
    ) -> tuple[Object, Object]:
        """Reads and tries again while others write in between: their change would look like one of this task."""
        for _attempt in range(PATCH_TRIES):
            if _version(before) == _version(after):
                break
            before = self._client.get(ref)
            after = send(dry_run=True)
        return before, after

    def _once_served(self, send: Callable[[], Object]) -> Object:
        """Sends an object whose kind was defined a moment ago: the API server takes that moment to serve it."""
        for left in tries(SERVED_SECONDS):
            try:
                return send()
            except errors.NotFound:
                if left <= 0:
                    raise
        return send()

    def _dry_run_if_possible(self, send: Callable[..., Object], item: Object) -> Object:
        """The object as it would be; where its namespace or kind is still to be created, as it was given."""
        try:
            return send(dry_run=True)
        except errors.NotFound:
            return item

    def _find_unless_unserved(self, ref: ObjectRef) -> Object | None:
        try:
            return self._client.find(ref)
        except errors.NotFound:
            return None

    def _check_scope(self, ref: ObjectRef) -> None:
        namespaced = self._client.resource(ref.api_version, ref.kind).namespaced
        if namespaced and not ref.namespace:
            raise errors.BadArgument(f"{ref}: {ref.kind} lives in a namespace, and the object names none")
        if ref.namespace and not namespaced:
            raise errors.BadArgument(f"{ref}: {ref.kind} is cluster-wide, leave metadata.namespace out")

    def _plan_patch(self, patch: Patch) -> Change:
        return self._renewing(patch, self._try_patch, _settled)

    def _try_patch(self, patch: Patch) -> Change:
        ref = ref_of(patch.seen)
        known = None if self._check_mode else patch.after
        after = known or (self._requests.patch(ref, patch, dry_run=True) if patch.body else patch.seen)
        same = content(patch.seen) == content(after) and patch_of_owners(after, patch.owners) is None
        if patch.owners:
            after = after | {"metadata": after["metadata"] | {"managedFields": patch.owners(after)}}

        def send() -> Object:
            written = self._send_patch_again(ref, patch) if patch.body else patch.seen
            return self._send_owners(ref, written, patch.owners)

        return Change(ref, UNCHANGED if same else UPDATED, patch.seen, after, send)

    def _plan_patch_of_what_is_there(self, patch: Patch) -> Change:
        """What somebody deleted since it was read has nothing left to be taken back."""
        ref = ref_of(patch.seen)
        try:
            return self._plan_patch(patch)
        except errors.NotFound:
            return Change(ref, ABSENT, None, None, lambda: None)

    def _renewing(
        self, patch: Patch, attempt: Callable[[Patch], _Answer], settled: Callable[[Object], _Answer]
    ) -> _Answer:
        """The attempt's answer; where somebody changed the object since, with a patch worked out anew, a few times."""
        for _attempt in range(PATCH_TRIES - 1):
            try:
                return attempt(patch)
            except errors.Conflict:
                if patch.again is None:
                    raise
            newer = self._client.get(ref_of(patch.seen))
            renewed = patch.again(newer)
            if renewed is None:
                return settled(newer)
            patch = renewed
        return attempt(patch)

    def _plan_recreate(self, item: Object, owners: Owners) -> Change:
        ref = ref_of(item)
        return Change(
            ref, CREATED, None, item, lambda: self._send_owners(ref, self._requests.create(ref, item), owners)
        )

    def _plan_delete(self, ref: ObjectRef) -> Change:
        before = self._find_unless_unserved(ref)
        if before is None:
            return Change(ref, ABSENT, None, None, lambda: None)
        return Change(ref, DELETED, before, None, lambda: self._requests.delete(ref, before))

    def _plan_eviction(self, ref: ObjectRef) -> Change:
        before = self._client.find(ref)
        if before is None:
            return Change(ref, ABSENT, None, None, lambda: None)
        return Change(ref, DELETED, before, None, lambda: self._requests.evict(ref, before))

    # --- carrying out --------------------------------------------------------------------------------------------

    def _carry_out(
        self, plan: list[Change], reverse: bool = False, groups: Iterable[Sequence[ObjectRef]] | None = None
    ) -> Outcome:
        outcome = Outcome(plan, warnings=owner_warnings(plan))
        todo = {change.ref: change for change in plan if change.changed}
        if self._check_mode or not todo:
            return outcome
        if self._fence:
            self._fence.check()
        if self._journal:
            self._journal.record([(change.ref, change.before, change.after) for change in todo.values()])
        for group in in_apply_order(todo, reverse=reverse) if groups is None else groups:
            self._write_group([todo[ref] for ref in group if ref in todo], plan)
        return outcome

    def _write_group(self, group: list[Change], plan: list[Change]) -> None:
        """Concurrently; after the first failure nothing new is started."""
        failures: list[errors.ResilientError] = []

        def write(change: Change) -> None:
            if failures:
                return
            try:
                if self._fence:
                    self._fence.check()
                change.after = change.send() or change.after
                change.written = True
            except errors.ResilientError as error:
                change.error = str(error)
                failures.append(error)

        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(write, group))
        if failures:
            raise write_failed(failures[0], plan)

    def _send_patch_again(self, ref: ObjectRef, patch: Patch) -> Object:
        return self._renewing(patch, lambda newest: self._requests.patch(ref, newest), lambda newer: newer)

    def _send_owners(self, ref: ObjectRef, item: Object, owners: Owners | None) -> Object:
        """Hands fields to their owners: a write of its own, because what a write changes becomes the writer's."""
        if patch := patch_of_owners(item, owners):
            self._send_patch_again(ref, patch)
        # What controllers made of the object in between is not part of this change.
        return item


def _settled(newer: Object) -> Change:
    """Somebody else has brought the object meanwhile to where the patch would take it."""
    return Change(ref_of(newer), UNCHANGED, newer, newer, lambda: newer)


def _version(item: Object) -> str:
    """A dry run answers with the version that it started from, and with none when it would create the object."""
    return str(item["metadata"].get("resourceVersion") or "")
