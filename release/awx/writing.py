"""Writes awx/controller.yml and awx/import.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from release.awx.controller import controller
from release.awx.importing import awxkit_import
from release.awx.objects import Unsafe

HEADER = "Made by `make awx` out of templates.yml and the specifications of the variables. Changes are lost."


class _Dumper(yaml.SafeDumper):
    """YAML that Ansible reads as it stands, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def written(root: Path) -> dict[Path, str]:
    """What the generated files have to say, by path."""
    given = yaml.safe_load((root / "awx/templates.yml").read_text())
    as_yaml = yaml.dump(controller(given, root), Dumper=_Dumper, sort_keys=False, width=120)
    as_json = json.dumps(awxkit_import(given, root), indent=2)
    return {
        root / "awx/controller.yml": f"---\n# {HEADER}\n{as_yaml}",
        root / "awx/import.json": f"{as_json}\n",
    }
