# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Helm release that authentik came with, and what it is to be upgraded to."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.chart_values import (
    ignored_values,
    wished_values,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import helm_release_of, owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import K3S, Delivery, delivery_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import Release
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import ValuesPlan, stored_of

_INTERRUPTED = ("deployed", "failed", "superseded", "")


@dataclass(frozen=True)
class ChartRelease:
    """``plan`` are the values. ``delivery`` says who runs Helm, and what the release's newest state is."""

    delivery: Delivery
    plan: ValuesPlan

    def findings(self) -> list[str]:
        """Return why the release cannot be upgraded with these values, a sentence each."""
        where = f"{self.delivery.namespace}/{self.delivery.release}"
        if not self.plan.changed:
            return []
        if self.delivery.kind == K3S:
            return [
                f"delivery: HelmChart {self.delivery.helm_chart} is carried out by k3s, which is not changed here: set "
                "render_to and give its values to the HelmChartConfig"
            ]
        if self.delivery.status not in _INTERRUPTED:
            return [
                f"delivery: Helm release {where} is {self.delivery.status}: an upgrade runs or was interrupted; wait "
                "for it, or undo it with helm rollback"
            ]
        return []

    def notes(self) -> list[str]:
        """Return what is worth knowing of the values."""
        ignored = ignored_values(self.plan.before)
        if not ignored:
            return []
        return [
            f"{self.plan.subject} has authentik.existingSecret, beside which the chart ignores {', '.join(ignored)}: "
            "settings given here go into server.env and worker.env, which count"
        ]


def chart_release(client: Client, state: ClusterState, desired: DesiredState) -> ChartRelease | None:
    """Return the release of the server, None where no Helm brought it, or Argo CD or Flux runs Helm.

    Raises Forbidden, ResilientError for a Secret that is none of Helm 3.
    """
    server = state.parts.server
    if not owner_of(server).startswith("Helm release"):
        return None
    delivery = delivery_of(client, ref_of(server))
    stored = stored_of(client, delivery)
    release = Release(
        stored.defaults if stored else {}, stored.config if stored else {}, (), server["spec"]["selector"], False
    )
    brought = {
        name: item for name, item in state.components.items() if helm_release_of(item) == helm_release_of(server)
    }
    scaled = frozenset(name for name, item in brought.items() if ref_of(item) in state.scaled)
    wished = wished_values(release, brought, scaled, desired, state.parts.version)
    return ChartRelease(
        delivery,
        ValuesPlan(f"Helm release {delivery.namespace}/{delivery.release}", release, wished, stored),
    )
