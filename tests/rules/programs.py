"""The programs that judge the rules: Prometheus' and Alertmanager's own, as `python -m lab tools` put them there."""

from __future__ import annotations

import subprocess
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "lab" / "bin"
_COMMAND = "python -m lab tools"


class ProgramMissing(AssertionError):
    """A program is not there; the message names the command that puts it there."""


def program(name: str) -> Path:
    """Where a program of the lab's tools is. Raises ProgramMissing."""
    path = _FOLDER / name
    if not path.exists():
        raise ProgramMissing(f"lab/bin/{name} is missing: run `{_COMMAND}` in the repository")
    return path


def run(name: str, *arguments: str, folder: Path) -> str:
    """Runs a program to its end and returns what it wrote. Raises AssertionError with all of it when it fails."""
    done = subprocess.run(
        [program(name), *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    written = done.stdout + done.stderr
    assert done.returncode == 0, f"{name} {' '.join(arguments)}:\n{written}"
    return written
