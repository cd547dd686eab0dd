"""What holds for every playbook, whichever tags it is called with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = sorted((Path(__file__).parents[2] / "playbooks").glob("*.yml"))


def _blocks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        if "block" in task:
            yield task
            for part in ("block", "rescue", "always"):
                yield from _blocks(task.get(part) or [])


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_rescue_and_always_are_played_with_any_tags(path: Path) -> None:
    plays = yaml.safe_load(path.read_text())
    has_tags = any("tags" in task for play in plays for task in play["tasks"])
    for block in (block for play in plays for block in _blocks(play["tasks"])):
        for task in [*(block.get("rescue") or []), *(block.get("always") or [])]:
            assert "always" in task.get("tags", []) or not has_tags, task["name"]
