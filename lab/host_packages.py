"""The Debian packages that the `build` source needs on the machine."""

from __future__ import annotations

import os
import shutil

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
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None:
        programs = ", ".join(missing)
        return [(f"These are not installed: {programs}.", "Install them with this system's package manager.")]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"install {', '.join(missing)}"):
        commands.run(["apt-get", "update", "--quiet"], doing="reading Debian's package lists", env=quiet)
        commands.run(command, doing="installing packages", env=quiet)
    tried = " ".join(command)
    left = missing_packages()
    return [(f"{package} was installed, and its program is still missing.", f"Try: {tried}") for package in left]


def _is_there(program: str) -> bool:
    return shutil.which(program) is not None or shutil.which(program, path=FOLDERS) is not None
