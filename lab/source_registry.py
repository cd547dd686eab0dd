"""The source `registry`: the published node image, pulled by Docker or Podman; the rest is the same as in `build`."""

from __future__ import annotations

from lab.cache import Store
from lab.engine import Engine, answers, kind_environment
from lab.errors import LabError
from lab.graph import build_all
from lab.kit import Kit, assemble, common_artefacts
from lab.progress import Progress
from lab.settings import Settings

REACH_SECONDS = 20.0


def engine_in_reach(settings: Settings) -> Engine | None:
    """The first engine that answers and has the node image, or a registry that has it; None when there is none."""
    for program in ("docker", "podman"):
        if answers(program):
            engine = Engine(program, kind_environment(program, settings.network))
            if engine.has_image(settings.node_image) or _reaches(engine, settings.node_image):
                return engine
    return None


def prepare(settings: Settings, store: Store, progress: Progress) -> Kit:
    """Pull the node image unless it is there, build the rest. Raises LabError when a part cannot be had."""
    engine = engine_in_reach(settings)
    if engine is None:
        raise LabError(
            f"No container engine answers that can reach the node image {settings.node_image}.",
            "Start Docker or Podman, check its registry, name another image (LAB_NODE_IMAGE), or use LAB_SOURCE=build.",
        )
    built = build_all(common_artefacts(settings), store, settings.logs, progress)
    if not engine.has_image(settings.node_image):
        with progress.step("pull the node image"):
            engine.run("pull", settings.node_image, doing=f"pulling {settings.node_image}", timeout=1800)
    return assemble(settings, "registry", engine, settings.node_image, store, built)


def _reaches(engine: Engine, image: str) -> bool:
    command = ["manifest", "inspect", image]
    try:
        asked = engine.run(*command, doing=f"looking for {image}", check=False, timeout=REACH_SECONDS)
    except LabError:
        # A registry that does not answer in time is none that a lab can be built from.
        return False
    # Podman 4 reads the manifest of an image for one platform, and then refuses to print it.
    return asked.returncode == 0 or "single images" in asked.stderr
