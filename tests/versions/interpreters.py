"""Which Pythons are supported, with which ansible-core each is tested, and where they are on this machine."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).parents[2] / "requirements-dev.in"
_PROBE = "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix == sys.base_prefix)"
_PROBE_SECONDS = 20


def supported(requirements: str) -> dict[str, str]:
    """The ansible-core by the Python that it is tested with, oldest first: ``{"3.11": "2.19.14"}``.

    ``requirements`` is the text of requirements-dev.in, the one place where they are stated.
    """
    found = {}
    for line in requirements.splitlines():
        if line.startswith("ansible-core"):
            pinned = Requirement(line)
            (specifier,) = pinned.specifier
            for version in re.findall(r'python_version [=>]= "([\d.]+)"', str(pinned.marker)):
                found[version] = specifier.version
    return dict(sorted(found.items(), key=lambda item: _number(item[0])))


def find_interpreter(version: str, path: str, pyenv: Path) -> str:
    """An interpreter of that version that runs and is no virtual environment's; empty where there is none.

    ``path`` is a search path as in PATH, ``pyenv`` the root folder of pyenv, whose shims only lead to what is switched
    on.
    """
    return next((program for program in _candidates(version, path, pyenv) if _is_of(program, version)), "")


def pyenv_root() -> Path:
    """Where pyenv keeps its versions."""
    return Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()


def _candidates(version: str, path: str, pyenv: Path) -> Iterator[str]:
    folders = [Path(folder) for folder in path.split(os.pathsep) if folder]
    whole = re.compile(re.escape(version) + r"\.\d+")
    installed = [folder for folder in (pyenv / "versions").glob(f"{version}.*") if whole.fullmatch(folder.name)]
    folders += [folder / "bin" for folder in sorted(installed, key=lambda each: _number(each.name), reverse=True)]
    for name in (f"python{version}", "python3"):
        yield from (str(folder / name) for folder in folders if (folder / name).is_file())


def _is_of(program: str, version: str) -> bool:
    try:
        told = subprocess.run(
            [program, "-c", _PROBE], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and told.stdout.split() == [version, "True"]


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
