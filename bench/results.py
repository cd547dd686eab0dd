"""What was measured, kept as data: one case can be measured again without the others, and the table is made of all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

Series = Mapping[str, Sequence[float]]


@dataclass
class Section:
    """One case: its samples by name, one a round, and the load average (1 minute) before each measurement.

    ``discarded`` measurements were made again, because an answer was not as it should be.
    """

    when: str
    rounds: int
    series: dict[str, list[float]] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)
    discarded: int = 0


@dataclass
class Results:
    """All cases by name, what --check --diff shows of Secrets, and the versions of the newest run."""

    sections: dict[str, Section] = field(default_factory=dict)
    secrets: dict[str, bool] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def series(self) -> dict[str, list[float]]:
        """The samples of all cases but the floor, which each has for itself."""
        return {
            name: values
            for section in self.sections.values()
            for name, values in section.series.items()
            if name != "floor"
        }

    def section_of(self, name: str) -> Section:
        """The case that has these samples. Raises KeyError where none has."""
        for section in self.sections.values():
            if name in section.series:
                return section
        raise KeyError(name)


def read(path: Path) -> Results:
    """What was kept; nothing where there is no such file."""
    if not path.exists():
        return Results()
    kept = json.loads(path.read_text())
    sections = {name: Section(**section) for name, section in kept["sections"].items()}
    return Results(sections, kept["secrets"], kept["versions"])


def write(results: Results, path: Path) -> None:
    """Keep it, five digits of each figure."""
    kept = asdict(results)
    for section in kept["sections"].values():
        section["series"] = {name: [_rounded(value) for value in values] for name, values in section["series"].items()}
    path.write_text(json.dumps(kept, indent=1) + "\n")


def add(path: Path, name: str, section: Section, secrets: Mapping[str, bool], versions: Mapping[str, str]) -> Results:
    """Keep one case beside what is kept, and return all of it."""
    found = read(path)
    found.sections[name] = section
    found.secrets.update(secrets)
    found.versions.update(versions)
    write(found, path)
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
