"""The rules as the role renders them, for several clusters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.cases import RUNBOOKS
from tests.rules.clusters import CLUSTERS

_HERE = Path(__file__).parent


def _render(facts: dict[str, Any], folder: Path) -> Path:
    given = folder / "given.yml"
    given.write_text(yaml.safe_dump({"alerts_facts": facts, "alerts_runbook_url": RUNBOOKS}))
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", _HERE / "render.yml"]
    options = ["-e", f"given={given}", "-e", f"folder={folder}"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """By cluster the folder with its rules.yml and inhibition.yml."""
    return {name: _render(facts, tmp_path_factory.mktemp(name)) for name, facts in CLUSTERS.items()}


@pytest.fixture(scope="session")
def folder(rendered: Mapping[str, Path]) -> Path:
    """The folder of the cluster that has everything."""
    return rendered["whole"]


@pytest.fixture(scope="session")
def rules(folder: Path) -> list[dict[str, Any]]:
    """All its rules, recording ones too."""
    groups = yaml.safe_load((folder / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]
