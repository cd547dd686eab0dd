# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""authentik's Deployments and PgBouncer's as they are to be, made of those that are there. No I/O.

What is not asked for stays as it is; lists are merged by the name of their entries.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from typing import Any

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    from kubernetes.utils.quantity import parse_quantity

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.environment import Version, variables
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import SERVER, WORKER, pgbouncer_in
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

HOSTNAME = "kubernetes.io/hostname"
POOL_PORT = 6432
# PgBouncer accepts within milliseconds; a pause of its host must not end it.
READINESS: dict[str, Any] = {"periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 2}
LIVENESS: dict[str, Any] = {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6}


def desired_authentik(
    workload: Object, component: str, desired: DesiredState, version: Version, *, scaled: bool
) -> Object:
    """Return the workload of a component as it is to be. ``scaled``: an autoscaler has its replicas."""
    target = copy.deepcopy(workload)
    spec, pod = target["spec"], target["spec"]["template"]["spec"]
    wanted = wanted_replicas(desired, component)
    if not scaled and wanted > spec.get("replicas", 1):
        spec["replicas"] = wanted
    _set_pod(pod, workload, desired)
    container = authentik_container(pod["containers"], component)
    _set_resources(container, wanted_resources(desired, component))
    _set_environment(container, variables(desired.settings, component, version))
    return target


def wanted_replicas(desired: DesiredState, component: str) -> int:
    """Return how many pods of the component there are to be at least."""
    return {SERVER: desired.server_replicas, WORKER: desired.worker_replicas}[component]


def wanted_resources(desired: DesiredState, component: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the resources that the component's container is to have, by requests and limits."""
    return {SERVER: desired.server_resources, WORKER: desired.worker_resources}[component]


def desired_pool(workload: Object, desired: DesiredState) -> Object:
    """Return PgBouncer's workload as it is to be. Its replicas stay: each more opens more connections."""
    target = copy.deepcopy(workload)
    pod = target["spec"]["template"]["spec"]
    _set_pod(pod, workload, desired)
    container = pool_container(pod["containers"])
    _set_resources(container, desired.pool_resources)
    probe: dict[str, Any] = {"tcpSocket": {"port": pool_port(container)}}
    # A probe that somebody made knows more than a connect.
    container.setdefault("readinessProbe", probe | READINESS)
    container.setdefault("livenessProbe", probe | LIVENESS)
    return target


def authentik_container(containers: Sequence[Object], component: str) -> Object:
    """Return the container that runs authentik: by its image, else by the chart's name for it, else the first."""
    by_image = [each for each in containers if "goauthentik/server" in str(each.get("image", ""))]
    by_name = [each for each in containers if each["name"] == component]
    return (by_image or by_name or list(containers))[0]


def pool_container(containers: Sequence[Object]) -> Object:
    """Return the container that runs PgBouncer."""
    template = {"spec": {"containers": containers}}
    return pgbouncer_in({"spec": {"template": template}}) or containers[0]


def pool_port(container: Mapping[str, Any]) -> int:
    """Return the port that PgBouncer listens on: 6432 where that is among its ports or none is named."""
    ports = [int(each["containerPort"]) for each in container.get("ports") or []]
    return POOL_PORT if POOL_PORT in ports or not ports else ports[0]


def is_spread(pod: Mapping[str, Any]) -> bool:
    """Whether the pods are told already to be on different nodes."""
    anti = (pod.get("affinity") or {}).get("podAntiAffinity") or {}
    required = anti.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    preferred = anti.get("preferredDuringSchedulingIgnoredDuringExecution") or []
    terms = [*required, *(each["podAffinityTerm"] for each in preferred)]
    spread = pod.get("topologySpreadConstraints") or []
    return any(each.get("topologyKey") == HOSTNAME for each in [*terms, *spread])


def spread_over_nodes(workload: Object, when_unsatisfiable: str) -> Object:
    """Return the constraint that spreads the workload's pods over the nodes that take them.

    Pods of each roll are counted for themselves: otherwise those of the former template keep the new ones from being
    spread. A StatefulSet's pods have no hash of their template.
    """
    constraint = {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": when_unsatisfiable,
        "nodeTaintsPolicy": "Honor",
        "labelSelector": copy.deepcopy(workload["spec"]["selector"]),
    }
    return constraint | ({"matchLabelKeys": ["pod-template-hash"]} if workload["kind"] == "Deployment" else {})


def _set_pod(pod: Object, workload: Object, desired: DesiredState) -> None:
    if not is_spread(pod):
        constraint = spread_over_nodes(workload, desired.when_unsatisfiable)
        pod["topologySpreadConstraints"] = [*(pod.get("topologySpreadConstraints") or []), constraint]
    if desired.termination_grace_period:
        pod["terminationGracePeriodSeconds"] = desired.termination_grace_period
    if desired.priority_class and pod.get("priorityClassName") != desired.priority_class:
        pod["priorityClassName"] = desired.priority_class
        # Admission worked these out from the former class and refuses them beside another one.
        pod.pop("priority", None)
        pod.pop("preemptionPolicy", None)


def _set_resources(container: Object, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    for kind, amounts in wanted.items():
        if amounts:
            former = container.setdefault("resources", {}).get(kind) or {}
            new = {name: str(each) for name, each in amounts.items() if not _same(former.get(name), each)}
            container["resources"][kind] = {**former, **new}


def _same(former: Any, wanted: Any) -> bool:
    """Whether two quantities are equal: the API server writes 1024Mi as 1Gi. What is no quantity is refused by it."""
    try:
        return former is not None and bool(parse_quantity(former) == parse_quantity(wanted))
    except ValueError:
        return bool(former == wanted)


def _set_environment(container: Object, wanted: Mapping[str, str]) -> None:
    if wanted:
        container["env"] = merged_environment(container.get("env") or [], wanted)


def merged_environment(former: Sequence[Mapping[str, Any]], wanted: Mapping[str, str]) -> list[Object]:
    """Return the entries with the wanted values, in their order; what is new comes last."""
    merged: list[Object] = []
    for entry in former:
        value = wanted.get(entry["name"])
        merged.append(dict(entry) if value is None else {"name": entry["name"], "value": value})
    there = {entry["name"] for entry in former}
    return [*merged, *({"name": name, "value": value} for name, value in wanted.items() if name not in there)]
