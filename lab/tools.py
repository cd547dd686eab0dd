"""Puts programs into lab/bin: those of a cluster, and those that need none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lab import debian, preflight
from lab.cache import Store
from lab.debian import DebianPrograms
from lab.go_programs import ALERTMANAGER, PROMETHEUS, GoModule
from lab.graph import build_all
from lab.progress import Progress
from lab.settings import LAB_FOLDER, Settings

TOOLS_FOLDER = LAB_FOLDER / "bin"
# What rules and routes are checked with, out of packages: the oldest versions that the rules support.
PACKAGED = DebianPrograms(
    "rule-tools",
    ("prometheus", "prometheus-alertmanager"),
    {"promtool": "usr/bin/promtool", "amtool": "usr/bin/amtool", "alertmanager": "usr/bin/prometheus-alertmanager"},
    with_share=("alertmanager",),
)
# The same in the versions that the lab's monitoring runs, by the names of RULE_TOOLS_SOURCES.
RULE_TOOLS: Mapping[str, Mapping[str, GoModule | DebianPrograms]] = {
    "packages": dict.fromkeys(PACKAGED.programs, PACKAGED),
    "build": {"promtool": PROMETHEUS, "amtool": ALERTMANAGER, "alertmanager": ALERTMANAGER},
}


def tools(settings: Settings, progress: Progress) -> None:
    """Fetch or build the programs that check rules and routes, without a cluster. Raises LabError with the remedy."""
    source = settings.rule_tools or ("packages" if debian.is_there() else "build")
    preflight.check_for_tools(settings, source)
    store = Store(settings.cache)
    build_all({made.artefact() for made in RULE_TOOLS[source].values()}, store, settings.logs, progress)
    link_tools(rule_tools(source, store))
    progress.say(f"{', '.join(RULE_TOOLS[source])} are in {TOOLS_FOLDER} (LAB_RULE_TOOLS={source})")


def rule_tools(source: str, store: Store) -> dict[str, Path]:
    """The programs that check rules, once they are in the store."""
    return {name: store.path(made.artefact()) / name for name, made in RULE_TOOLS[source].items()}


def link_tools(programs: Mapping[str, Path]) -> None:
    """Let lab/bin lead to these programs: name to file."""
    TOOLS_FOLDER.mkdir(exist_ok=True)
    for name, program in programs.items():
        _link(TOOLS_FOLDER / name, program)


def _link(link: Path, target: Path) -> None:
    # Two labs may be at it at the same time.
    fresh = link.with_name(f"{link.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
