"""The order of building."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import commands
from lab.cache import Artefact, Store, Workplace
from lab.graph import build_all, in_order
from lab.progress import Progress


@pytest.fixture(autouse=True)
def _commands_allowed() -> Iterator[None]:
    yield
    commands.resume()


def nothing(_workplace: Workplace) -> None:
    """An artefact without files."""


def test_needs_come_first_and_long_chains_before_short_ones() -> None:
    root = Artefact("root", nothing, (), seconds=90)
    quick = Artefact("quick", nothing, (), seconds=1)
    slow = Artefact("slow", nothing, (), seconds=300)
    top = Artefact("top", nothing, (), (quick, slow, root), seconds=5)
    alone = Artefact("alone", nothing, (), seconds=10)
    assert [artefact.name for artefact in in_order([alone, top])] == ["slow", "root", "quick", "top", "alone"]


def test_equal_artefacts_are_built_once(tmp_path: Path) -> None:
    one, same = Artefact("a", nothing, ("x",)), Artefact("a", nothing, ("x",))
    top = Artefact("top", nothing, (), (one,))
    assert len(in_order([top, same])) == 2


def test_builds_only_what_is_missing_and_in_order(tmp_path: Path) -> None:
    seen: list[str] = []
    guard = threading.Lock()

    def build(workplace: Workplace) -> None:
        with guard:
            seen.append(workplace.destination.name.rsplit("-", 1)[0])
        assert all(path.is_dir() for path in workplace.needs.values())

    base = Artefact("base", build, ())
    top = Artefact("top", build, (), (base,))
    store, progress = Store(tmp_path), Progress(out=io.StringIO())
    assert build_all([top], store, tmp_path / "logs", progress) == [base, top]
    assert seen == ["base", "top"]
    assert build_all([top], store, tmp_path / "logs", progress) == []


def test_a_failure_stops_the_rest_and_keeps_what_is_done(tmp_path: Path) -> None:
    def fail(_workplace: Workplace) -> None:
        raise RuntimeError("broken")

    good = Artefact("good", nothing, ())
    bad = Artefact("bad", fail, (), (good,))
    top = Artefact("top", nothing, (), (bad,))
    store = Store(tmp_path)
    with pytest.raises(RuntimeError, match="broken"):
        build_all([top], store, tmp_path / "logs", Progress(out=io.StringIO()))
    assert store.has(good)
    assert not store.has(top)
