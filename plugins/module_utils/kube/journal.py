# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs changed, and what was there before: kept in the cluster, so that a rollback outlives the controller.

A run is one Secret per part in the journal's namespace, compressed. An object's state is stored before the first write
of the run to it; later writes add only which other fields they touch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, journal_entries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import (
    NAMESPACE,
    AlreadyThere,
    create_with_namespace,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer

RUNS_KEPT = 10
_RUN_LABEL, _PART_LABEL = "resilient.traefik/run", "resilient.traefik/part"
_RESTORED, _RESTORED_BY = "resilient.traefik/restored", "resilient.traefik/restored-by"
_UNDOES, _REBASED_BY = "resilient.traefik/undoes", "resilient.traefik/rebased-by"
# Of rollbacks, which are recorded too so that a harmful one can be led forward again.
ROLLBACKS_KEPT = 2
_SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Tasks of one run at the same time want the same name for their next part.
_NAME_TRIES = 10


@dataclass(frozen=True)
class Run:
    """A recorded run: its id, the time of its first part (ISO 8601, UTC, the API server's clock) and its entries.

    ``restored`` is the time at which all of it was put back, empty until then. ``undoes`` are the runs that it put
    back, when it was a rollback.
    """

    run_id: str
    started: str
    restored: str
    entries: list[Entry]
    undoes: tuple[str, ...] = ()


class Journal:
    """The journal of one run. Raises BadArgument when ``run_id`` cannot be part of an object's name.

    ``undoes`` are the runs that this one puts back, when it is a rollback.
    """

    def __init__(self, client: Client, run_id: str, undoes: Sequence[str] = ()) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,50}[a-z0-9])?", run_id):
            raise errors.BadArgument(
                f"run_id: {run_id!r} must be at most 52 lower-case letters, digits, '-' and '.', and begin and end "
                "with a letter or digit"
            )
        self._client = client
        # What the journal itself writes is not journaled.
        self._writer = Writer(client, check_mode=False)
        self.run_id = run_id
        self._marks = {_UNDOES: ",".join(undoes)} if undoes else {}

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
        self._marks |= {_REBASED_BY: by} if by else {}
        self._store(parts, known, [journal_entries.rebased(known[ref], before, whole) for ref, before, whole in states])

    def _known(self) -> tuple[list[Object], dict[ObjectRef, Entry]]:
        parts = _parts(self._client, self.run_id)
        open_parts = [part for part in parts if not _restored(part)]
        return parts, journal_entries.unpacked(part.get("data") or {} for part in open_parts)

    def _store(self, parts: list[Object], known: dict[ObjectRef, Entry], additions: Iterable[Entry | None]) -> None:
        fresh = [entry for entry in additions if entry]
        if not fresh:
            return
        if not parts:
            self._prune()
        number = 1 + max((_number(part) for part in parts), default=-1)
        for data in journal_entries.packed(
            (entry, known[entry.ref].records if entry.ref in known else 0) for entry in fresh
        ):
            number = 1 + self._create_part(number, data)

    def _create_part(self, number: int, data: dict[str, str]) -> int:
        """The number under which the part could be stored: the first one that is free."""
        for attempt in range(number, number + _NAME_TRIES):
            try:
                create_with_namespace(self._writer, _part(self.run_id, attempt, data, self._marks))
            except AlreadyThere:
                continue
            return attempt
        raise errors.ResilientError(
            f"run_id {self.run_id}: no free name for a part of the journal after {_NAME_TRIES} tries. Too many tasks "
            "of this run write at the same time."
        )

    def _prune(self) -> None:
        """Makes room: with the run that begins there are RUNS_KEPT."""
        answer = self._client.request(
            "GET", _SECRETS, query={"labelSelector": _RUN_LABEL}, accept=_NAMES_ONLY, about="journal"
        )
        by_run: dict[str, list[Object]] = {}
        for part in answer.get("items") or []:
            by_run.setdefault(part["metadata"]["labels"][_RUN_LABEL], []).append(part)
        undoing = _UNDOES in self._marks
        alike = [parts for parts in by_run.values() if any(map(_undoes, parts)) == undoing]
        newest_first = sorted(alike, key=_started, reverse=True)
        self._writer.delete(
            _secret(part) for parts in newest_first[(ROLLBACKS_KEPT if undoing else RUNS_KEPT) - 1 :] for part in parts
        )


def runs(client: Client, run_id: str = "") -> list[Run]:
    """All recorded runs, or the one that is named, the newest first."""
    by_run: dict[str, list[Object]] = {}
    for part in _parts(client, run_id):
        by_run.setdefault(part["metadata"]["labels"][_RUN_LABEL], []).append(part)
    recorded = [_run(name, parts) for name, parts in by_run.items()]
    return sorted(recorded, key=_age, reverse=True)


def mark_restored(client: Client, run_id: str, by: str = "") -> None:
    """Notes that all of the run was put back: its entries are history, and the same run may begin anew."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = {"metadata": {"annotations": {_RESTORED: now} | ({_RESTORED_BY: by} if by else {})}}
    open_parts = [part for part in _parts(client, run_id) if not _restored(part)]
    Writer(client, check_mode=False).patch([Patch(part, body) for part in open_parts])


def reopen(client: Client, rollback: str) -> None:
    """Have the runs that a rollback put back be there to be put back: the rollback itself was taken back."""
    parts = _parts(client)
    body = {"metadata": {"annotations": {_RESTORED: None, _RESTORED_BY: None}}}
    writer = Writer(client, check_mode=False)
    writer.patch([Patch(part, body) for part in parts if _annotation(part, _RESTORED_BY) == rollback])
    writer.delete(_secret(part) for part in parts if _annotation(part, _REBASED_BY) == rollback)


def _run(run_id: str, parts: list[Object]) -> Run:
    open_parts = [part for part in parts if not _restored(part)]
    entries = journal_entries.unpacked(part.get("data") or {} for part in open_parts or parts)
    restored = "" if open_parts else max(map(_restored, parts))
    listed = sorted(entries.values(), key=lambda entry: entry.ref)
    undoes = next((found for found in map(_undoes, open_parts or parts) if found), ())
    return Run(run_id, _started(open_parts or parts), restored, listed, undoes)


def _age(run: Run) -> tuple[str, str]:
    """The API server's clock counts seconds; within one the controller's own decides."""
    return run.started, min((entry.recorded for entry in run.entries), default="")


def _started(parts: Iterable[Object]) -> str:
    return min(str(part["metadata"]["creationTimestamp"]) for part in parts)


def _restored(part: Object) -> str:
    return _annotation(part, _RESTORED)


def _undoes(part: Object) -> tuple[str, ...]:
    return tuple(filter(None, _annotation(part, _UNDOES).split(",")))


def _annotation(part: Object, name: str) -> str:
    return str((part["metadata"].get("annotations") or {}).get(name, ""))


def _secret(part: Object) -> ObjectRef:
    return ObjectRef("v1", "Secret", part["metadata"]["name"], NAMESPACE)


def _number(part: Object) -> int:
    return int(part["metadata"]["labels"][_PART_LABEL])


def _parts(client: Client, run_id: str = "") -> list[Object]:
    """The Secrets of all runs, or of one, in the order in which they were stored."""
    selector = f"{_RUN_LABEL}={run_id}" if run_id else _RUN_LABEL
    answer = client.request("GET", _SECRETS, query={"labelSelector": selector}, about="journal")
    return sorted((_named(item) for item in answer.get("items") or []), key=_number)


def _named(item: Object) -> Object:
    """Items of a list carry neither; a patch wants them."""
    return item | {"apiVersion": "v1", "kind": "Secret"}


def _part(run_id: str, number: int, data: dict[str, str], marks: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"journal-{run_id}-{number}",
            "namespace": NAMESPACE,
            "labels": {_RUN_LABEL: run_id, _PART_LABEL: str(number)},
            "annotations": dict(marks),
        },
        "type": "resilient.traefik/journal",
        "immutable": True,
        "data": data,
    }
