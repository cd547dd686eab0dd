"""`make release`: all that is published, in one folder, from a clean checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from release.addresses import given
from release.artefact import EPOCH, ROOT, build, reproducible_tar, version
from release.errors import ReleaseError
from release.judge import judge
from release.sbom import sbom
from release.site import build_site

CHECKSUMS = "SHA256SUMS"


def publish(
    folder: Path, environment: Mapping[str, str] = os.environ, say: Callable[[str], None] = print
) -> list[Path]:
    """Fill `folder` with the artefact, the documentation, the bill of materials and the checksums.

    Raises ReleaseError where the addresses are missing, the checkout is not what Git has, or the artefact is refused.
    """
    addresses = given(environment)
    if changed := _changed():
        raise ReleaseError(
            f"A release is what Git has, and this is not: {', '.join(changed[:5])}. Commit or remove it."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    artefact = build(folder, addresses, epoch())
    say("the artefact is built; galaxy-importer, ansible-lint and antsibull-docs look at it ...")
    if findings := judge(artefact, lint=True):
        raise ReleaseError("The artefact is not fit to be published:\n" + "\n".join(findings))
    (folder / f"resilient-traefik-{version()}.cdx.json").write_text(sbom(artefact, addresses))
    say("the documentation is built ...")
    site = folder / "documentation"
    if warnings := build_site(site, addresses):
        raise ReleaseError("The documentation has faults:\n" + "\n".join(warnings))
    packed = folder / f"resilient-traefik-{version()}-documentation.tar.gz"
    packed.write_bytes(reproducible_tar(_files(site), epoch()))
    shutil.rmtree(site)
    published = sorted(folder.iterdir())
    (folder / CHECKSUMS).write_text(checksums(published))
    return [*published, folder / CHECKSUMS]


def checksums(files: list[Path]) -> str:
    """As `sha256sum --check` reads them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def epoch() -> int:
    """When the newest commit was made, in seconds: the time of all files that are published."""
    told = subprocess.run(
        ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )
    return int(told.stdout) if told.returncode == 0 and told.stdout.strip() else EPOCH


def _changed() -> list[str]:
    command = ["git", "-C", str(ROOT), "status", "--porcelain"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line[3:] for line in told.stdout.splitlines()]


def _files(site: Path) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    found = {}
    for path in sorted(site.rglob("*")):
        # Sphinx' own state, which has times and paths of this machine.
        if path.is_file() and path.suffix != ".pickle" and path.name != ".buildinfo" and ".doctrees" not in path.parts:
            member = tarfile.TarInfo(f"documentation/{path.relative_to(site)}")
            found[member.name] = (member, path.read_bytes())
    return found
