# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs ``ansible-test sanity`` on the built artefact: ``python tests/sanity/run.py ARTEFACT.tar.gz FOLDER``.

FOLDER becomes ansible-test's home and is kept between runs (its virtual environments live there). It must not lie in a
repository: ansible-test passes over collections that git ignores.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages


def main(artefact: Path, home: Path) -> int:
    """Installs the artefact and checks it. Returns ansible-test's exit code."""
    shutil.rmtree(home / "ansible_collections", ignore_errors=True)
    install = ["ansible-galaxy", "collection", "install", "--no-deps", "--force", "-p", str(home), str(artefact)]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    provide_pip(home)
    keep_pip_settings(home)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return subprocess.run(
        ["ansible-test", "sanity", "--local", "--python", python, "--color", "no"],
        cwd=home / "ansible_collections/resilient/traefik",
        env=os.environ | {"HOME": str(home)},
        check=False,
    ).returncode


def provide_pip(home: Path) -> None:
    """Puts our bootstrap script where ansible-test looks before it downloads its own."""
    version = get_venv_packages(SimpleNamespace(version=""))["pip"]
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("bootstrap_pip.py"), cache / f"get_pip_{version.replace('.', '_')}.py")


def keep_pip_settings(home: Path) -> None:
    """Writes pip's settings of this environment (index, certificates) into a file: ansible-test drops the variables."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    settings = dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)
    lines = [f"{key.rpartition('.')[2]} = {value.strip(chr(39))}" for key, value in settings.items()]
    path = home / ".config/pip/pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["[global]", *dict.fromkeys(lines)]) + "\n")
    path.chmod(0o600)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
