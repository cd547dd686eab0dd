"""Everything a cluster is made of, in the one form that both sources hand over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.cache import Artefact, Store
from lab.engine import Engine
from lab.go_programs import (
    KIND,
    PROMETHEUS_OPERATOR_DEFINITIONS,
    GoModule,
    GoModuleFiles,
    traefik_definitions,
)
from lab.image_catalogue import ARCHIVE, DebianImage, WorkloadImage, workload_images
from lab.settings import Settings
from lab.wheels import CLIENTS, WheelPrograms

# Programs for the host: lab/bin gets a link to each. A line here is all that another tool needs.
HOST_TOOLS: tuple[GoModule | WheelPrograms, ...] = (KIND, CLIENTS)


@dataclass(frozen=True)
class LoadableImage:
    """An image archive to load into the nodes; `key` changes with its content."""

    reference: str
    archive: Path
    key: str


@dataclass(frozen=True)
class Kit:
    """The parts. `built` names what this run had to build: empty means that everything was in the cache."""

    source: str
    engine: Engine
    node_image: str
    tools: Mapping[str, Path]
    images: tuple[LoadableImage, ...]
    definitions: tuple[Path, ...]
    built: tuple[str, ...]


def common_artefacts(settings: Settings) -> list[Artefact]:
    """What both sources build: the host's tools, the workloads' definitions, and their images."""
    tools = [programs.artefact() for programs in HOST_TOOLS]
    images = [image.artefact() for image in _images(settings)]
    return [*tools, *(files.artefact() for files in _definitions(settings)), *images]


def assemble(
    settings: Settings, source: str, engine: Engine, node_image: str, store: Store, built: list[Artefact]
) -> Kit:
    """The kit, once `common_artefacts` are in the store."""
    tools = {name: store.path(made.artefact()) / name for made in HOST_TOOLS for name in made.programs}
    images = []
    for image in _images(settings):
        artefact = image.artefact()
        images.append(LoadableImage(image.reference, store.path(artefact) / ARCHIVE, artefact.key))
    definitions = tuple(store.path(files.artefact()) for files in _definitions(settings))
    names = tuple(artefact.name for artefact in built)
    return Kit(source, engine, node_image, tools, tuple(images), definitions, names)


def _images(settings: Settings) -> tuple[WorkloadImage | DebianImage, ...]:
    return workload_images(settings.traefik_version, monitoring=settings.monitoring, authentik_db=settings.authentik_db)


def _definitions(settings: Settings) -> list[GoModuleFiles]:
    traefik = traefik_definitions(settings.traefik_version)
    return [traefik, PROMETHEUS_OPERATOR_DEFINITIONS] if settings.monitoring else [traefik]
