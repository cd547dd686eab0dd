# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the journal knows of an object, and its form in the data of Secrets. Pure: nothing is sent here.

A record is stored before each write that adds to what is known of an object: compressed JSON under the key
``OBJECT.RECORD.CHUNK.CHUNKS``, in several chunks when it is larger than a Secret. The records of one object add up to
its entry.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import (
    Digests,
    Footprint,
    digests,
    footprint,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef

CREATED, CHANGED, DELETED, RECORDED = "created", "changed", "deleted", "recorded"
# A Secret holds 1 MiB of data (the API server's limit); etcd takes 1.5 MiB, metadata included.
PART_BYTES = 900_000
# An object has 3 MiB at most (the API server's limit on a request), and its record holds it once, with the paths that
# were touched. What unpacks to more was not packed here.
RECORD_BYTES = 16 * 1024 * 1024
RUN_BYTES = 256 * 1024 * 1024


class UnreadableRecord(errors.ResilientError):
    """A record that this collection does not write, or a run of more than it writes; the message says what is wrong."""


_KEY = re.compile(r"[0-9a-f]{40}(\.[0-9]{1,6}){3}")


@dataclass(frozen=True)
class Entry:
    """One object of a run.

    ``before`` is the state before the run's first write, None when it was not there. ``last`` is what the run did last:
    created, changed or deleted it, or recorded it without a write. ``whole`` says that the whole object is to go back,
    not only what the run touched. ``values`` are what the run set at the touched paths (digests; none in journals of
    version 0.2). ``recorded`` is the time of the first record by the controller's clock (ISO 8601,
    UTC), ``records`` their number.
    """

    ref: ObjectRef
    before: Object | None
    last: str
    touched: Footprint = field(default_factory=Footprint)
    recorded: str = ""
    whole: bool = False
    records: int = 1
    values: Digests = field(default_factory=dict)
    # In place of the state before: an older run was put back under this one.
    rebased: bool = False

    @property
    def change(self) -> str:
        """What the run did to the object, all in all."""
        return CREATED if self.before is None and self.last != RECORDED else self.last


def addition(known: Entry | None, ref: ObjectRef, before: Object | None, after: Object | None) -> Entry | None:
    """What a write that is about to begin adds to the object's entry; None when the entry covers it already."""
    last = DELETED if after is None else CREATED if before is None else CHANGED
    if known is None:
        touched = footprint(before, after)
        return Entry(ref, before, last, touched, _now(), values=digests(after, touched.paths))
    touched = footprint(known.before, after)
    values = digests(after, touched.paths | known.touched.paths)
    as_before = (last == DELETED) == (known.last == DELETED) and known.last != RECORDED
    if as_before and touched.paths <= known.touched.paths and values.items() <= known.values.items():
        return None
    last = CHANGED if last == CREATED and known.before else last
    return Entry(ref, None, last, touched, _now(), values=values)


def recorded_state(known: Entry | None, ref: ObjectRef, state: Object | None) -> Entry | None:
    """What keeping an object's state without a write adds to its entry; None when that is done already."""
    if known and known.whole:
        return None
    return Entry(ref, None if known else state, RECORDED, recorded=_now(), whole=True)


def rebased(known: Entry, before: Object | None, whole: bool) -> Entry:
    """What leads an object's entry back to another state: one from before an older run, which was put back first."""
    return Entry(known.ref, before, known.last, recorded=_now(), whole=whole, rebased=True)


def combined(entries: Iterable[Entry]) -> Entry:
    """The entries of one object, in the order of their time, as one: the first state, and all that was touched."""
    return reduce(_combine, entries)


def _combine(first: Entry, later: Entry) -> Entry:
    if later.rebased:
        return replace(
            first, before=later.before, whole=first.whole or later.whole, records=first.records + later.records
        )
    return replace(
        first,
        last=first.last if later.last == RECORDED else later.last,
        touched=first.touched | later.touched,
        whole=first.whole or later.whole,
        records=first.records + later.records,
        values={**first.values, **later.values},
    )


def key_of(ref: ObjectRef) -> str:
    """The object's key in the journal: stable, and valid whatever the object is called."""
    return hashlib.sha256(json.dumps(ref.as_dict(), sort_keys=True).encode()).hexdigest()[:40]


def packed(numbered: Iterable[tuple[Entry, int]]) -> list[dict[str, str]]:
    """The data of as many Secrets as it takes, for entries with the number of records that each has already."""
    parts: list[dict[str, str]] = [{}]
    size = 0
    for entry, number in numbered:
        for key, chunk in _chunks(entry, number):
            if size and size + len(chunk) > PART_BYTES:
                parts.append({})
                size = 0
            parts[-1][key] = base64.b64encode(chunk).decode()
            size += len(chunk)
    return [part for part in parts if part]


def unpacked(parts: Iterable[Mapping[str, Any]]) -> dict[ObjectRef, Entry]:
    """The entries in the data of Secrets.

    A record that lacks a chunk is left out: the run ended while it was being stored, before the write it is about.
    Raises UnreadableRecord.
    """
    chunks: dict[tuple[str, int], dict[int, str]] = {}
    lengths: dict[tuple[str, int], int] = {}
    for data in parts:
        for name, value in data.items():
            if not _KEY.fullmatch(name):
                raise UnreadableRecord(f"{name[:80]!r} is no name of a record")
            key, number, index, length = name.split(".")
            chunks.setdefault((key, int(number)), {}).setdefault(int(index), value)
            lengths[key, int(number)] = int(length)
    entries: dict[ObjectRef, Entry] = {}
    size = 0
    for record in sorted(chunks):
        if set(chunks[record]) != set(range(lengths[record])):
            continue
        text = _decompressed([chunks[record][index] for index in range(lengths[record])])
        size += len(text)
        if size > RUN_BYTES:
            raise UnreadableRecord(f"its records unpack to more than {RUN_BYTES // 2**20} MiB")
        entry = _decoded(text)
        entry = _combine(entries[entry.ref], entry) if entry.ref in entries else entry
        # Under which number the next record goes, also where the first ones were replaced.
        entries[entry.ref] = replace(entry, records=record[1] + 1)
    return entries


def _chunks(entry: Entry, number: int) -> list[tuple[str, bytes]]:
    record = {
        "ref": entry.ref.as_dict(),
        "before": entry.before,
        "last": entry.last,
        "touched": entry.touched.as_json(),
        "recorded": entry.recorded,
        "whole": entry.whole,
        "values": [[*path, value] for path, value in sorted(entry.values.items())],
        "rebased": entry.rebased,
    }
    packed_record = gzip.compress(json.dumps(record, separators=(",", ":")).encode(), mtime=0)
    count = -(-len(packed_record) // PART_BYTES)
    return [
        (f"{key_of(entry.ref)}.{number}.{index}.{count}", packed_record[index * PART_BYTES : (index + 1) * PART_BYTES])
        for index in range(count)
    ]


def _decompressed(chunks: list[str]) -> bytes:
    """The record's JSON. Raises UnreadableRecord for what is not packed so, and beyond RECORD_BYTES."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpacking.decompress(b"".join(base64.b64decode(chunk) for chunk in chunks), RECORD_BYTES)
    except (ValueError, zlib.error) as error:
        raise UnreadableRecord(f"a record is not packed as one: {error}") from None
    if not unpacking.eof:
        whole = f"unpacks to more than {RECORD_BYTES // 2**20} MiB" if len(text) >= RECORD_BYTES else "breaks off"
        raise UnreadableRecord(f"a record {whole}")
    return text


def _decoded(text: bytes) -> Entry:
    try:
        record = json.loads(text)
        touched = Footprint.from_json(record["touched"])
        ref = ObjectRef(**record["ref"])
        # Records of version 0.2 have neither.
        values = {tuple(path): value for *path, value in record.get("values", [])}
        return Entry(
            ref,
            record["before"],
            record["last"],
            touched,
            record["recorded"],
            record["whole"],
            values=values,
            rebased=record.get("rebased", False),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableRecord(f"a record is none of a change ({type(error).__name__})") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
