"""The two sources of a lab's parts, and the choice between them. What they hand over has one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import commands
from lab.cache import Artefact, Store
from lab.engine import Engine, answers, kind_environment, podman_for_building
from lab.errors import LabError
from lab.go_programs import KIND, KUBERNETES, traefik_definitions
from lab.graph import build_all
from lab.image_catalogue import ARCHIVE, WorkloadImage, workload_images
from lab.node_image import node_image_artefact
from lab.progress import Progress
from lab.settings import SOURCES, Settings, read_record

REACH_SECONDS = 20.0


@dataclass(frozen=True)
class LoadableImage:
    """An image archive to load into the nodes; `key` changes with its content."""

    reference: str
    archive: Path
    key: str


@dataclass(frozen=True)
class Kit:
    """Everything a cluster is made of, whichever source it came from."""

    source: str
    engine: Engine
    node_image: str
    tools: Mapping[str, Path]
    images: tuple[LoadableImage, ...]
    traefik_definitions: Path
    built: tuple[str, ...]


def choose_source(settings: Settings) -> str:
    """LAB_SOURCE if set, else what the standing cluster came from, else `registry` when a node image is in reach."""
    if settings.source:
        return settings.source
    standing = read_record(settings).get("source")
    if standing in SOURCES:
        return str(standing)
    return "registry" if _engine_with_registry(settings) else "build"


def prepare(settings: Settings, source: str, store: Store, progress: Progress) -> Kit:
    """Fetch or build what is missing. Raises LabError when a part cannot be had."""
    images = workload_images(settings.traefik_version)
    definitions = traefik_definitions(settings.traefik_version).artefact()
    common = [KIND.artefact(), definitions, *(image.artefact() for image in images)]
    if source == "registry":
        return _from_registry(settings, store, progress, common, images, definitions)
    kubernetes, node = KUBERNETES.artefact(), node_image_artefact()
    built = build_all([node, kubernetes, *common], store, settings.logs, progress)
    engine = podman_for_building(settings.state, settings.network)
    layout = store.path(node)
    reference = f"localhost/{layout.name}:latest"
    if not engine.has_image(reference):
        with progress.step("store the node image"):
            _store_node_image(engine, layout)
    tools = {"kubectl": store.path(kubernetes) / "kubectl", "kind": store.path(KIND.artefact()) / "kind"}
    return _kit(source, engine, reference, tools, store, images, definitions, built)


def _from_registry(
    settings: Settings,
    store: Store,
    progress: Progress,
    common: list[Artefact],
    images: tuple[WorkloadImage, ...],
    definitions: Artefact,
) -> Kit:
    engine = _engine_with_registry(settings)
    if engine is None:
        raise LabError(
            f"No container engine answers that can reach the node image {settings.node_image}.",
            "Start Docker or Podman, check its registry, name another image (LAB_NODE_IMAGE), or use LAB_SOURCE=build.",
        )
    built = build_all(common, store, settings.logs, progress)
    if not engine.has_image(settings.node_image):
        with progress.step("pull the node image"):
            engine.run("pull", settings.node_image, doing=f"pulling {settings.node_image}", timeout=1800)
    kubectl = _kubectl_of_image(engine, settings.node_image, store)
    tools = {"kubectl": kubectl, "kind": store.path(KIND.artefact()) / "kind"}
    return _kit("registry", engine, settings.node_image, tools, store, images, definitions, built)


def _kit(
    source: str,
    engine: Engine,
    node_image: str,
    tools: Mapping[str, Path],
    store: Store,
    images: tuple[WorkloadImage, ...],
    definitions: Artefact,
    built: list[Artefact],
) -> Kit:
    loadable = []
    for image in images:
        artefact = image.artefact()
        loadable.append(LoadableImage(image.reference, store.path(artefact) / ARCHIVE, artefact.key))
    names = tuple(artefact.name for artefact in built)
    return Kit(source, engine, node_image, tools, tuple(loadable), store.path(definitions), names)


def _engine_with_registry(settings: Settings) -> Engine | None:
    for program in ("docker", "podman"):
        if answers(program):
            engine = Engine(program, kind_environment(program, settings.network))
            if engine.has_image(settings.node_image) or _reaches(engine, settings.node_image):
                return engine
    return None


def _reaches(engine: Engine, image: str) -> bool:
    try:
        asked = engine.run(
            "manifest", "inspect", image, doing=f"looking for {image}", check=False, timeout=REACH_SECONDS
        )
    except LabError:
        # A registry that does not answer in time is none that a lab can be built from.
        return False
    return asked.returncode == 0


def _store_node_image(engine: Engine, layout: Path) -> None:
    # Podman names the image after the layout's path as given, and a whole path can be no name.
    command = [engine.program, "pull", "--quiet", f"oci:{layout.name}"]
    commands.run(command, doing="storing the node image", cwd=layout.parent, env=engine.environment, timeout=600)


def _kubectl_of_image(engine: Engine, image: str, store: Store) -> Path:
    """The node image's own kubectl: the right version, and no other download."""
    identity = engine.run("image", "inspect", "--format", "{{.Id}}", image, doing=f"identifying {image}").stdout
    folder = store.folder / "kubectl" / identity.strip().removeprefix("sha256:")[:16]
    if not (folder / "kubectl").exists():
        folder.mkdir(parents=True, exist_ok=True)
        container = engine.run("create", image, doing="opening the node image").stdout.strip()
        try:
            engine.run(
                "cp",
                f"{container}:/usr/bin/kubectl",
                folder / "kubectl.new",
                doing="taking kubectl out of the node image",
            )
        finally:
            engine.run("rm", "--force", "--volumes", container, doing="closing the node image")
        (folder / "kubectl.new").rename(folder / "kubectl")
    return folder / "kubectl"
