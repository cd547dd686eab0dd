# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Through which replicas visitors come: as a load balancer sees them, ready ones and those that have just left."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import read_pods
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload


def entrances(client: Client, workload: Workload) -> set[str]:
    """The names of the replicas that a Service would send somebody to now. Raises Unreachable, Forbidden ..."""
    return serving(read_pods(client, workload.item))


def serving(pods: Iterable[Object]) -> set[str]:
    """The pods that are ready and not on their way out."""
    return {pod["metadata"]["name"] for pod in pods if not readiness.missing(pod)}


class Leaving:
    """Who comes and who goes, by what is served at a moment. A replica that goes is asked for a while longer.

    As a load balancer does that has not heard of it yet. Pure: times are given.
    """

    def __init__(self, leave_seconds: float) -> None:
        self._leave_seconds = leave_seconds
        self._missing_since: dict[str, float] = {}
        self.present: set[str] = set()

    def see(self, serving: set[str], now: float) -> tuple[set[str], set[str]]:
        """The names that begin to be asked now, and those that are no longer asked."""
        for name in serving:
            self._missing_since.pop(name, None)
        for name in self.present - serving:
            self._missing_since.setdefault(name, now)
        gone = {name for name, since in self._missing_since.items() if now - since >= self._leave_seconds}
        new = serving - self.present
        self.present = (self.present | serving) - gone
        for name in gone:
            del self._missing_since[name]
        return new, gone
