"""A Traefik of a test's own as a Helm release, made by the real helm out of a small chart."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HELM = ROOT / "lab" / "bin" / "helm"
CHART = ROOT / "molecule" / "helm" / "files" / "chart"
SECONDS = 180


@dataclass(frozen=True)
class EdgeRelease:
    """The release ``edge`` in a namespace of the lab."""

    kubeconfig: Path
    namespace: str

    def install(self, values: dict[str, Any], wait: bool = True) -> None:
        """Installs it, and unless told otherwise has Helm wait until it is ready and has its addresses."""
        given = ["--values=-", *(["--wait"] if wait else []), f"--timeout={SECONDS}s"]
        self._helm("install", "edge", str(CHART), *given, stdin=json.dumps(values))

    def values(self) -> dict[str, Any]:
        """What its user gave."""
        return dict(json.loads(self._helm("get", "values", "edge", "--output=json")) or {})

    def history(self) -> list[tuple[int, str]]:
        """Its revisions and their states."""
        revisions = json.loads(self._helm("history", "edge", "--output=json"))
        return [(each["revision"], each["status"]) for each in revisions]

    def _helm(self, *arguments: str, stdin: str = "") -> str:
        place = [f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        ended = subprocess.run(
            [str(HELM), *arguments, *place], input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout
