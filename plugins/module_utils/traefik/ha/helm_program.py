# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The helm program: given everything by files that only its user can read, and nothing secret on its command line."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.hiding import without_secrets
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.kubeconfigs import kubeconfig_of

# What Helm would take from the environment in the place of the task's options.
_NOT_PASSED_ON = ("HELM_KUBE", "HELM_NAMESPACE", "HELM_DEBUG", "HELM_DRIVER")
_LONGEST_ERROR = 1500
# Helm keeps its own time limit; this is for a Helm that hangs.
_SPARE_SECONDS = 90
_TOLD_EVERY_SECONDS = 3


class HelmFailed(ResilientError):
    """Helm ended with an error; the message has its words."""


@dataclass(frozen=True)
class Helm:
    """Helm on one cluster, with a folder for what it is given."""

    program: str
    folder: Path
    environment: Mapping[str, str]

    def values_file(self, values: Mapping[str, Any]) -> Path:
        """The values in a file that nobody else can read."""
        return write_private(self.folder / "values.yaml", yaml.safe_dump(values).encode())

    def chart_folder(self, files: Mapping[str, bytes]) -> Path:
        """The chart in a folder that nobody else can enter."""
        for name, content in files.items():
            write_private(self.folder / "chart" / name, content)
        return self.folder / "chart"

    def run(
        self,
        *arguments: str,
        values: Mapping[str, Any],
        seconds: int,
        told: Callable[[str], None] = lambda line: None,
    ) -> str:
        """What helm prints; ``told`` hears every few seconds that it still runs.

        Raises HelmFailed with its words, without the values' secrets.
        """
        try:
            # AnsibleModule.run_command has no time limit, and there is no AnsibleModule in the controller's process.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
                [self.program, *arguments],
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise HelmFailed(f"helm_binary: {self.program} cannot be run: {error.strerror}") from None
        with process:
            try:
                printed, complaint = _ended(process, f"helm {arguments[0]}", seconds + _SPARE_SECONDS, told)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            words = without_secrets(complaint.strip(), values)[:_LONGEST_ERROR]
            raise HelmFailed(f"helm {arguments[0]}: {words or 'failed without a word'}")
        return printed


def _ended(process: subprocess.Popen[str], name: str, seconds: float, told: Callable[[str], None]) -> tuple[str, str]:
    began = time.monotonic()
    while True:
        try:
            return process.communicate(timeout=_TOLD_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            lasts = time.monotonic() - began
            if lasts > seconds:
                raise HelmFailed(f"{name} did not end within {seconds:.0f} s") from None
            told(f"waiting for {name} to end, {lasts:.0f} s by now")


def find_helm(given: str | None) -> str:
    """The program's path, empty when there is none."""
    return shutil.which(given or "helm") or ""


@contextlib.contextmanager
def helm_on(params: Mapping[str, Any], program: str) -> Iterator[Helm]:
    """Helm on the cluster of the connection options. What it was given is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="resilient-traefik-") as name:
        folder = Path(name)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_PASSED_ON)}
        environment["HELM_DRIVER"] = "secret"
        kubeconfig = kubeconfig_of(params)
        if kubeconfig:
            text = yaml.safe_dump(kubeconfig).encode()
            environment["KUBECONFIG"] = str(write_private(folder / "kubeconfig", text))
        yield Helm(program, folder, environment)


def write_private(path: Path, content: bytes) -> Path:
    """Writes a new file that only its owner can read, and its folders."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path
