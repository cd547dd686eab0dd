"""A Chromium on this machine: found, or installed from Debian's packages. ``python -m tests.browser.chromium``.

Playwright's own browsers come from a download server of its own; Debian's package comes from where the machine's other
packages come from, is patched by Debian, and is driven by the same protocol.
"""

from __future__ import annotations

import os
import shutil
import sys

from lab.errors import LabError
from lab.host_packages import apt_command, apt_install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-dejavu-core")
OVERRIDE = "CHROMIUM"


def find_chromium() -> str:
    """The program's path, by the environment variable CHROMIUM or on the path. Empty where there is none."""
    named = os.environ.get(OVERRIDE, "")
    return named or next((path for path in map(shutil.which, NAMES) if path), "")


def install() -> None:
    """Installs Debian's package where there is no Chromium. Ends the program with the remedy where it cannot."""
    remedy = f"Install Chromium, or name one: {OVERRIDE}=/path/to/chromium make browser"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        sys.exit(f"No Chromium was found. {remedy}\nOn Debian and Ubuntu: sudo {' '.join(apt_command(PACKAGES))}")
    print(f"Installing {' and '.join(PACKAGES)} ...", flush=True)
    try:
        apt_install(PACKAGES)
    except LabError as error:
        sys.exit(f"{error}\n{remedy}")
    if not find_chromium():
        sys.exit(f"{' and '.join(PACKAGES)} were installed, and still no Chromium was found. {remedy}")


if __name__ == "__main__":
    if not find_chromium():
        install()
