"""Keeps two runs from working on one lab at the same time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lab.errors import LabError


@contextmanager
def only_run(folder: Path, name: str) -> Iterator[None]:
    """Hold the lab `name` for this process. Raises LabError at once, naming the holder, when another run has it.

    The kernel drops the lock with its process, so a killed run leaves nothing to clean up.
    """
    holder = folder / f"resilient-traefik-{name}.holder"
    lock = FileLock(folder / f"resilient-traefik-{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LabError(
            f"Another run is working on the lab '{name}': {_describe(holder)}.", "Wait for it, or end it."
        ) from None
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "since": time.time()}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _describe(holder: Path) -> str:
    try:
        record = json.loads(holder.read_text())
        age = time.time() - float(record["since"])
        began = time.strftime("%H:%M:%S", time.localtime(float(record["since"])))
        return f"process {record['pid']}, since {began} ({age:.0f} s ago)"
    except (OSError, ValueError, KeyError):
        # It holds the lock and has not written its name yet.
        return "a process that has just started"
