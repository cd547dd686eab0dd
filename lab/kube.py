"""kubectl, bound to the lab's own kubeconfig."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import commands


@dataclass(frozen=True)
class Kubectl:
    """The program, and the cluster it speaks to."""

    program: Path
    kubeconfig: Path

    def run(
        self, *arguments: str | Path, doing: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; raises LabError as `commands.run` does."""
        command = [self.program, "--kubeconfig", self.kubeconfig, "--request-timeout=20s", *arguments]
        return commands.run(command, doing=doing, check=check, stdin=stdin, timeout=90)

    def get(self, *arguments: str, doing: str) -> dict[str, Any]:
        """`kubectl get` as parsed JSON."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "--output", "json", doing=doing).stdout)
        return found

    def answers(self) -> bool:
        """Whether the API server says that it is ready, within a few seconds."""
        asked = self.run("get", "--raw", "/readyz", "--request-timeout=3s", doing="asking the API server", check=False)
        return asked.returncode == 0 and asked.stdout.strip() == "ok"
