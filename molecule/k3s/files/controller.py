"""Does what the jobs of k3s' helm controller do, outside of the cluster: upgrades a release whenever its values change.

controller.py HELM KUBECTL KUBECONFIG NAMESPACE NAME CHART STOP_FILE; ends when the file is there, or after 15 minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIFETIME_SECONDS, PAUSE_SECONDS = 900.0, 1.0


def main(helm: str, kubectl: str, kubeconfig: str, namespace: str, name: str, chart: str, stop_file: str) -> None:
    """The values of the HelmChart first, those of the HelmChartConfig over them, as k3s has it."""
    place = [f"--kubeconfig={kubeconfig}", f"--namespace={namespace}"]
    done: list[str] = []
    deadline = time.monotonic() + LIFETIME_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < deadline and not Path(stop_file).exists():
            values = [values_content(kubectl, place, kind, name) for kind in ("helmchart", "helmchartconfig")]
            if values != done:
                files = [Path(folder) / "chart.yaml", Path(folder) / "config.yaml"]
                for file, text in zip(files, values, strict=True):
                    file.write_text(text)
                given = [f"--values={file}" for file in files]
                subprocess.run(
                    [helm, "upgrade", name, chart, "--install", "--reset-values", *given, *place], check=True
                )
                done = values
            time.sleep(PAUSE_SECONDS)


def values_content(kubectl: str, place: list[str], kind: str, name: str) -> str:
    """The object's values, as text."""
    command = [kubectl, "get", kind, name, "--output=json", *place]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return str(json.loads(answer)["spec"].get("valuesContent", ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
