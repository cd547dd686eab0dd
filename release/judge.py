"""What Galaxy, its importer and the documentation's own linter say of an artefact."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from release.artefact import program

# What users get, and nothing else.
ROOMS = (
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "awx",
    "bindep.txt",
    "changelogs",
    "docs",
    "execution-environment.yml",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
    "tests/config.yml",
)
_BAD = ("ERROR", "WARNING", "CRITICAL", "Traceback")


def judge(artefact: Path, lint: bool) -> list[str]:
    """All that is wrong with the artefact, a line each. `lint` has the importer run ansible-lint too: over a minute."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        return [
            *(f"in the artefact, and in no room of it: {name}" for name in strangers(artefact)),
            *(f"galaxy-importer: {line}" for line in _imported(artefact, folder, lint)),
            *(f"antsibull-docs: {line}" for line in _documented(artefact, folder)),
        ]


def strangers(artefact: Path) -> list[str]:
    """Files that belong to no room of ROOMS, or to a hidden folder."""
    with tarfile.open(artefact) as tar:
        names = [member.name for member in tar.getmembers() if not member.isdir()]
    rooms = tuple(f"{room}/" for room in ROOMS)
    return [
        name
        for name in names
        if not f"{name}/".startswith(rooms) or any(part.startswith(".") for part in name.split("/"))
    ]


def _imported(artefact: Path, folder: Path, lint: bool) -> Iterator[str]:
    settings = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": str(lint), "GALAXY_IMPORTER_TMP_ROOT_DIR": str(folder)}
    command = [sys.executable, "-m", "galaxy_importer.main", str(artefact)]
    code, lines = _run(command, folder, settings)
    # ansible-lint looks for what AWX's project imports among installed collections, and the importer installs none.
    unseen = tuple(f"Failed to find resilient.traefik.{name} playbook." for name in _playbooks(artefact))
    yield from (line for line in lines if line.startswith(_BAD) and not line.endswith(unseen))
    if code:
        yield f"ended with {code}"


def _playbooks(artefact: Path) -> list[str]:
    with tarfile.open(artefact) as tar:
        paths = [Path(name) for name in tar.getnames()]
    return [path.stem for path in paths if path.parent == Path("playbooks") and path.suffix == ".yml"]


def _documented(artefact: Path, folder: Path) -> Iterator[str]:
    """antsibull-docs on the installed artefact, where its plugins are found by their full names."""
    install = [
        program("ansible-galaxy"),
        "collection",
        "install",
        "--no-deps",
        "--offline",
        "-p",
        str(folder),
        str(artefact),
    ]
    # Else a checkout on the path counts as installed.
    here = {"ANSIBLE_COLLECTIONS_PATH": str(folder)}
    code, lines = _run(install, folder, here)
    if code:
        yield from lines
        return
    collection = folder / "ansible_collections/resilient/traefik"
    # The linter wants a collection's source: what an artefact has of it is in the manifest.
    (collection / "galaxy.yml").write_text("namespace: resilient\nname: traefik\nversion: 0.0.0\n")
    command = [program("antsibull-docs"), "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", str(collection)]
    code, lines = _run(command, folder, here)
    yield from (line.removeprefix(f"{collection}/") for line in lines)
    if code and not lines:
        yield f"ended with {code}"


def _run(command: Sequence[str], folder: Path, settings: Mapping[str, str]) -> tuple[int, list[str]]:
    told = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home"), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return told.returncode, told.stdout.splitlines()
