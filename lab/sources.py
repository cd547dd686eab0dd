"""The choice between the two sources of a lab's parts."""

from __future__ import annotations

from lab import source_build, source_registry
from lab.cache import Store
from lab.kit import Kit
from lab.progress import Progress
from lab.settings import SOURCES, Settings, read_record


def choose_source(settings: Settings) -> str:
    """LAB_SOURCE if set, else what the standing cluster came from, else `registry` when a node image is in reach."""
    if settings.source:
        return settings.source
    standing = read_record(settings).get("source")
    if standing in SOURCES:
        return str(standing)
    return "registry" if source_registry.engine_in_reach(settings) else "build"


def prepare(settings: Settings, source: str, store: Store, progress: Progress) -> Kit:
    """Fetch or build what is missing. Raises LabError when a part cannot be had."""
    if source == "registry":
        return source_registry.prepare(settings, store, progress)
    return source_build.prepare(settings, store, progress)
