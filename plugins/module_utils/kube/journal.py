# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs changed, and what was there before: kept in the cluster, so that a rollback outlives the controller.

A run is one Secret per part in the journal's namespace, compressed. An object's state is stored before the first write
of the run to it; later writes add only which other fields they touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, journal_entries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_room import (
    ROLLBACKS_KEPT,
    RUNS_KEPT,
    make_room,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_secrets import (
    FOLDED,
    REBASED_BY,
    RESTORED,
    RESTORED_BY,
    RUN_LABEL,
    UNDOES,
    Signer,
    annotation,
    by_run,
    listed,
    number_of,
    open_of,
    part_object,
    parts_of,
    restored,
    secret_of,
    started,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import (
    NAMESPACE,
    AlreadyThere,
    create_with_namespace,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.run_name import check_run_name
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer

# Tasks of one run at the same time want the same name for their next part.
_NAME_TRIES = 10

__all__ = ["ROLLBACKS_KEPT", "RUNS_KEPT", "Journal", "Run", "mark_restored", "reopen", "runs"]


@dataclass(frozen=True)
class Run:
    """A recorded run: its id, the time of its first part (ISO 8601, UTC, the API server's clock) and its entries.

    ``restored`` is the time at which all of it was put back, empty until then. ``undoes`` are the runs that it put
    back, when it was a rollback. ``folded`` are newer runs that became part of it. ``strange`` is the name of a Secret
    that the given key did not sign: then there are no entries.
    """

    run_id: str
    started: str
    restored: str
    entries: list[Entry]
    undoes: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    strange: str = ""


class Journal:
    """The journal of one run. Raises BadArgument when ``run_id`` cannot be part of an object's name.

    ``undoes`` are the runs that this one puts back, when it is a rollback. ``key`` signs what is recorded.
    """

    def __init__(self, client: Client, run_id: str, undoes: Sequence[str] = (), key: str = "") -> None:
        check_run_name("run_id", run_id)
        self._client = client
        # What the journal itself writes is not journaled.
        self._writer = Writer(client, check_mode=False)
        self.run_id = run_id
        self._marks = {UNDOES: ",".join(undoes)} if undoes else {}
        self._signer = Signer(key)

    def record(self, states: Sequence[tuple[ObjectRef, Object | None, Object | None]]) -> None:
        """Stores what a set of writes adds to the run. Called before they are sent, with states before and after."""
        parts, known = self._known()
        additions = [journal_entries.addition(known.get(ref), ref, before, after) for ref, before, after in states]
        self._store(parts, known, additions)

    def unrecorded(self, refs: Iterable[ObjectRef]) -> list[ObjectRef]:
        """Those of the objects whose whole state this run does not keep yet."""
        _parts_of_run, known = self._known()
        return [ref for ref in refs if not (ref in known and known[ref].whole)]

    def record_states(self, states: Iterable[tuple[ObjectRef, Object | None]]) -> None:
        """Keeps whole states of objects without a write."""
        parts, known = self._known()
        additions = [journal_entries.recorded_state(known.get(ref), ref, state) for ref, state in states]
        self._store(parts, known, additions)

    def rebase(self, states: Iterable[tuple[ObjectRef, Object | None, bool]], by: str) -> None:
        """Replace recorded states (object, state before, as a whole), because the rollback ``by`` changed them."""
        parts, known = self._known()
        self._marks |= {REBASED_BY: by} if by else {}
        self._store(parts, known, [journal_entries.rebased(known[ref], before, whole) for ref, before, whole in states])

    def _known(self) -> tuple[list[Object], dict[ObjectRef, Entry]]:
        parts = parts_of(self._client, self.run_id)
        self._signer.check(open_of(parts))
        return parts, _entries(self.run_id, open_of(parts))

    def _store(self, parts: list[Object], known: dict[ObjectRef, Entry], additions: Iterable[Entry | None]) -> None:
        fresh = [entry for entry in additions if entry]
        if not fresh:
            return
        if not parts:
            make_room(self._client, self._writer, self._signer, UNDOES in self._marks, self._create_part)
        number = 1 + max((number_of(part) for part in parts), default=-1)
        for data in journal_entries.packed(
            (entry, known[entry.ref].records if entry.ref in known else 0) for entry in fresh
        ):
            number = 1 + self._create_part(self.run_id, number, data, self._marks)

    def _create_part(self, run_id: str, number: int, data: dict[str, str], marks: dict[str, str]) -> int:
        """The number under which the part could be stored: the first one that is free."""
        for attempt in range(number, number + _NAME_TRIES):
            try:
                create_with_namespace(self._writer, self._signer.signed(part_object(run_id, attempt, data, marks)))
            except AlreadyThere:
                continue
            return attempt
        raise errors.ResilientError(
            f"run_id {run_id}: no free name for a part of the journal after {_NAME_TRIES} tries. Too many tasks "
            "of this run write at the same time."
        )


def runs(client: Client, run_id: str = "", key: str = "") -> list[Run]:
    """All recorded runs, or the one that is named, the newest first. With ``key`` it is told which it did not sign."""
    signer = Signer(key)
    recorded = [_run(name, parts, signer) for name, parts in by_run(parts_of(client, run_id)).items()]
    return sorted(recorded, key=_age, reverse=True)


def mark_restored(client: Client, run_id: str, by: str = "") -> None:
    """Notes that all of the run was put back: its entries are history, and the same run may begin anew."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = {"metadata": {"annotations": {RESTORED: now} | ({RESTORED_BY: by} if by else {})}}
    Writer(client, check_mode=False).patch([Patch(part, body) for part in open_of(parts_of(client, run_id))])


def reopen(client: Client, rollback: str) -> None:
    """Have the runs that a rollback put back be there to be put back: the rollback itself was taken back."""
    parts = parts_of(client)
    body = {"metadata": {"annotations": {RESTORED: None, RESTORED_BY: None}}}
    writer = Writer(client, check_mode=False)
    writer.patch([Patch(part, body) for part in parts if annotation(part, RESTORED_BY) == rollback])
    writer.delete(secret_of(part) for part in parts if annotation(part, REBASED_BY) == rollback)


def _run(run_id: str, parts: list[Object], signer: Signer) -> Run:
    counting = open_of(parts) or parts
    strange = signer.strange(counting)
    entries = {} if strange else _entries(run_id, counting)
    return Run(
        run_id,
        started(counting),
        "" if open_of(parts) else max(map(restored, parts)),
        sorted(entries.values(), key=lambda entry: entry.ref),
        listed(counting, UNDOES),
        listed(counting, FOLDED),
        strange,
    )


def _entries(run_id: str, parts: Iterable[Mapping[str, Any]]) -> dict[ObjectRef, Entry]:
    try:
        return journal_entries.unpacked(part.get("data") or {} for part in parts)
    except journal_entries.UnreadableRecord as error:
        raise errors.ResilientError(
            f"The journal of the run {run_id} cannot be read: {error}. No run of this collection wrote it so. See who "
            f"wrote the Secrets: kubectl get secrets --namespace {NAMESPACE} --selector {RUN_LABEL}={run_id} "
            "--show-managed-fields --output yaml. To go on without that run, delete them."
        ) from None


def _age(run: Run) -> tuple[str, str]:
    """The API server's clock counts seconds; within one the controller's own decides."""
    return run.started, min((entry.recorded for entry in run.entries), default="")
