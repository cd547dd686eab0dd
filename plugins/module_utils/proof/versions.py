# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The version of this collection."""

from __future__ import annotations

import contextlib
from pathlib import Path

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

# The first where the collection is installed, the second in its repository.
_METADATA = ("MANIFEST.json", "galaxy.yml")


def own_version() -> dict[str, str]:
    """By the collection's name its version, from its own metadata. Empty where a module travelled without it."""
    for name in _METADATA:
        path = Path(__file__).parents[3] / name
        if path.is_file():
            metadata = yaml.safe_load(path.read_text())
            return {"resilient.traefik": str(metadata.get("collection_info", metadata)["version"])}
    return {}
