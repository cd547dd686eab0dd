# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands against the wishes, before anything is written: plain sentences with the remedy. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import HELM, MANIFEST
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.situation import Situation
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import DO_NOT_SCHEDULE, Wishes

# The first Kubernetes in which preStop.sleep is on without a feature gate.
SLEEP_FROM = 30
_OTHERS = ("Argo CD", "Flux", "Terraform")


def findings(situation: Situation, wishes: Wishes, values: Mapping[str, Any], rendering: bool) -> list[str]:
    """All at once; empty when the wishes can be carried out. A finding starts with the option that it is about."""
    found = [*wishes.faults(), *_traefik(situation), *_scale(situation, wishes), *_roll(situation, wishes)]
    found += [*_budgets(situation, wishes), *_pre_stop(situation, wishes)]
    if values and situation.delivery.kind == MANIFEST:
        found.append(f"values: {situation.workload.ref} is written as a manifest and has no chart: leave values out")
    return found if rendering else [*found, *_owner(situation)]


def wished_replicas(situation: Situation, wishes: Wishes) -> int:
    """How many replicas there are to be at least."""
    if situation.autoscaler:
        return int(situation.autoscaler["spec"].get("minReplicas", 1))
    return situation.workload.wanted if wishes.replicas is None else wishes.replicas


def _traefik(situation: Situation) -> Iterable[str]:
    workload = situation.workload
    version = re.match(r"(\d+)\.", workload.version)
    if version and int(version[1]) < 3:
        yield f"traefik: {workload.ref} runs Traefik {workload.version}; 3.0 or newer is needed: upgrade it first"
    if workload.source != "arguments" and workload.arguments:
        yield (
            f"traefik: {workload.ref} takes its static settings from its {workload.source}, and Traefik never mixes "
            "sources, so arguments would be ignored or would replace all of them: make them arguments first"
        )


def _scale(situation: Situation, wishes: Wishes) -> Iterable[str]:
    ref, wanted = situation.workload.ref, wished_replicas(situation, wishes)
    if situation.autoscaler and wishes.replicas is not None:
        yield (
            f"replicas: {ref} is scaled by {ref_of(situation.autoscaler)}, which would undo {wishes.replicas}: leave "
            "replicas out and set its minReplicas"
        )
    if wishes.replicas is not None and ref.kind == "DaemonSet":
        yield f"replicas: {ref} has one a node: leave replicas out"
    nodes = situation.nodes
    spreads = ref.kind == "Deployment" and wishes.when_unsatisfiable == DO_NOT_SCHEDULE
    if spreads and nodes is not None and wanted > len(nodes):
        yield (
            f"when_unsatisfiable: DoNotSchedule wants each of the {wanted} replicas of {ref} on a node of its own, and "
            f"{_nodes(nodes)}: set replicas to {max(len(nodes), 1)} or less, add nodes, or set when_unsatisfiable to "
            "ScheduleAnyway"
        )
    storages = acme_files(situation.workload.arguments)
    if storages and wanted > situation.workload.wanted:
        yield (
            f"replicas: {ref} keeps certificates by ACME in a file ({', '.join(storages)}), which several replicas "
            f"cannot share, and there are to be {wanted}: have them made by cert-manager first, or leave replicas out"
        )
    elif storages and wishes.min_available >= wanted:
        yield (
            f"min_available: {wishes.min_available} with {wanted} replicas of {ref} would block every drain of a node "
            f"for ever, and more cannot share its file of certificates by ACME ({', '.join(storages)}): set "
            "min_available to 0, or have the certificates made by cert-manager first and set replicas"
        )
    elif wishes.min_available and wishes.min_available >= wanted:
        yield (
            f"min_available: {wishes.min_available} with {wanted} replicas of {ref} would block every drain of a node "
            f"for ever: set replicas to {wishes.min_available + 1} or more, or min_available to {max(wanted - 1, 0)}"
        )


def acme_files(settings: Mapping[str, str]) -> list[str]:
    """The files in which this Traefik keeps the certificates that it gets by ACME, by setting, sorted."""
    found = {
        name: value
        for name, value in settings.items()
        if re.fullmatch(r"certificatesresolvers\.[^.]+\.acme\.storage", name)
    }
    resolvers = {name.split(".")[1] for name in settings if re.match(r"certificatesresolvers\.[^.]+\.acme\b", name)}
    named = {name.split(".")[1] for name in found}
    # Traefik's own default.
    found |= {f"certificatesresolvers.{name}.acme.storage": "acme.json" for name in resolvers - named}
    return sorted(f"{name}={value}" for name, value in found.items())


def _nodes(nodes: list[str]) -> str:
    if not nodes:
        return "no node takes its pods"
    count = "one node takes" if len(nodes) == 1 else f"{len(nodes)} nodes take"
    return f"only {count} its pods ({', '.join(nodes[:5])}{', ...' if nodes[5:] else ''})"


def _roll(situation: Situation, wishes: Wishes) -> Iterable[str]:
    """A host port can be taken once a node: where every node has a replica, one has to go before a new one comes."""
    if situation.item["kind"] != "Deployment":
        return
    strategy = situation.item["spec"].get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    if strategy.get("type") == "Recreate" and wishes.max_unavailable is None:
        yield (
            f"max_unavailable: {situation.workload.ref} has the strategy Recreate, so a change of it ends every "
            "replica before one begins: set max_unavailable and max_surge, or RollingUpdate where it comes from"
        )
    unavailable = rolling.get("maxUnavailable", 1) if wishes.max_unavailable is None else wishes.max_unavailable
    if _ends_all_at_once(unavailable, wished_replicas(situation, wishes)):
        yield (
            f"max_unavailable: {unavailable} of {wished_replicas(situation, wishes)} replicas of "
            f"{situation.workload.ref} may be away while it rolls, which is all of them: set a lower one"
        )
    if not host_ports(situation.pod):
        return
    full = situation.nodes is not None and wished_replicas(situation, wishes) >= len(situation.nodes)
    if full and str(unavailable) in ("0", "0%"):
        ports = ", ".join(map(str, host_ports(situation.pod)))
        yield (
            f"max_unavailable: 0 cannot roll {situation.workload.ref}: it holds the host ports {ports} of every node, "
            "so a new replica would never be scheduled: set max_unavailable to 1 and max_surge to 0"
        )


def _ends_all_at_once(max_unavailable: Any, replicas: int) -> bool:
    """Whether a roll may take away all replicas at the same time. One replica is said to be too few elsewhere."""
    text = str(max_unavailable)
    if replicas < 2 or not text.removesuffix("%").isdigit():
        return False
    # Kubernetes rounds a percentage down.
    number = int(text.removesuffix("%"))
    return (number * replicas // 100 if text.endswith("%") else number) >= replicas


def host_ports(pod: Mapping[str, Any]) -> list[int]:
    """The host ports that the pod's containers take."""
    containers = pod.get("containers") or []
    found = [port.get("hostPort") for each in containers for port in each.get("ports") or []]
    return sorted({port for port in found if port})


def _budgets(situation: Situation, wishes: Wishes) -> Iterable[str]:
    """By Helm the chart makes the budget: one by hand beside it would be the second."""
    foreign = [each for each in situation.budgets if not _of_release(each)]
    if wishes.min_available and situation.delivery.kind != MANIFEST and foreign:
        yield (
            f"min_available: {ref_of(foreign[0])} selects the pods of {situation.workload.ref} and is not of the "
            "release; with the chart's own they would have two budgets, and Kubernetes would evict none of them: "
            "remove it, or set min_available to 0"
        )
    elif len(situation.budgets) > 1:
        names = ", ".join(str(ref_of(each)) for each in situation.budgets)
        yield (
            f"min_available: {names} all select the pods of {situation.workload.ref}, and Kubernetes evicts no pod "
            "that has two budgets: remove all but one"
        )


def _of_release(item: Object) -> bool:
    return "meta.helm.sh/release-name" in (item["metadata"].get("annotations") or {})


def _pre_stop(situation: Situation, wishes: Wishes) -> Iterable[str]:
    if not wishes.pre_stop_sleep:
        return
    if 0 < situation.kubernetes < SLEEP_FROM:
        yield (
            f"pre_stop_sleep: Kubernetes 1.{situation.kubernetes} does not know preStop.sleep, which came with "
            f"1.{SLEEP_FROM}: set pre_stop_sleep to 0"
        )
    hook = _hook(situation.pod, situation.container)
    if hook and "sleep" not in hook:
        yield (
            f"pre_stop_sleep: {situation.workload.ref} has a preStop hook of its own ({', '.join(hook)}): set "
            "pre_stop_sleep to 0 to keep it, or remove it"
        )


def _hook(pod: Mapping[str, Any], container: str) -> Object:
    (chosen,) = (each for each in pod["containers"] if each["name"] == container)
    lifecycle = chosen.get("lifecycle") or {}
    return dict(lifecycle.get("preStop") or {})


def _owner(situation: Situation) -> Iterable[str]:
    """Those who put back what they did not write themselves."""
    delivery = situation.delivery
    if delivery.owner.startswith(_OTHERS):
        yield (
            f"delivery: {situation.workload.ref} belongs to {delivery.owner}, which would undo a change made here: set "
            "render_to and give it the files"
        )
    if delivery.kind == MANIFEST and delivery.owner.startswith("k3s add-on"):
        yield f"delivery: {situation.workload.ref} belongs to {delivery.owner}: change the add-on's file on the server"
    if delivery.kind == HELM and delivery.status and delivery.status not in ("deployed", "failed", "superseded"):
        yield (
            f"delivery: Helm release {delivery.namespace}/{delivery.release} is {delivery.status}: an upgrade runs or "
            "was interrupted; wait for it, or undo it with helm rollback"
        )
