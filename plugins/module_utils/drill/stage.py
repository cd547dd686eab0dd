# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order of a drill's writes: the healer first, then the fault, then everything back, and the healer last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import Marked, healer, owners
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import Fault
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import (
    mark_of,
    patch_to_mark,
    patch_to_restore,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import NotFound, ResilientError, WriteFailed
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import owners_at, value_at
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries, wait_until, wait_until_gone
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome

# The API server's own look at new roles lags behind. Measured: under a second.
_SEEN_SECONDS = 10.0


class RestoreFailed(ResilientError):
    """The cluster is not as it was; the message says what is missing."""


class Stage:
    """One fault on one cluster. Its methods are called in the order install, break_it, restore, remove.

    ``changes`` are the entries of the result, ``fights`` what others did to a marked field meanwhile. ``is_restored``
    says whether nothing of the fault is left: then the healer may go.
    """

    def __init__(self, context: Context, fault: Fault) -> None:
        self._context = context
        self._fault = fault
        self._marked: Sequence[Marked] = fault.marked()
        self._owners: list[ObjectRef] = []
        self._brought: list[ObjectRef] = []
        self.changes: list[dict[str, Any]] = []
        self.fights: list[str] = []
        self.is_restored = True

    def install(self) -> None:
        """Brings the healer, and waits until it has shown that it can heal. Raises WriteFailed, WaitTimeout."""
        if not self._fault.needs_healer():
            return
        writer, context = self._context.writer, self._context
        # Before a role is there nobody but an administrator may even try to bind it.
        wanted = owners(context.kit, self._fault.namespaces(), self._marked)
        self._owners = [ref_of(item) for item in wanted]
        uids = {ref_of(item).namespace: _uid(writer.create(item)) for item in wanted}
        objects = [
            *healer(context.kit, uids, self._fault.namespace(), self._marked, self._fault.not_on()),
            *self._fault.brought(uids),
        ]
        self._brought = [ref_of(item) for item in objects]
        self._apply(objects)
        waited = [ref for ref in self._brought if ref.kind in ("Job", "Deployment")]
        wait_until(context.client, waited, context.wait_timeout, context.progress, _lacks, "ready")

    def _apply(self, objects: Sequence[Object]) -> None:
        """Again where a binding's role is not known yet: who is no administrator may bind only roles that are seen."""
        for left in tries(_SEEN_SECONDS):
            try:
                self._context.writer.apply(objects)
                return
            except ResilientError as error:
                cause = error.cause if isinstance(error, WriteFailed) else error
                if not isinstance(cause, NotFound) or not left:
                    raise

    def break_it(self) -> None:
        """Brings the fault about. Raises WriteFailed, WaitTimeout, Forbidden."""
        self.is_restored = False
        self.changes += [_change(each) for each in self._marked]
        self._context.writer.patch([patch_to_mark(each.item, each.mark) for each in self._marked])
        for done in self._fault.act():
            self.changes.append({"object": done, "field": "", "before": "", "during": "", "restored": True})

    def restore(self) -> None:
        """Takes the fault back and waits until everything runs. Raises RestoreFailed."""
        try:
            self._fault.undo()
            self._restore_marked()
            self._fault.settle()
        except ResilientError as error:
            raise RestoreFailed(f"not restored: {error}") from None
        self.is_restored = True

    def _restore_marked(self) -> None:
        for position, each in enumerate(self._marked):
            now = self._context.client.get(each.ref)
            if mark_of(now) is None:
                same = value_at(now, each.mark.path) == value_at(each.item, each.mark.path)
                self.changes[position]["restored"] = same
                self.fights.append(f"{each.ref}: not in the drill any more, whose time may have been over too soon")
                continue
            if not each.mark.is_in_force(now):
                who = ", ".join(owners_at(now, each.mark.path)) or "somebody"
                self.fights.append(f"{each.ref}: {who} set {each.mark.field} during the drill")
            self._context.writer.patch([patch_to_restore(now, each.mark, each.item)])
            self.changes[position]["restored"] = True

    def remove(self) -> None:
        """Takes away what the drill brought. Raises ResilientError."""
        context = self._context
        # Who dies on the way leaves the healer, which takes away the rest when the time is over.
        own = context.kit.owner(self._fault.namespace())
        for owners_now in ([ref for ref in self._owners if ref != own], [ref for ref in self._owners if ref == own]):
            context.writer.delete(owners_now)
        wait_until_gone(context.client, [*self._owners, *self._brought], context.wait_timeout, context.progress)


def _uid(created: Outcome) -> str:
    return str((created.changes[0].after or {})["metadata"]["uid"])


def _lacks(item: Object | None) -> str:
    """A Job is complete when it ends; the healer's has to have a ready pod."""
    if item is None:
        return "does not exist"
    if item["kind"] == "Job":
        return "" if (item.get("status") or {}).get("ready") else "has no pod that can reach the API server yet"
    return readiness.missing(item)


def _change(each: Marked) -> dict[str, Any]:
    return {
        "object": str(each.ref),
        "field": each.mark.field,
        "before": _shown(each.mark.before),
        "during": _shown(each.mark.during),
        "restored": False,
    }


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={value[key]}" for key in sorted(value))
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
