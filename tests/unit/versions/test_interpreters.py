"""The supported Pythons, stated once, and finding them on a machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.versions import environment, interpreters
from tests.versions.interpreters import find_interpreter, supported

ROOT = Path(__file__).parents[3]
KNOWN = supported(interpreters.REQUIREMENTS.read_text())


def _program(folder: Path, name: str, script: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_what_is_supported_is_read_from_the_requirements() -> None:
    text = (
        "# ansible-core==1 ; python_version == '3.9'\n"
        'ansible-core==2.21.5 ; python_version >= "3.13"\n'
        "ansible-core==2.19.14 ; python_version == '3.9'\n"
        "ansible-lint==1\n"
    )
    assert list(supported(text).items()) == [("3.9", "2.19.14"), ("3.13", "2.21.5")]


@pytest.mark.parametrize("version", KNOWN)
def test_the_lock_has_what_the_requirements_say(version: str) -> None:
    """It fails after a bump without `make lock`."""
    pinned = [
        Requirement(line.rstrip("\\ ")) for line in environment.LOCK.read_text().splitlines() if "==" in line[:40]
    ]
    here = {"python_version": version, "python_full_version": f"{version}.0"}
    found = [each for each in pinned if each.name == "ansible-core" and each.marker and each.marker.evaluate(here)]
    assert [str(each.specifier) for each in found] == [f"=={KNOWN[version]}"]


def test_what_is_said_to_be_supported_is_what_is_tested() -> None:
    series = {version: core.rpartition(".")[0] for version, core in KNOWN.items()}
    readme = (ROOT / "README.md").read_text()
    assert dict(re.findall(r"^\| (3\.\d+) \| (2\.\d+) \|", readme, re.MULTILINE)) == series
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    oldest, newest = next(iter(series.values())), list(series.values())[-1]
    major, minor = newest.split(".")
    assert runtime["requires_ansible"] == f">={oldest}.0,<{major}.{int(minor) + 1}.0"


def test_a_shim_that_leads_nowhere_is_passed_over(tmp_path: Path) -> None:
    _program(tmp_path / "shims", "python3.13", "exit 127")
    _program(tmp_path / "lying", "python3.13", "echo 3.12 True")
    _program(tmp_path / "venv", "python3.13", "echo 3.13 False")
    _program(tmp_path / "pyenv/versions/3.13.2/bin", "python3.13", "echo 3.13 True")
    _program(tmp_path / "pyenv/versions/3.13.9t/bin", "python3.13", "echo 3.13 True")
    newest = _program(tmp_path / "pyenv/versions/3.13.10/bin", "python3.13", "echo 3.13 True")
    path = os.pathsep.join(str(tmp_path / name) for name in ("shims", "lying", "venv", "missing"))
    assert find_interpreter("3.13", path, tmp_path / "pyenv") == newest
    assert find_interpreter("3.1", path, tmp_path / "pyenv") == ""


def test_what_is_on_the_path_comes_first(tmp_path: Path) -> None:
    _program(tmp_path / "pyenv/versions/3.13.1/bin", "python3.13", "echo 3.13 True")
    plain = _program(tmp_path / "bin", "python3", "echo 3.13 True")
    found = _program(tmp_path / "later", "python3.13", "echo 3.13 True")
    assert find_interpreter("3.13", f"{tmp_path}/bin:{tmp_path}/later", tmp_path / "pyenv") == found
    assert find_interpreter("3.13", f"{tmp_path}/bin", tmp_path / "nowhere") == plain
