# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults by which pods go away. Each can be taken back: what it marks, brings and does, and when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.counters import StandIns
from ansible_collections.resilient.traefik.plugins.module_utils.drill.equipment import Marked, Uids
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import Mark
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import pods_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube import readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right
from ansible_collections.resilient.traefik.plugins.module_utils.kube.eviction import rehearse_eviction
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import MISSING, value_at
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until, wait_until_ready


@dataclass(frozen=True)
class Fault:
    """Nothing happens: the base of all faults, each of which replaces some of this.

    ``context`` is the drill's. The order is findings, marked, brought (with ``uids``, the owners of what is brought),
    act, then the marks are taken back, settle.
    """

    context: Context

    def about(self) -> str:
        """What is broken, in words."""
        return str(self.context.subject or self.context.traefik.ref)

    def findings(self) -> list[str]:
        """What stands against it, in sentences with the remedy."""
        return []

    def rights(self) -> list[Right]:
        """What the account must be allowed beyond what every drill needs."""
        return []

    def marked(self) -> list[Marked]:
        """The fields that are changed, each with what to restore."""
        return []

    def namespace(self) -> str:
        """Where the healer runs."""
        return self.context.traefik.ref.namespace

    def not_on(self) -> list[str]:
        """Nodes on which the healer must not run."""
        return []

    def brought(self, uids: Uids) -> list[Object]:
        """Objects that exist as long as the drill."""
        return []

    def namespaces(self) -> set[str]:
        """Return the namespaces in which the healer or anything else is brought."""
        return {self.namespace(), *(ref_of(item).namespace for item in self.brought({}))}

    def needs_healer(self) -> bool:
        """Whether anything stays that would have to be taken back."""
        return bool(self.marked() or self.brought({}))

    def act(self) -> list[str]:
        """What is done beside the marked changes; returns it in words."""
        return []

    def is_felt(self) -> bool:
        """Whether it has arrived where it is to be felt."""
        return True

    def goes(self) -> list[tuple[Object, Object]]:
        """The pods that it takes away, each after its workload, while they are still there."""
        return []

    def stand_ins(self) -> list[StandIns]:
        """Those that it brings and whose counters are read."""
        return []

    def retries(self) -> Sequence[Mapping[str, Any]]:
        """The retry middlewares before what it breaks, as a route names them."""
        return ()

    def workloads(self) -> list[Object]:
        """Whose pods are shown before and after."""
        subject = self.context.subject
        behind = [subject.proxy, subject.workload] if subject else []
        return [self.context.traefik.item, *(each for each in behind if each)]

    def proxies(self) -> list[Object]:
        """Whose counters are read."""
        subject = self.context.subject
        return [subject.proxy] if subject and subject.proxy else []

    def undo(self) -> None:
        """Takes back what was done to objects that the drill itself brought."""

    def settle(self) -> None:
        """Returns once everything runs again. Raises WaitTimeout."""

    def visitors(self) -> list[Visitor]:
        """Who has to ask beside those that every drill has."""
        return []

    def _mark(self, item: Object, name: str, during: Any) -> Marked:
        kit, ref = self.context.kit, ref_of(item)
        path = tuple(f"f:{part}" for part in name.split("."))
        before = value_at(item, path)
        mark = Mark(kit.token, kit.until, name, None if before is MISSING else before, during)
        return Marked(item, self.context.client.resource(ref.api_version, ref.kind), mark)


@dataclass(frozen=True)
class ScaledToZero(Fault):
    """A Deployment or StatefulSet has no pods any more."""

    workload: Object

    def goes(self) -> list[tuple[Object, Object]]:
        """All of them."""
        return [(self.workload, pod) for pod in pods_of(self.context.client, self.workload)]

    def findings(self) -> list[str]:
        """It must be complete: what is restored is what it is now."""
        lacks = readiness.missing(self.workload)
        wanted = self.workload["spec"].get("replicas", 1)
        if not wanted:
            return [f"{ref_of(self.workload)} has 0 replicas already: there is nothing to scale down."]
        return [f"{ref_of(self.workload)} is not ready: {lacks}."] if lacks else []

    def rights(self) -> list[Right]:
        """To patch it."""
        ref = ref_of(self.workload)
        return [Right("patch", f"{ref.kind.lower()}s.apps", ref.namespace, ref.name)]

    def marked(self) -> list[Marked]:
        """The number of replicas."""
        return [self._mark(self.workload, "spec.replicas", 0)]

    def namespace(self) -> str:
        """Beside it."""
        return ref_of(self.workload).namespace

    def settle(self) -> None:
        """All pods are back."""
        wait_until_ready(self.context.client, [ref_of(self.workload)], self.context.wait_timeout, self.context.progress)


@dataclass(frozen=True)
class Evicted(Fault):
    """Pods of a workload are evicted, with a wait for the next until the one before has been replaced."""

    workload: Object
    most: int = 0
    chosen: Sequence[str] = field(default_factory=tuple)

    def about(self) -> str:
        """The workload."""
        return str(ref_of(self.workload))

    def findings(self) -> list[str]:
        """What the budgets say."""
        lacks = readiness.missing(self.workload)
        if lacks:
            return [f"{ref_of(self.workload)} is not ready: {lacks}."]
        return eviction_findings(self.context, self._pods())

    def goes(self) -> list[tuple[Object, Object]]:
        """Those that are evicted."""
        return [(self.workload, pod) for pod in self._chosen()]

    def rights(self) -> list[Right]:
        """To evict."""
        return [Right("create", "pods/eviction", ref_of(self.workload).namespace)]

    def act(self) -> list[str]:
        """One after the other."""
        client, ref, told = self.context.client, ref_of(self.workload), []
        for pod in self._pods():
            evict_patiently(self.context, pod)
            told.append(f"evicted {pod}")
            wait_until(client, [pod], self.context.wait_timeout, self.context.progress, _present, "gone")
            if not self.most:
                wait_until_ready(client, [ref], self.context.wait_timeout, self.context.progress)
        return told

    def settle(self) -> None:
        """All pods are ready again."""
        wait_until_ready(self.context.client, [ref_of(self.workload)], self.context.wait_timeout, self.context.progress)

    def _pods(self) -> list[ObjectRef]:
        return [ref_of(pod) for pod in self._chosen()]

    def _chosen(self) -> list[Object]:
        pods = pods_of(self.context.client, self.workload)
        chosen = [pod for pod in pods if ref_of(pod).name in self.chosen] if self.chosen else pods
        return chosen[: self.most or None]


@dataclass(frozen=True)
class Drained(Fault):
    """A node is cordoned, and the pods of workloads on it are evicted through their budgets."""

    node: Object
    drained: Sequence[Object]

    def workloads(self) -> list[Object]:
        """Those whose pods are evicted."""
        return list(self.drained)

    def about(self) -> str:
        """The node."""
        return f"{ref_of(self.node)} with {', '.join(str(pod) for pod in self._pods())}"

    def findings(self) -> list[str]:
        """What the budgets say, and whether the node is cordoned already."""
        if (self.node.get("spec") or {}).get("unschedulable"):
            return [f"{ref_of(self.node)} is cordoned already; name another one, or uncordon it."]
        return eviction_findings(self.context, self._pods())

    def goes(self) -> list[tuple[Object, Object]]:
        """The workloads' pods on it."""
        name = ref_of(self.node).name
        found = [(workload, pod) for workload in self.drained for pod in pods_of(self.context.client, workload)]
        return [(workload, pod) for workload, pod in found if pod["spec"].get("nodeName") == name]

    def rights(self) -> list[Right]:
        """To cordon and to evict."""
        spaces = {pod.namespace for pod in self._pods()}
        evictions = [Right("create", "pods/eviction", space) for space in sorted(spaces)]
        return [Right("patch", "nodes", "", ref_of(self.node).name), *evictions]

    def marked(self) -> list[Marked]:
        """That nothing new is to run on it."""
        return [self._mark(self.node, "spec.unschedulable", True)]

    def not_on(self) -> list[str]:
        """The node itself."""
        labels: Mapping[str, str] = self.node["metadata"].get("labels") or {}
        return [labels.get("kubernetes.io/hostname", ref_of(self.node).name)]

    def act(self) -> list[str]:
        """As kubectl drain does it: again where a budget says not yet."""
        told = []
        for pod in self._pods():
            evict_patiently(self.context, pod)
            told.append(f"evicted {pod}")
        return told

    def settle(self) -> None:
        """All workloads are complete again."""
        refs = [ref_of(workload) for workload in self.drained]
        wait_until_ready(self.context.client, refs, self.context.wait_timeout, self.context.progress)

    def _pods(self) -> list[ObjectRef]:
        return [ref_of(pod) for _workload, pod in self.goes()]


def evict_patiently(context: Context, pod: ObjectRef) -> None:
    """Evicts the pod once its budget lets it go. Raises WaitTimeout with the budget's words, Forbidden."""

    def lacks(item: Object | None) -> str:
        if item is None or item["metadata"].get("deletionTimestamp"):
            return ""
        reason = rehearse_eviction(context.client, pod)
        if not reason:
            context.writer.evict([pod])
        return reason

    wait_until(context.client, [pod], context.wait_timeout, context.progress, lacks, "evicted")


def eviction_findings(context: Context, pods: Sequence[ObjectRef]) -> list[str]:
    """A sentence for each pod that may not be evicted now."""
    if not pods:
        return ["there is no pod to evict."]
    reasons = context.client.concurrently(lambda pod: rehearse_eviction(context.client, pod), pods)
    return [f"{pod} may not be evicted: {reason}." for pod, reason in zip(pods, reasons, strict=True) if reason]


def _present(item: Object | None) -> str:
    return "still there" if item and not item["metadata"].get("deletionTimestamp") else ""
