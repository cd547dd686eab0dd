"""The errors that the lab explains to its user instead of showing a traceback."""

from __future__ import annotations

import errno


class LabError(Exception):
    """What failed and what to do about it: two short texts for a person."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n  -> {self.remedy}" if self.remedy else self.problem


class DiskFull(LabError):
    """A write failed because the disk is full."""

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"The disk became full while: {doing}. Unfinished files were removed.",
            "Free some space, or put the cache on a larger disk (XDG_CACHE_HOME=/another/place), "
            "then run it again: finished steps are kept.",
        )


class Interrupted(LabError):
    """A signal asked the lab to stop."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(f"Stopped by {signal_name}. Finished steps are kept: the next run goes on from there.")


def is_disk_full(error: OSError) -> bool:
    """Whether the operating system refused a write for lack of space or quota."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
