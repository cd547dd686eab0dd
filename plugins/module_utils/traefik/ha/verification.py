# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the cluster runs what is wished: by the running pods, and by the workload for those that come next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import label_selector, readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.arguments import (
    defined_entry_points,
    wished_arguments,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.findings import wished_replicas
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.pods import HOSTNAME
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import (
    DO_NOT_SCHEDULE,
    Wishes,
    seconds_of,
)


def checks(situation: Situation, wishes: Wishes, pods: Iterable[Object]) -> list[Check]:
    """Rollout, how the next roll will go, spread, budget and every replica's settings. ``pods`` are whole objects."""
    listed = list(pods)
    return [
        _rolled_out(situation, wishes),
        _next_roll(situation, wishes),
        *_spread(situation, wishes, listed),
        *_budget(situation, wishes),
        *(_replica(pod, situation.container, wishes) for pod in listed),
    ]


def _rolled_out(situation: Situation, wishes: Wishes) -> Check:
    lacks = readiness.missing(situation.item)
    wanted = wished_replicas(situation, wishes)
    running = len(situation.workload.ready)
    found = lacks or f"{running} replicas are ready"
    expected = f"{wanted} replicas or more, all ready and of the newest template"
    return Check(f"{situation.workload.ref} is rolled out", not lacks and running >= wanted, expected, found)


def _next_roll(situation: Situation, wishes: Wishes) -> Check:
    """What no running pod shows: where new ones are placed, and how long each has to be ready before the next goes."""
    lacks = [*_pace_lacks(situation, wishes), *_placing_lacks(situation, wishes)]
    expected = f"minReadySeconds {wishes.min_ready_seconds}, replicas spread over nodes ({wishes.when_unsatisfiable})"
    return Check(f"{situation.workload.ref} will roll as wished", not lacks, expected, "; ".join(lacks) or "so it will")


def _pace_lacks(situation: Situation, wishes: Wishes) -> Iterator[str]:
    spec = situation.item["spec"]
    seconds = spec.get("minReadySeconds") or 0
    if wishes.min_ready_seconds and seconds != wishes.min_ready_seconds:
        yield f"minReadySeconds is {seconds}, not {wishes.min_ready_seconds}"
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        yield "its strategy is Recreate, which ends every replica before one begins"
    rolling = (spec.get("strategy") or spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
    for name, wanted in (("maxUnavailable", wishes.max_unavailable), ("maxSurge", wishes.max_surge)):
        if wanted is not None and str(rolling.get(name)) != str(wanted):
            yield f"{name} is {rolling.get(name, 'not set')}, not {wanted}"


def _placing_lacks(situation: Situation, wishes: Wishes) -> Iterator[str]:
    if situation.item["kind"] != "Deployment":
        return
    labels = (situation.item["spec"]["template"].get("metadata") or {}).get("labels") or {}
    over_nodes = [
        each
        for each in situation.pod.get("topologySpreadConstraints") or []
        if each.get("topologyKey") == HOSTNAME and label_selector.selects(each.get("labelSelector") or {}, labels)
    ]
    if not over_nodes:
        yield f"it has no topologySpreadConstraint over {HOSTNAME} for its pods"
    for each in over_nodes[:1]:
        found = {"maxSkew": each.get("maxSkew"), "whenUnsatisfiable": each.get("whenUnsatisfiable")}
        wanted = {"maxSkew": 1, "whenUnsatisfiable": wishes.when_unsatisfiable}
        yield from (
            f"{name} over {HOSTNAME} is {found[name]}, not {value}"
            for name, value in wanted.items()
            if found[name] != value
        )


def _spread(situation: Situation, wishes: Wishes, pods: list[Object]) -> Iterator[Check]:
    if wishes.when_unsatisfiable != DO_NOT_SCHEDULE:
        return
    nodes = sorted({pod["spec"].get("nodeName", "") for pod in pods})
    expected = f"{len(pods)} replicas on {len(pods)} nodes"
    found = f"{len(nodes)} nodes ({', '.join(nodes)})"
    yield Check("Traefik's replicas run on different nodes", bool(pods) and len(nodes) == len(pods), expected, found)


def _budget(situation: Situation, wishes: Wishes) -> Iterator[Check]:
    if not wishes.min_available:
        return
    expected = f"one PodDisruptionBudget with minAvailable {wishes.min_available} that allows a disruption"
    found = [
        f"{ref_of(each)} with minAvailable {each['spec'].get('minAvailable', 'not set')} allows {_allowed(each)}"
        for each in situation.budgets
    ]
    well = [
        each["spec"].get("minAvailable") == wishes.min_available and _allowed(each) > 0 for each in situation.budgets
    ]
    yield Check("a node with a Traefik can be drained", well == [True], expected, "; ".join(found) or "none")


def _allowed(budget: Object) -> int:
    return int((budget.get("status") or {}).get("disruptionsAllowed", 0))


def _replica(pod: Object, container: str, wishes: Wishes) -> Check:
    lacks = list(_lacks(pod["spec"], container, wishes))
    expected = "the wished arguments, hook, grace period and priority class"
    name = f"replica {pod['metadata']['namespace']}/{pod['metadata']['name']} runs with the settings"
    return Check(name, not lacks, expected, "; ".join(lacks) or "all of them")


def _lacks(spec: Mapping[str, Any], container: str, wishes: Wishes) -> Iterator[str]:
    (chosen,) = (each for each in spec["containers"] if each["name"] == container)
    flags = [*chosen.get("command", [])[1:], *(chosen.get("args") or [])]
    given = settings.from_flags(flags)
    for name, value in wished_arguments(wishes, defined_entry_points(flags)).items():
        now = given.get(name.lower(), "")
        if not now or seconds_of(now) != seconds_of(value):
            yield f"--{name} is {now or 'not set'}, not {value}"
    grace = spec.get("terminationGracePeriodSeconds")
    if grace != wishes.termination_grace_period:
        yield f"terminationGracePeriodSeconds is {grace}, not {wishes.termination_grace_period}"
    hook = (chosen.get("lifecycle") or {}).get("preStop") or {}
    if wishes.pre_stop_sleep and (hook.get("sleep") or {}).get("seconds") != wishes.pre_stop_sleep:
        yield f"its preStop hook does not sleep {wishes.pre_stop_sleep} s"
    probe = chosen.get("readinessProbe") or {}
    if probe and (probe.get("initialDelaySeconds") or 0) < wishes.readiness_delay:
        yield f"its readiness is asked after {probe.get('initialDelaySeconds', 0)} s, not {wishes.readiness_delay} s"
    if wishes.priority_class and spec.get("priorityClassName") != wishes.priority_class:
        yield f"priorityClassName is {spec.get('priorityClassName', 'not set')}, not {wishes.priority_class}"
