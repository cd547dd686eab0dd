"""The rules and the inhibition, rendered as the role renders them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.ansible_playbook.running import ansible_playbook, environment
from tests.rules.case_files import RUNBOOKS

_HERE = Path(__file__).parent


def render(facts: Mapping[str, Any], folder: Path, variables: Mapping[str, Any] | None = None) -> Path:
    """The folder, with rules.yml and inhibition.yml for these facts. Raises AssertionError with Ansible's words."""
    given = folder / "given.yml"
    given.write_text(
        yaml.safe_dump({"alerts_facts": dict(facts), "alerts_runbook_url": RUNBOOKS} | dict(variables or {}))
    )
    options = ["-i", "localhost,", "-e", f"given={given}", "-e", f"folder={folder}"]
    done = ansible_playbook([*options, str(_HERE / "render.yml")], environment(), 120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def rules_in(folder: Path) -> list[dict[str, Any]]:
    """All rules of a rendered file, recording ones too."""
    groups = yaml.safe_load((folder / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]
