# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Traefik workload with the wishes worked into it, for workloads that are written as manifests. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.arguments import (
    defined_entry_points,
    wished_arguments,
    with_arguments,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import SCHEDULE_ANYWAY, Wishes

HOSTNAME = "kubernetes.io/hostname"


def with_wishes(workload: Object, container: str, wishes: Wishes) -> Object:
    """The Deployment or DaemonSet as it is to be; ``container`` is the name of the one that runs Traefik."""
    target = copy.deepcopy(workload)
    spec, pod = target["spec"], target["spec"]["template"]["spec"]
    if wishes.min_ready_seconds:
        spec["minReadySeconds"] = wishes.min_ready_seconds
    if target["kind"] == "Deployment":
        _set_deployment(spec, wishes)
    _set_pod(pod, wishes)
    (chosen,) = (each for each in pod["containers"] if each["name"] == container)
    _set_container(chosen, wishes)
    return target


def _set_deployment(spec: Object, wishes: Wishes) -> None:
    if wishes.replicas is not None:
        spec["replicas"] = wishes.replicas
    rolling = {"maxUnavailable": wishes.max_unavailable, "maxSurge": wishes.max_surge}
    given = {name: value for name, value in rolling.items() if value is not None}
    if given:
        former = (spec.get("strategy") or {}).get("rollingUpdate") or {}
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {**former, **given}}
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    pod = spec["template"]["spec"]
    pod["topologySpreadConstraints"] = with_spread(pod.get("topologySpreadConstraints") or [], labels, wishes)


def _set_pod(pod: Object, wishes: Wishes) -> None:
    pod["terminationGracePeriodSeconds"] = wishes.termination_grace_period
    if wishes.priority_class and pod.get("priorityClassName") != wishes.priority_class:
        pod["priorityClassName"] = wishes.priority_class
        # Admission worked these out from the former class and refuses them beside another one.
        pod.pop("priority", None)
        pod.pop("preemptionPolicy", None)


def _set_container(container: Object, wishes: Wishes) -> None:
    arguments = container.get("args") or []
    wished = wished_arguments(wishes, defined_entry_points([*container.get("command", [])[1:], *arguments]))
    container["args"] = with_arguments(arguments, wished)
    if wishes.pre_stop_sleep:
        lifecycle = container.setdefault("lifecycle", {})
        lifecycle["preStop"] = {"sleep": {"seconds": wishes.pre_stop_sleep}}
    probe = container.get("readinessProbe")
    if probe and wishes.readiness_delay > probe.get("initialDelaySeconds", 0):
        probe["initialDelaySeconds"] = wishes.readiness_delay


def with_spread(
    constraints: Sequence[Mapping[str, Any]], labels: Mapping[str, str], wishes: Wishes
) -> list[dict[str, Any]]:
    """The topology spread constraints with the one over nodes as it is to be, and all others as they are.

    The pods of each roll are counted for themselves (matchLabelKeys): otherwise those of the former template keep the
    new ones from being spread. Nodes whose taints the pods do not tolerate do not count (nodeTaintsPolicy): otherwise
    a tainted node without a replica keeps the others at one replica each.
    """
    ours = {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": wishes.when_unsatisfiable,
        "nodeTaintsPolicy": "Honor",
        "matchLabelKeys": ["pod-template-hash"],
    }
    former = [each for each in constraints if each.get("topologyKey") == HOSTNAME]
    selector = next((each["labelSelector"] for each in former if each.get("labelSelector")), None)
    others = [dict(each) for each in constraints if each.get("topologyKey") != HOSTNAME]
    place = next((at for at, each in enumerate(constraints) if each.get("topologyKey") == HOSTNAME), len(others))
    merged = {**(former[0] if former else {}), **ours, "labelSelector": selector or {"matchLabels": dict(labels)}}
    if wishes.when_unsatisfiable == SCHEDULE_ANYWAY:
        # The API server takes it only beside DoNotSchedule.
        merged.pop("minDomains", None)
    return [*others[:place], merged, *others[place:]]


def with_budget(budget: Object, wishes: Wishes) -> Object:
    """The PodDisruptionBudget with the wished minAvailable, which maxUnavailable cannot stand beside."""
    target = copy.deepcopy(budget)
    target["spec"].pop("maxUnavailable", None)
    target["spec"]["minAvailable"] = wishes.min_available
    return target


def new_budget(workload: Object, wishes: Wishes) -> Object:
    """A PodDisruptionBudget for the workload's pods, of its name."""
    metadata = workload["metadata"]
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": dict(OUR_LABELS)},
        "spec": {"minAvailable": wishes.min_available, "selector": copy.deepcopy(workload["spec"]["selector"])},
    }
