"""Fetches what the pages bundle anew, by its pinned hash. ``python -m tests.browser.vendor``.

For another version, change ``version`` and ``integrity`` in provenance.json first: ``npm view uplot@VERSION
dist.integrity`` tells it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PAGES = Path(__file__).parents[2] / "plugins" / "plugin_utils"
VENDORS = (PAGES / "drill_page" / "vendor", PAGES / "audit_page" / "vendor")


def fetch(provenance: dict[str, Any], folder: Path) -> Path:
    """The package as npm has it. Ends the program where its hash is another one."""
    name = f"{provenance['package']}@{provenance['version']}"
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (packed,) = folder.glob("*.tgz")
    found = f"sha512-{base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()}"
    if found != provenance["integrity"]:
        sys.exit(f"{name} has the hash {found}, and provenance.json pins {provenance['integrity']}.")
    return packed


def unpack(packed: Path, files: dict[str, Any], vendor: Path) -> None:
    """Writes each file into the folder, and its hash into ``files``."""
    with tarfile.open(packed) as archive:
        for name, about in files.items():
            member = archive.extractfile(about["from"])
            if member is None:
                sys.exit(f"{packed.name} has no file {about['from']}.")
            content = member.read()
            (vendor / name).write_bytes(content)
            about["sha256"] = hashlib.sha256(content).hexdigest()


def main() -> None:
    """Fetches, unpacks, and notes the hashes."""
    for vendor in VENDORS:
        path = vendor / "provenance.json"
        provenance = json.loads(path.read_text())
        with TemporaryDirectory() as folder:
            unpack(fetch(provenance, Path(folder)), provenance["files"], vendor)
        path.write_text(json.dumps(provenance, indent=2) + "\n")


if __name__ == "__main__":
    main()
