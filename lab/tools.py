"""Puts programs into lab/bin: those of a cluster, and those that need none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab import preflight
from lab.cache import Store
from lab.graph import build_all
from lab.kit import RULE_TOOLS, rule_tools
from lab.progress import Progress
from lab.settings import LAB_FOLDER, Settings

TOOLS_FOLDER = LAB_FOLDER / "bin"


def tools(settings: Settings, progress: Progress) -> None:
    """Build the programs that check rules and routes, without a cluster. Raises LabError with the remedy."""
    preflight.check_for_tools(settings)
    store = Store(settings.cache)
    build_all([module.artefact() for module in RULE_TOOLS.values()], store, settings.logs, progress)
    link_tools(rule_tools(store))
    progress.say(f"{', '.join(RULE_TOOLS)} are in {TOOLS_FOLDER}")


def link_tools(programs: Mapping[str, Path]) -> None:
    """Let lab/bin lead to these programs: name to file."""
    TOOLS_FOLDER.mkdir(exist_ok=True)
    for name, program in programs.items():
        _link(TOOLS_FOLDER / name, program)


def _link(link: Path, target: Path) -> None:
    fresh = link.with_name(f"{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
