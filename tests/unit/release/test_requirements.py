"""requirements.txt names what the plugins import, and nothing else."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
# There wherever a playbook runs.
OF_ANSIBLE = {"ansible", "jinja2", "markupsafe"}
# Needed without an import: by passlib's bcrypt, and by zoneinfo.
NOT_IMPORTED = {"bcrypt", "tzdata"}


def _requirements() -> dict[str, Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return {canonicalize_name(found.name): found for found in map(Requirement, filter(None, lines))}


def _imported(path: Path) -> Iterator[str]:
    """Top names of absolute imports, also of those inside of functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _third_party() -> dict[str, Path]:
    """A file that imports it by the name of what is neither Python's, Ansible's nor ours."""
    known = sys.stdlib_module_names | OF_ANSIBLE | {"ansible_collections"}
    files = sorted((ROOT / "plugins").rglob("*.py"))
    return {name: path for path in files for name in _imported(path) if name not in known}


def test_every_import_is_declared() -> None:
    declared, distributions = set(_requirements()), packages_distributions()
    found = _third_party()
    assert {"kubernetes", "websocket"} <= found.keys()
    undeclared = {
        name: str(path.relative_to(ROOT))
        for name, path in found.items()
        if not declared & {canonicalize_name(each) for each in distributions.get(name, [])}
    }
    assert undeclared == {}


def test_what_is_declared_is_used() -> None:
    distributions = packages_distributions()
    used = {canonicalize_name(each) for name in _third_party() for each in distributions.get(name, [])}
    assert set(_requirements()) - used - NOT_IMPORTED == set()


@pytest.mark.parametrize("requirement", _requirements().values(), ids=str)
def test_requirements_are_floors(requirement: Requirement) -> None:
    """Whoever installs the collection beside others has the last word on what is new."""
    assert [specifier.operator for specifier in requirement.specifier] == [">="]
