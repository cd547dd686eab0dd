"""Takes the lab down: no container, network, volume or process stays; the cache does."""

from __future__ import annotations

from lab.engine import Engine, answers, kind_environment, podman_for_building
from lab.progress import Progress
from lab.settings import Settings


def down(settings: Settings, progress: Progress) -> None:
    """Remove this lab from every engine that answers. Says what was removed."""
    removed: list[str] = []
    for engine in engines(settings):
        removed += engine.remove_cluster(settings.name, settings.node_names)
        if engine.remove_network(settings.network):
            removed.append(settings.network)
    settings.record.unlink(missing_ok=True)
    settings.kubeconfig.unlink(missing_ok=True)
    progress.say(f"removed: {', '.join(removed)}" if removed else f"there was no lab '{settings.name}'")


def engines(settings: Settings) -> list[Engine]:
    """Every engine that answers: a lab may have been made by another source than the one that would be chosen now."""
    found = []
    if answers("docker"):
        found.append(Engine("docker", kind_environment("docker", settings.network)))
    if answers("podman"):
        found.append(podman_for_building(settings.state, settings.network))
    return found
