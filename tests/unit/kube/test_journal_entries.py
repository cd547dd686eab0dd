"""What the journal keeps of an object, and that no record is too large for the Secrets that hold it."""

from __future__ import annotations

import base64
import gzip
import json
import random
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import journal_entries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.footprint import Footprint, digests
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import (
    PART_BYTES,
    RECORD_BYTES,
    Entry,
    UnreadableRecord,
    addition,
    combined,
    packed,
    rebased,
    recorded_state,
    unpacked,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef

REF = ObjectRef("v1", "ConfigMap", "settings", "shop")
Object = dict[str, Any]


def _state(**data: str) -> Object:
    metadata = {"name": "settings", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _added(known: Entry | None, before: Object | None, after: Object | None) -> Entry:
    entry = addition(known, REF, before, after)
    assert entry is not None
    return entry


def _random_text(size: int) -> str:
    """Text that compression cannot make smaller."""
    return base64.b64encode(random.Random(size).randbytes(size)).decode()


def test_entry_survives_packing() -> None:
    entry = _added(None, _state(a="1"), _state(a="2"))
    assert unpacked(packed([(entry, 0)])) == {REF: entry}


def test_record_larger_than_a_secret_is_split() -> None:
    """A Secret of nearly 1 MiB that does not compress."""
    entry = _added(None, _state(a=_random_text(1_040_000)), None)
    parts = packed([(entry, 0)])
    assert len(parts) == 2
    for part in parts:
        assert sum(len(base64.b64decode(value)) for value in part.values()) <= PART_BYTES
    assert unpacked(parts) == {REF: entry}
    # Killed between the two: the write that this record announces was never sent.
    assert unpacked(parts[:1]) == {}


def test_many_records_share_parts() -> None:
    entries = [
        Entry(ObjectRef("v1", "ConfigMap", f"c{number}"), _state(a=_random_text(200_000)), "changed")
        for number in range(8)
    ]
    parts = packed((entry, 0) for entry in entries)
    assert len(parts) == 2
    assert unpacked(parts) == {entry.ref: entry for entry in entries}


def test_later_write_adds_only_what_is_new() -> None:
    first = _added(None, _state(a="1", b="1"), _state(a="2", b="1"))
    assert addition(first, REF, _state(a="2", b="1"), _state(a="2", b="1")) is None
    second = _added(first, _state(a="2", b="1"), _state(a="2", b="2"))
    assert second.before is None
    whole = combined([first, second])
    assert whole.before == _state(a="1", b="1")
    assert whole.touched.paths == {("f:data", "f:a"), ("f:data", "f:b")}
    assert unpacked(packed([(second, 1), (first, 0)])) == {REF: whole}


def test_later_write_is_compared_with_the_first_state() -> None:
    first = _added(None, _state(a="1", b="1"), _state(b="1"))
    back = _added(first, _state(b="1"), _state(a="1", b="1"))
    assert back.touched == Footprint()


def test_a_field_has_the_value_that_was_set_last() -> None:
    first = _added(None, _state(a="1"), _state(a="2"))
    second = _added(first, _state(a="2"), _state(a="3"))
    whole = combined([first, second])
    assert whole.values == digests(_state(a="3"), [("f:data", "f:a")])
    assert addition(whole, REF, _state(a="3"), _state(a="3")) is None
    assert unpacked(packed([(second, 1), (first, 0)]))[REF] == whole


def test_a_record_without_values_is_of_an_older_version() -> None:
    entry = replace(_added(None, _state(a="1"), _state(a="2")), values={})
    (part,) = packed([(entry, 0)])
    (key,) = part
    record = json.loads(gzip.decompress(base64.b64decode(part[key])))
    old = {name: value for name, value in record.items() if name not in ("values", "rebased")}
    part[key] = base64.b64encode(gzip.compress(json.dumps(old).encode())).decode()
    assert unpacked([part]) == {REF: entry}


def test_rebased_state_takes_the_place_of_the_one_before() -> None:
    first = _added(None, _state(a="2"), _state(a="3"))
    assert combined([first, rebased(first, _state(a="1"), whole=False)]).before == _state(a="1")
    gone = combined([first, rebased(first, None, whole=False)])
    assert (gone.before, gone.change) == (None, journal_entries.CREATED)


def test_what_a_run_did_all_in_all() -> None:
    created = _added(None, None, _state(a="1"))
    assert created.change == journal_entries.CREATED
    # An object of the run's own: what it does to it later changes nothing of what a rollback does.
    assert addition(created, REF, _state(a="1"), _state(a="2")) is None
    changed = _added(None, _state(a="1"), _state(a="2"))
    deleted = combined([changed, _added(changed, _state(a="2"), None)])
    assert deleted.change == journal_entries.DELETED
    again = combined([deleted, _added(deleted, None, _state(a="9"))])
    assert again.change == journal_entries.CHANGED
    assert again.touched.paths == {("f:data", "f:a")}


def test_state_kept_on_demand() -> None:
    kept = recorded_state(None, REF, _state(a="1"))
    assert kept is not None
    assert (kept.change, kept.whole, kept.touched) == (journal_entries.RECORDED, True, Footprint())
    assert recorded_state(kept, REF, _state(a="2")) is None
    both = combined([kept, _added(kept, _state(a="1"), _state(a="2"))])
    assert (both.before, both.whole) == (_state(a="1"), True)
    # The other way round: the earlier state counts, though it was kept for a write.
    changed = _added(None, _state(a="1"), _state(a="2"))
    later = recorded_state(changed, REF, _state(a="2"))
    assert later is not None
    assert combined([changed, later]).before == _state(a="1")


def _secret_with(text: bytes, key: str = f"{'a' * 40}.0.0.1") -> dict[str, str]:
    return {key: base64.b64encode(text).decode()}


def test_a_record_that_unpacks_to_gigabytes_is_refused_at_the_limit() -> None:
    """256 MiB of zeros, which a part of the journal holds packed; it would hold four times as much."""
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed_zeros = b"".join(packing.compress(bytes(2**20)) for _ in range(256)) + packing.flush()
    assert len(packed_zeros) < PART_BYTES
    tracemalloc.start()
    with pytest.raises(UnreadableRecord, match="a record unpacks to more than 16 MiB"):
        unpacked([_secret_with(packed_zeros)])
    assert tracemalloc.get_traced_memory()[1] < 3 * RECORD_BYTES
    tracemalloc.stop()


def test_many_records_that_unpack_to_gigabytes_are_refused_at_the_limit() -> None:
    record: Object = {"ref": REF.as_dict(), "before": {"data": " " * (RECORD_BYTES - 10_000)}, "last": "changed"}
    record |= {"touched": {}, "recorded": "", "whole": False}
    chunk = gzip.compress(json.dumps(record).encode())
    with pytest.raises(UnreadableRecord, match="its records unpack to more than 256 MiB"):
        unpacked([_secret_with(chunk, f"{'a' * 40}.{number}.0.1") for number in range(17)])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_secret_with(b"no gzip"), "not packed as one"),
        ({f"{'a' * 40}.0.0.1": "no base64!"}, "not packed as one"),
        (_secret_with(gzip.compress(b"{}" * 1000)[:-20]), "breaks off"),
        (_secret_with(gzip.compress(b"[")), "none of a change"),
        (_secret_with(gzip.compress(b"[" * 100_000)), "none of a change"),
        (_secret_with(gzip.compress(b'{"ref": {}}')), "none of a change"),
        (_secret_with(gzip.compress(b"{}"), "password"), "'password' is no name of a record"),
        (_secret_with(gzip.compress(b"{}"), f"{'a' * 40}.0.0.99999999999"), "is no name of a record"),
    ],
)
def test_what_is_no_record_is_said(data: dict[str, str], says: str) -> None:
    with pytest.raises(UnreadableRecord, match=says):
        unpacked([data])


def test_the_next_record_goes_behind_those_that_were_replaced() -> None:
    entry = _added(None, _state(a="1"), _state(a="2"))
    (found,) = unpacked(packed([(entry, 7)])).values()
    assert found.records == 8
