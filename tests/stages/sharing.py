"""Lets runs of pytest on several labs share files of tests: each file is played by the run that comes to it first.

A plugin of pytest's. With the variable SHARED_FILES, a folder that all of these runs have, a run takes one file after
the other, and leaves out those that another one has taken; without it, it does nothing. A run that ends before its
files are through fails, so that runs which all pass have played every file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

VARIABLE = "SHARED_FILES"
# Those that take minutes, the longest first: of those that are played together, and of those that are alone. What is
# taken last, everybody else waits for.
LONG = (
    "test_proxy_roles.py",
    "test_proxy_roles_faults.py",
    "test_proxy_neighbours.py",
    "test_engine_modules.py",
    "test_middleware_chain.py",
    "test_traefik_crd.py",
    "test_role_retry.py",
    "test_harden.py",
    "test_forward_auth_check.py",
    "test_traefik_settings_helm.py",
    "test_lock_kept.py",
    # It measures time: by now less runs beside it.
    "test_drill.py",
    "test_sabotages.py",
    "test_refused.py",
    "test_rollback_harmless.py",
    "test_hardening_kept.py",
    "test_parity.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Play the files that no other run has taken."""
    folder = os.environ.get(VARIABLE)
    if not folder or session.config.option.collectonly:
        return None
    if session.testsfailed:
        # As pytest's own loop: what could not be collected fails the run.
        raise session.Interrupted(f"{session.testsfailed} errors during collection")
    files = in_order(session.items)
    for number, (file, items) in enumerate(files):
        if take(Path(folder), file):
            # Any test of another file will do: what a file has set up is taken down, and what all share stays.
            following = files[number + 1][1][0] if number + 1 < len(files) else None
            _play(session, items, following)
    return True


def _play(session: pytest.Session, items: Sequence[pytest.Item], following: pytest.Item | None) -> None:
    for item, next_item in zip(items, [*items[1:], following], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)


def in_order(items: Iterable[pytest.Item]) -> list[tuple[str, list[pytest.Item]]]:
    """The tests by file, in the order in which files are taken: those of LONG first."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.split("::")[0], []).append(item)
    return sorted(files.items(), key=lambda each: rank(Path(each[0]).name))


def rank(name: str) -> int:
    """Return the place of a file in LONG, the one after the last for all others."""
    return LONG.index(name) if name in LONG else len(LONG)


def take(folder: Path, file: str) -> bool:
    """Whether this run is the first to ask for the file."""
    try:
        (folder / f"{file.replace('/', '.')}.taken").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
