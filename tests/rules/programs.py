"""The programs that judge the rules: Prometheus' and Alertmanager's own, of the versions that the lab runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "lab" / "bin"
_COMMAND = "python -m lab tools"
# Built together with one that lab/bin has a link to, and found beside what the link leads to.
_BESIDE = {"alertmanager": "amtool"}


class ProgramMissing(AssertionError):
    """A program has not been built; the message names the command that does."""


def program(name: str) -> Path:
    """Where a program of the lab's tools is. Raises ProgramMissing."""
    linked = _FOLDER / _BESIDE.get(name, name)
    path = linked.resolve().with_name(name)
    if not path.exists():
        raise ProgramMissing(f"{name} is missing (lab/bin/{linked.name}): run `{_COMMAND}` in the repository")
    return path


def run(name: str, *arguments: str, folder: Path) -> str:
    """Runs a program to its end and returns what it wrote. Raises AssertionError with all of it when it fails."""
    done = subprocess.run(
        [program(name), *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    written = done.stdout + done.stderr
    assert done.returncode == 0, f"{name} {' '.join(arguments)}:\n{written}"
    return written
