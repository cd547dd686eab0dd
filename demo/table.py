"""The figures before and after, side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from demo.measure import EMERGENCY, LOGGED_IN, NOBODY, Measured

WIDTH = 96
LEGEND = "200 the site, 302 to the login, 401 asks for the emergency login, 403 refused, 500 error"
# What each visitor is to get whatever fails.
WANTED = {"a person": {200}, "a crawler": {403}, NOBODY: {302, 401}, LOGGED_IN: {200, 401}, EMERGENCY: {200, 302}}
LONGEST = 2.5


def is_well(measured: Measured) -> bool:
    """Whether the visitor got what he is to get, from every replica and in time."""
    return set(measured.statuses) <= WANTED[measured.visit.who] and measured.longest <= LONGEST


def table_of(before: Sequence[Measured], after: Sequence[Measured]) -> Table:
    """One row a visit."""
    title = "Through every Traefik replica: the answers, and the slowest one"
    # Without vertical lines: from one line of text to the next they would have gaps in the picture.
    table = Table(title=title, caption=LEGEND, box=box.SIMPLE)
    for name in ("What fails", "Site", "Who asks", "Before", "After harden"):
        table.add_column(name, no_wrap=True)
    last = ""
    for old, new in zip(before, after, strict=True):
        if last and old.failure != last:
            table.add_section()
        failure = old.failure if old.failure != last else ""
        table.add_row(failure, old.visit.host, old.visit.who, _told(old), _told(new))
        last = old.failure
    return table


def show(table: Table, picture: Path) -> None:
    """Prints the table and writes it as an SVG picture."""
    Console(width=WIDTH).print(table)
    picture.parent.mkdir(parents=True, exist_ok=True)
    recorder = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    recorder.print(table)
    # Without the fonts that the picture would fetch: it is to be the same without a network.
    picture.write_text(re.sub(r"@font-face \{.*?\}", "", recorder.export_svg(title="make demo"), flags=re.DOTALL))


def _told(measured: Measured) -> str:
    statuses = ", ".join(str(status or "no answer") for status in measured.statuses)
    colour = "green" if is_well(measured) else "bold red"
    return f"[{colour}]{statuses} in {measured.longest:.2f} s[/]"
