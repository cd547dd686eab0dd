"""Runs the playbooks of this repository on the lab, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
CLUSTER = "lab"


def play(
    playbook: str, kubeconfig: Path, variables: Mapping[str, Any] | None = None, *, may_fail: bool = False
) -> bool:
    """Whether the playbook ended well. Ends the program where it did not and that is not to be."""
    given = {"resilient_traefik_kubeconfig": str(kubeconfig), "resilient_traefik_report_directory": str(BUILD)}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(ROOT / "inventories" / CLUSTER)]
    command += [str(ROOT / "playbooks" / f"{playbook}.yml"), "-e", json.dumps(given | dict(variables or {}))]
    say(f"ansible-playbook {playbook}.yml ...")
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_FORCE_COLOR": "0"}
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode and not may_fail:
        sys.exit(f"The playbook {playbook} failed: see above.")
    return not ended.returncode


def say(line: str) -> None:
    """Prints at once: the playbooks print beside it."""
    print(line, flush=True)
