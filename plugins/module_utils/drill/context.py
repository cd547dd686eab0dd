# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every part of one drill works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import Kit
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import Subject
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload


@dataclass(frozen=True)
class Context:
    """The cluster, its Traefik, the names of what the drill brings, and the module's options.

    ``subject`` is None for drills of Traefik and of applications. ``entry_point`` is where sites are asked, ``https``
    whether by TLS.
    """

    client: Client
    writer: Writer
    traefik: Workload
    entry_point: str
    https: bool
    kit: Kit
    params: Mapping[str, Any]
    progress: Callable[[str], None]
    subject: Subject | None = None

    @property
    def wait_timeout(self) -> float:
        """Seconds that pods may take to come up."""
        return float(self.params["wait_timeout"])
