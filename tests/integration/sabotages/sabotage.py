"""One sabotage: what is done, and by which words a failed check of which area has to tell it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.integration.sabotages.changes import Change


@dataclass(frozen=True)
class Sabotage:
    """``words`` all stand in one failed check of the ``area`` of the report, and in none where this was not done.

    Those of a ``stage`` are done at once and do not hide each other. ``drill`` is the scenario that deviates where it
    was done, empty where visitors would feel it in none.
    """

    name: str
    stage: int
    area: str
    words: tuple[str, ...]
    changes: tuple[Change, ...]
    drill: str = ""
