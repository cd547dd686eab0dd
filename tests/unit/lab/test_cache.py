"""The store of finished artefacts: keys follow content, and nothing unfinished is ever seen."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from lab.cache import FORGOTTEN_SECONDS, Artefact, Store, Workplace, digest_of_files
from lab.errors import DiskFull


def write_hello(workplace: Workplace) -> None:
    (workplace.destination / "hello").write_text("hello")


def test_key_changes_with_inputs_and_with_those_of_needs() -> None:
    base = Artefact("base", write_hello, ("one",))
    same = Artefact("base", write_hello, ("one",), seconds=99)
    other = Artefact("base", write_hello, ("two",))
    above = Artefact("top", write_hello, (), (base,))
    assert same.key == base.key
    assert same == base
    assert other.key != base.key
    assert Artefact("top", write_hello, (), (other,)).key != above.key


def test_digest_sees_names_and_contents(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("x")
    two.write_text("x")
    before = digest_of_files([one])
    assert digest_of_files([two]) != before
    one.write_text("y")
    assert digest_of_files([one]) != before


def test_builds_once(tmp_path: Path) -> None:
    built = []

    def build(workplace: Workplace) -> None:
        built.append(1)
        write_hello(workplace)

    store, artefact = Store(tmp_path), Artefact("a", build, ())
    first = store.make(artefact, tmp_path / "log")
    assert store.make(artefact, tmp_path / "log") == first
    assert (first / "hello").read_text() == "hello"
    assert built == [1]


def test_failed_build_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    healthy = False

    def build(workplace: Workplace) -> None:
        write_hello(workplace)
        if not healthy:
            raise RuntimeError("half-way")

    store, artefact = Store(tmp_path), Artefact("a", build, ())
    with pytest.raises(RuntimeError):
        store.make(artefact, tmp_path / "log")
    assert not store.has(artefact)
    assert list((tmp_path / "unfinished").iterdir()) == []
    healthy = True
    assert (store.make(artefact, tmp_path / "log") / "hello").exists()


def test_what_a_killed_run_left_is_not_taken_for_a_result(tmp_path: Path) -> None:
    store, artefact = Store(tmp_path), Artefact("a", write_hello, ())
    left = tmp_path / "unfinished" / f"a-{artefact.key}"
    left.mkdir(parents=True)
    (left / "half").write_text("ha")
    assert not store.has(artefact)
    assert [file.name for file in store.make(artefact, tmp_path / "log").iterdir()] == ["hello"]


def test_full_disk_is_told_as_such(tmp_path: Path) -> None:
    def build(workplace: Workplace) -> None:
        write_hello(workplace)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull, match="building a"):
        Store(tmp_path).make(Artefact("a", build, ()), tmp_path / "log")
    assert list((tmp_path / "unfinished").iterdir()) == []


def test_two_builders_of_one_artefact_take_turns(tmp_path: Path) -> None:
    built = []
    entered, release = threading.Event(), threading.Event()

    def build(workplace: Workplace) -> None:
        entered.set()
        assert release.wait(10)
        built.append(1)
        write_hello(workplace)

    store, artefact = Store(tmp_path), Artefact("a", build, ())
    threads = [threading.Thread(target=store.make, args=(artefact, tmp_path / "log")) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    release.set()
    for thread in threads:
        thread.join(10)
    assert built == [1]


def test_prune_removes_only_forgotten_forms_of_what_is_wanted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new, other = (Artefact(name, write_hello, (text,)) for name, text in (("a", "1"), ("a", "2"), ("b", "1")))
    for artefact in (old, new, other):
        store.make(artefact, tmp_path / "log")
    assert store.prune([new]) == []
    long_ago = time.time() - FORGOTTEN_SECONDS - 60
    for artefact in (old, new, other):
        os.utime(store.path(artefact), (long_ago, long_ago))
    assert store.prune([new]) == [store.path(old).name]
    assert store.has(new)
    assert store.has(other)
