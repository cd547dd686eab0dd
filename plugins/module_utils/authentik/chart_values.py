# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desired state as values of authentik's chart, worked into those of its release. No I/O.

Keys as in the chart's values 2026.8.0. Settings go into ``server.env`` and ``worker.env``: unlike what stands under
``authentik`` these count beside ``authentik.existingSecret`` too, and win over what comes from the Secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.environment import Version, variables
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.pod_templates import (
    is_spread,
    merged_environment,
    spread_over_nodes,
    wanted_replicas,
    wanted_resources,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.chart_values import Path, Release, value_at


def wished_values(
    release: Release, components: Mapping[str, Object], scaled: frozenset[str], desired: DesiredState, version: Version
) -> dict[Path, Any]:
    """Return values by path, whole ones with the lists merged. ``scaled`` are components that an autoscaler has."""
    wished: dict[Path, Any] = {}
    for component, workload in components.items():
        now, wanted = int(workload["spec"].get("replicas", 1)), wanted_replicas(desired, component)
        if component not in scaled and wanted > now:
            wished[component, "replicas"] = wanted
        wished |= {(component, *path): value for path, value in _pod(release, component, workload, desired)}
        env = variables(desired.settings, component, version)
        if env:
            former = release.effective((component, "env")) or []
            wished[component, "env"] = merged_environment(former, env)
    return wished


def _pod(release: Release, component: str, workload: Object, desired: DesiredState) -> Iterator[tuple[Path, Any]]:
    if not is_spread(workload["spec"]["template"]["spec"]):
        former = release.effective((component, "topologySpreadConstraints")) or []
        yield ("topologySpreadConstraints",), [*former, spread_over_nodes(workload, desired.when_unsatisfiable)]
    if desired.priority_class:
        yield ("priorityClassName",), desired.priority_class
    if desired.termination_grace_period:
        yield ("terminationGracePeriodSeconds",), desired.termination_grace_period
    for kind, amounts in wanted_resources(desired, component).items():
        yield from ((("resources", kind, name), str(value)) for name, value in (amounts or {}).items())


def ignored_values(config: Mapping[str, Any]) -> list[str]:
    """Return the user's values that the chart does not render, because settings come from a Secret of another."""
    given = config.get("authentik") or {}
    if not value_at(given, ("existingSecret", "secretName")):
        return []
    return sorted(f"authentik.{name}" for name in given if name not in ("existingSecret", "enabled"))
