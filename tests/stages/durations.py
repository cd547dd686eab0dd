"""Records where a run's time goes: what each test took, computed and waited for. A plugin of pytest's.

With the variable DURATIONS it appends to the files of that folder, one JSON object a line; without it, it does nothing.
tests/stages/callback/durations.py adds the tasks of playbooks, tests/stages/table.py makes the table.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "DURATIONS"
CALLBACKS = Path(__file__).parent / "callback"
_elsewhere = 0.0
OUTCOME: pytest.StashKey[str] = pytest.StashKey()


def note(kind: str, **facts: Any) -> None:
    """Append one line to this process's file."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    with (Path(folder) / f"{os.getpid()}.jsonl").open("a") as file:
        file.write(json.dumps({"kind": kind} | facts) + "\n")


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Count the time of the block as a wait for `what`."""
    began = time.monotonic()
    try:
        yield
    finally:
        note("wait", what=what, seconds=round(time.monotonic() - began, 3))


def recording_environment(plugins: Path | None = None, enabled: str = "") -> dict[str, str]:
    """Variables by which ansible-playbook records its tasks here, beside the callback that a test enables itself."""
    folders = [str(folder) for folder in (plugins, CALLBACKS) if folder]
    names = [name for name in (enabled, "durations") if name]
    return {"ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(folders), "ANSIBLE_CALLBACKS_ENABLED": ",".join(names)}


def computed_elsewhere(seconds: float) -> None:
    """Count processor time of a process that is a child of another one, which has not ended yet."""
    global _elsewhere
    _elsewhere += seconds


def cpu_seconds() -> float:
    """Processor time of this process, of its ended children and of `computed_elsewhere`, in seconds."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system + _elsewhere


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Take the time of a test, fixtures included."""
    began, computed = time.monotonic(), cpu_seconds()
    result = yield
    reasons = [str(mark.args[0]) for mark in item.iter_markers("variation") if mark.args]
    note(
        "test",
        id=item.nodeid,
        outcome=item.stash.get(OUTCOME, "passed"),
        seconds=round(time.monotonic() - began, 3),
        cpu=round(cpu_seconds() - computed, 3),
        variation=reasons[0] if reasons else "",
    )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember the worst that became of a test's three phases."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.outcome != "passed":
        item.stash[OUTCOME] = report.outcome
    return report  # type: ignore[return-value]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a variation that gives no reason."""
    for item in items:
        for mark in item.iter_markers("variation"):
            if not mark.args or not str(mark.args[0]).strip():
                raise pytest.UsageError(f"{item.nodeid}: give the mark variation a reason.")
