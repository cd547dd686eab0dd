"""Runs a few jobs at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from lab import commands


def run_all(jobs: Sequence[Callable[[], None]], beat: Callable[[], None]) -> None:
    """Run every job in a thread of its own. The first failure ends the others' programs and is raised."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            while True:
                finished, unfinished = wait(futures, timeout=1, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                if not unfinished:
                    return
                beat()
        except BaseException:
            commands.stop_all()
            raise
