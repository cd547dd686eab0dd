# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps the journal small without losing the way back to the beginning.

The oldest run that was not put back holds the first states of what it touched. So it stays, and takes the next oldest
into itself: put back, it leads to before both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, journal_entries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_secrets import (
    FOLDED,
    RUN_LABEL,
    SIGNATURE,
    STARTED,
    UNDOES,
    Signer,
    annotation,
    listed,
    names_by_run,
    number_of,
    open_of,
    parts_of,
    secret_of,
    started,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer

RUNS_KEPT = 10
# Of rollbacks, which are recorded too so that a harmful one can be led forward again.
ROLLBACKS_KEPT = 2
# The names of runs that one holds: an annotation is no place for all of them.
_FOLDED_NAMED = 40

# Stores the data of a part of a run under a number or the next that is free, with marks, and returns that number.
Store = Callable[[str, int, dict[str, str], dict[str, str]], int]


def make_room(client: Client, writer: Writer, signer: Signer, undoing: bool, store: Store) -> None:
    """Have the journal hold one run less than it keeps; with ``undoing`` that is about rollbacks."""
    runs = {name: parts for name, parts in names_by_run(client).items() if bool(listed(parts, UNDOES)) == undoing}
    oldest_first = sorted(runs.values(), key=started)
    if undoing:
        _delete(writer, oldest_first[: max(0, len(oldest_first) - ROLLBACKS_KEPT + 1)])
        return
    history = [parts for parts in oldest_first if not open_of(parts)]
    # What another key signed, or none, is not to get a signature by being taken in, or to lose it.
    alike = [parts for parts in oldest_first if open_of(parts) and _is_signed(parts) == bool(signer.key)]
    surplus = len(history) + len(alike) - RUNS_KEPT + 1
    if surplus <= 0:
        return
    _delete(writer, history[:surplus])
    surplus -= len(history[:surplus])
    if surplus > 0:
        _fold([_run_of(parts) for parts in alike[: surplus + 1]], client, writer, signer, store)


def folded(states: Sequence[dict[ObjectRef, Entry]]) -> list[Entry]:
    """The entries of runs, the oldest first, as those of one run: first states, and all that was touched."""
    entries: dict[ObjectRef, list[Entry]] = {}
    for state in states:
        for ref, entry in state.items():
            entries.setdefault(ref, []).append(replace(entry, rebased=False))
    return [journal_entries.combined(each) for each in entries.values()]


def _fold(run_ids: Sequence[str], client: Client, writer: Writer, signer: Signer, store: Store) -> None:
    """The new parts first: killed in between, the runs still lead back, together or one after the other."""
    parts = [parts_of(client, run_id) for run_id in run_ids]
    for each in parts:
        signer.check(open_of(each))
    states = [journal_entries.unpacked(part.get("data") or {} for part in open_of(each)) for each in parts]
    kept, known = parts[0], states[0]
    names = [*listed(open_of(kept), FOLDED), *(name for each in parts[1:] for name in listed(open_of(each), FOLDED))]
    marks = {STARTED: started(open_of(kept)), FOLDED: ",".join([*names, *run_ids[1:]][-_FOLDED_NAMED:])}
    number = 1 + max(map(number_of, kept))
    entries = _with_a_place(client, folded(states))
    numbered = ((entry, known[entry.ref].records if entry.ref in known else 0) for entry in entries)
    for data in journal_entries.packed(numbered):
        number = 1 + store(run_ids[0], number, data, marks)
    _delete(writer, parts)


def _with_a_place(client: Client, entries: Sequence[Entry]) -> list[Entry]:
    """The entries without those whose namespace is gone for good: nothing can come back there, and they add up."""
    returning = {entry.ref.name for entry in entries if entry.ref.kind == "Namespace" and entry.before}
    names = sorted({entry.ref.namespace for entry in entries if entry.ref.namespace} - returning)
    gone = {
        name
        for name, there in zip(names, client.concurrently(partial(_exists, client), names), strict=True)
        if not there
    }
    kept = [entry for entry in entries if entry.ref.namespace not in gone]
    # A run of nothing would not be there at all.
    return kept or list(entries[:1])


def _exists(client: Client, namespace: str) -> bool:
    try:
        return client.find(ObjectRef("v1", "Namespace", namespace)) is not None
    except errors.Forbidden:
        return True


def _delete(writer: Writer, runs: Sequence[Sequence[Object]]) -> None:
    writer.delete([secret_of(part) for parts in runs for part in parts])


def _is_signed(parts: Sequence[Object]) -> bool:
    return all(annotation(part, SIGNATURE) for part in open_of(parts))


def _run_of(parts: Sequence[Object]) -> str:
    return str(parts[0]["metadata"]["labels"][RUN_LABEL])
