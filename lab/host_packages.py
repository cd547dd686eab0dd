"""The Debian packages that the `build` source needs on the machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from lab import commands
from lab.progress import Progress

# A program to look for, and the package that brings it.
NEEDED = {
    "podman": "podman",
    "runc": "runc",
    "netavark": "netavark",
    "aardvark-dns": "aardvark-dns",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "unshare": "util-linux",
}
# Administrators' programs are not on everybody's path, and Podman's helpers are on nobody's.
FOLDERS = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/lib/podman", "/usr/libexec/podman"])


def missing_packages() -> list[str]:
    """The packages whose programs are not there."""
    return [package for program, package in NEEDED.items() if not _is_there(program)]


def install_missing(progress: Progress) -> list[tuple[str, str]]:
    """Install what is missing with apt-get, saying so. Returns findings (problem, remedy) where that cannot be done."""
    missing = missing_packages()
    if not missing:
        return []
    if shutil.which("apt-get") is None:
        programs = ", ".join(missing)
        return [(f"These are not installed: {programs}.", "Install them with this system's package manager.")]
    with progress.step(f"install {', '.join(missing)}"):
        apt_install(missing)
    tried = " ".join(apt_command(missing))
    left = missing_packages()
    return [(f"{package} was installed, and its program is still missing.", f"Try: {tried}") for package in left]


def apt_command(packages: Sequence[str]) -> list[str]:
    """How these packages are installed; somebody else's installation is waited for."""
    options = ["--yes", "--no-install-recommends", "--option", "DPkg::Lock::Timeout=300"]
    return ["apt-get", "install", *options, *packages]


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages as root. Raises LabError with what apt-get said."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # apt-get waits for another installation, and not for another reading of the lists.
    with FileLock(Path(tempfile.gettempdir()) / "resilient-traefik-apt.lock"):
        commands.run(["apt-get", "update", "--quiet"], doing="reading Debian's package lists", env=quiet)
        commands.run(apt_command(packages), doing=f"installing {', '.join(packages)}", env=quiet)


def _is_there(program: str) -> bool:
    return shutil.which(program) is not None or shutil.which(program, path=FOLDERS) is not None
