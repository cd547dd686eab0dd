"""The rules as the role renders them, for several clusters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.rules.clusters import CLUSTERS, VARIABLES
from tests.rules.rendering import render, rules_in


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """By cluster the folder with its rules.yml and inhibition.yml."""
    return {name: render(facts, tmp_path_factory.mktemp(name), VARIABLES.get(name)) for name, facts in CLUSTERS.items()}


@pytest.fixture(scope="session")
def folder(rendered: Mapping[str, Path]) -> Path:
    """The folder of the cluster that has everything."""
    return rendered["whole"]


@pytest.fixture(scope="session")
def rules(folder: Path) -> list[dict[str, Any]]:
    """All its rules, recording ones too."""
    return rules_in(folder)
