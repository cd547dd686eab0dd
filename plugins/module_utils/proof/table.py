# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report as a table of text. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from ansible_collections.resilient.traefik.plugins.module_utils.proof.collected import AreaCheck, Collected

WIDTH = 100
_GAP = "  "
_HEAD = ("RESULT", "AREA", "CHECK", "FOUND")
_WIDEST_AREA = 16


def table(title: str, cluster: str, collected: Collected) -> list[str]:
    """Lines of at most WIDTH columns: the counts, then a row for every check; a failed one says what was expected."""
    rows = [_HEAD, *(_row(each) for each in collected.checks)]
    rows += [("none", area, "nothing was checked", "") for area in collected.unchecked]
    widths = _widths(rows)
    return [
        *_wrapped(_counts(title, cluster, collected), WIDTH),
        "",
        *(line for row in rows for line in _lines(row, widths)),
    ]


def _counts(title: str, cluster: str, collected: Collected) -> str:
    return f"{title}, cluster {cluster}: {collected.passed} passed, {len(collected.failed)} failed"


def _row(each: AreaCheck) -> tuple[str, str, str, str]:
    check = each.check
    if check.passed:
        return ("passed", each.area, check.name, check.found)
    return ("FAILED", each.area, check.name, f"{check.found}\nEXPECTED {check.expected}")


def _widths(rows: Iterable[Sequence[str]]) -> list[int]:
    """The check gets a little more than what it was found to be."""
    result = len(_HEAD[0])
    area = min(_WIDEST_AREA, max(len(row[1]) for row in rows))
    rest = WIDTH - result - area - 3 * len(_GAP)
    return [result, area, rest * 11 // 20, rest - rest * 11 // 20]


def _lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    cells = [_wrapped(text, width) for text, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*cells, fillvalue=""):
        yield _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()


def _wrapped(text: str, width: int) -> list[str]:
    """Every line of the text, wrapped at blanks; only a word that fits into no line is broken."""
    fitting = re.sub(rf"(\S{{{width}}})(?=\S)", r"\1 ", text)
    lines = (
        textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) for line in fitting.splitlines()
    )
    return [piece for pieces in lines for piece in pieces] or [""]
