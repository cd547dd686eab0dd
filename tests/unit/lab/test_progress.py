"""What the lab says while it works."""

from __future__ import annotations

import io

import pytest

from lab.progress import Figure, Progress, summary


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_a_step_with_elapsed_time_and_what_is_left() -> None:
    clock, out = Clock(), io.StringIO()
    progress = Progress(out=out, clock=clock)
    progress.plan("one", "two", "three")
    clock.now = 1.0
    with progress.step("one"):
        clock.now = 3.5
    first, second = out.getvalue().splitlines()
    assert first == "[   1.0 s] one ..."
    assert second == "[   3.5 s] one: done in 2.5 s; 2 left: two, three"
    assert progress.figures == [Figure("one", 2.5)]


def test_a_failed_step_is_not_called_done() -> None:
    out = io.StringIO()
    progress = Progress(out=out, clock=Clock())
    with pytest.raises(ValueError, match="no"), progress.step("one"):
        raise ValueError("no")
    assert "done" not in out.getvalue()
    assert progress.figures == []


def test_long_steps_are_named_while_they_run() -> None:
    clock, out = Clock(), io.StringIO()
    progress = Progress(out=out, clock=clock)
    with progress.step("compile"):
        clock.now = 20.0
        progress.beat()
        assert "still" not in out.getvalue()
        clock.now = 31.0
        progress.beat()
        assert "still at it: compile (31 s)" in out.getvalue()


def test_summary_names_the_longest_first_and_leaves_out_what_took_no_time() -> None:
    assert summary([Figure("a", 0.01), Figure("b", 1.0), Figure("c", 20.0)]) == ["    20.0 s  c", "     1.0 s  b"]
