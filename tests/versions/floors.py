"""Runs the unit tests of the collection's code with the oldest packages that requirements.txt allows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from tests.versions.environment import LOCK, pip_config, pip_settings, uv_variables
from tests.versions.steps import NOT_THE_COLLECTION, unit_tests

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-floors"
# What the tests need beside the collection's own requirements, as it is locked.
HARNESS = ("ansible-core", "pytest", "filelock", "rich", "prometheus-client")


def main() -> int:
    """The exit code of pytest, or of what could not be installed."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
    python = str(FOLDER / "bin/python")
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python", python]
    wanted = ["--resolution", "lowest-direct", "-r", str(ROOT / "requirements.txt"), *pinned(LOCK.read_text())]
    environment = os.environ | uv_variables(pip_settings(pip_config(python)), os.environ)
    if code := subprocess.run([*uv, *wanted], env=environment, check=False).returncode:
        return code
    return subprocess.run(unit_tests(python, NOT_THE_COLLECTION), cwd=ROOT, check=False).returncode


def pinned(lock: str) -> Iterator[str]:
    """The harness as the lock has it for this Python, without hashes."""
    for line in re.findall(r"^([\w.-]+==[^\\\n]+)", lock, re.MULTILINE):
        found = Requirement(line)
        if found.name in HARNESS and (found.marker is None or found.marker.evaluate()):
            yield f"{found.name}{found.specifier}"


if __name__ == "__main__":
    sys.exit(main())
