# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report as a table of text. Pure.

A cluster with a hundred sites has thousands of checks: people get the counts of each area and every check that failed,
the files have them all.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator

from ansible_collections.resilient.traefik.plugins.module_utils.proof.collected import (
    NOT_LOOKED_AT,
    NOT_THERE,
    AreaCheck,
    Collected,
)

WIDTH = 100
_HEAD = ("AREA", "PASSED", "FAILED")
_WIDEST_AREA = 40
_INDENT = " " * 8


def table(title: str, cluster: str, collected: Collected) -> list[str]:
    """Lines of at most WIDTH columns: the counts, a row for each area, then every check that did not pass."""
    failed = collected.failed
    return [
        *wrapped(f"{title}, cluster {cluster}: {collected.passed} passed, {len(failed)} failed"),
        "",
        *_areas(collected),
        *(line for each in failed for line in ["", *_failure(each)]),
    ]


def _areas(collected: Collected) -> Iterator[str]:
    passed = Counter(each.area for each in collected.checks if each.check.passed)
    failed = Counter(each.area for each in collected.failed)
    areas = dict.fromkeys([*(each.area for each in collected.checks), *collected.unchecked])
    rows = [_HEAD, *((area, str(passed[area] or "-"), str(failed[area] or "-")) for area in areas)]
    width = min(_WIDEST_AREA, max(len(row[0]) for row in rows))
    unseen = {each.name: each for each in collected.areas if each.state in (NOT_LOOKED_AT, NOT_THERE)}
    for area, well, ill in rows:
        row = f"{area[:width]:{width}}  {well:>6}  {ill:>6}"
        told = unseen.get(area)
        yield from wrapped(f"{row}  {told.state.replace('_', ' ')}: {told.reason}") if told else [row]


def _failure(each: AreaCheck) -> Iterator[str]:
    yield from wrapped(f"FAILED  {each.area}: {each.check.name}")
    yield from wrapped(f"expected {each.check.expected}", _INDENT)
    yield from wrapped(f"found    {each.check.found}", _INDENT)


def wrapped(text: str, indent: str = "") -> list[str]:
    """The text in lines of at most WIDTH columns, those after the first one indented."""
    lines: list[str] = []
    for line in text.splitlines():
        first = _INDENT if lines else indent
        lines += textwrap.wrap(line, WIDTH, initial_indent=first, subsequent_indent=_INDENT, break_on_hyphens=False)
    return lines
