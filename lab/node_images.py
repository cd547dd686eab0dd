"""Loads image archives into nodes, so that nothing is ever pulled."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lab.engine import Engine
from lab.errors import LabError
from lab.kit import LoadableImage

BOOT_SECONDS = 120.0


def load_when_booted(engine: Engine, node: str, images: Sequence[LoadableImage]) -> None:
    """Load the images once the node runs. Raises LabError when it does not come up.

    While a node boots it imports the images of the cluster itself; joining in earlier would only delay those.
    """
    deadline = time.monotonic() + BOOT_SECONDS
    probe = ["exec", node, "systemctl", "is-active", "--quiet", "multi-user.target"]
    while engine.run(*probe, doing=f"waiting for {node}", check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise LabError(
                f"The node {node} did not come up within {BOOT_SECONDS:.0f} s.", f"See: {engine.program} logs {node}"
            )
        time.sleep(0.5)
    for image in images:
        with image.archive.open("rb") as archive:
            command = ["ctr", "--namespace", "k8s.io", "images", "import", "-"]
            engine.execute(node, *command, doing=f"loading {image.reference} into {node}", stdin=archive)
