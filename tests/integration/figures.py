"""The table that closes a run: what was measured through each Traefik replica."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.http_in_pod import Answer

Row = tuple[str, str, Answer]
# Takes a case's name and its answers by replica.
Record = Callable[[str, dict[str, Answer]], None]

_ROWS: pytest.StashKey[list[Row]] = pytest.StashKey()


def recorder(config: pytest.Config) -> Record:
    """Adds to the table of this run."""
    rows = config.stash.setdefault(_ROWS, [])
    return lambda case, answers: rows.extend((case, replica, answer) for replica, answer in answers.items())


def show(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table when anything was recorded."""
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    reporter.section("measured through each Traefik replica")
    width = max(len(case) for case, _replica, _answer in rows)
    reporter.write_line(f"{'case':{width}}  {'replica':26}  status  seconds")
    for case, replica, answer in rows:
        status = str(answer.status or "none")
        reporter.write_line(f"{case:{width}}  {replica:26}  {status:>6}  {answer.seconds:7.2f}")
