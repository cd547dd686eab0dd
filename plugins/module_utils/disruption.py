# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What PodDisruptionBudgets allow and forbid, and which one a workload is to have. Pure.

Rounding and selectors as the disruption controller does it: percentages round up, an empty selector is every pod of the
namespace, a missing one no pod (Kubernetes documentation, "Specifying a Disruption Budget", and the type's comments).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import label_selector
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS, is_ours, owner_of

MIN, MAX = "minAvailable", "maxUnavailable"


@dataclass(frozen=True)
class Limit:
    """A budget's one number: ``field`` is minAvailable or maxUnavailable, ``value`` a count or a percentage."""

    field: str
    value: int | str

    def __str__(self) -> str:
        return f"{self.field} {self.value}"

    def allows(self, replicas: int) -> int:
        """How many of that many pods may be evicted while all of them are healthy."""
        count = _count(self.value, replicas)
        return max(0, replicas - count) if self.field == MIN else min(count, replicas)

    def option(self) -> dict[str, int | str]:
        """The entry of a budget's spec."""
        return {self.field: self.value}


def _count(value: int | str, replicas: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return ceil(int(value[:-1]) * replicas / 100)
    return int(value)


def limit_from(option: str, given: Mapping[str, Any]) -> Limit:
    """What ``min_available`` or ``max_unavailable`` of an option says. Raises BadArgument naming a bad number."""
    field, name = (MIN, "min_available") if given.get("min_available") is not None else (MAX, "max_unavailable")
    text = str(given.get(name, "")).strip()
    digits = text.removesuffix("%")
    if not digits.isascii() or not digits.isdigit() or (text.endswith("%") and int(digits) > 100):
        raise BadArgument(f"{option}_{name}: {text!r} is neither a number of pods nor a percentage such as 50%")
    return Limit(field, text if text.endswith("%") else int(digits))


def limit_of(budget: Mapping[str, Any]) -> Limit:
    """The number of a PodDisruptionBudget; without one, minAvailable 1, as Kubernetes has it."""
    spec = budget.get("spec") or {}
    for field in (MAX, MIN):
        if spec.get(field) is not None:
            return Limit(field, spec[field])
    return Limit(MIN, 1)


def selects(budget: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether the budget's selector holds for a pod with these labels."""
    selector = (budget.get("spec") or {}).get("selector")
    if selector is None:
        return False
    return label_selector.selects(selector, labels)


@dataclass(frozen=True)
class Wish:
    """What is asked for: ``name`` in results, the ``limit``, the budget's own name (empty: the workload's).

    ``fall_back`` takes maxUnavailable 1 where the limit would block every drain. ``unhealthy_pods`` is the budget's
    unhealthyPodEvictionPolicy. ``by_chart`` says that the workload's own chart is to render the budget.
    """

    name: str
    limit: Limit
    budget: str = ""
    fall_back: bool = True
    unhealthy_pods: str = "AlwaysAllow"
    by_chart: bool = False


@dataclass(frozen=True)
class Advice:
    """For one workload: the budget to apply (none when somebody else's does), and what is wrong or worth knowing.

    ``limit`` is the number that holds then.
    """

    budget: Object | None
    findings: list[str]
    notes: list[str]
    limit: Limit


def advise(wish: Wish, workload: Object, replicas: int, budgets: Sequence[Object]) -> Advice:
    """Which budget the workload is to have. ``replicas`` is the lowest number of pods that it runs with."""
    limit, findings, notes = _limit_for(wish, workload, replicas)
    found = selecting(workload, budgets)
    if len(found) > 1:
        return Advice(None, [*findings, _doubled(workload, found)], notes, limit)
    if wish.by_chart:
        more, known = _before_the_chart(found, workload)
        return Advice(None, [*findings, *more], [*notes, *known], limit)
    foreign = [item for item in found if not is_ours(item)]
    if not foreign:
        return Advice(budget_for(wish, workload, limit), findings, notes, limit)
    fault = _foreign_fault(foreign[0], workload, replicas)
    if fault:
        return Advice(None, [*findings, fault], notes, limit)
    # Its number counts, so what was wrong with the wished one is not.
    kept = (
        f"{_named(foreign[0])} has {limit_of(foreign[0])} for {ref_of(workload)}: a second budget would block evictions"
    )
    return Advice(None, [], [kept], limit_of(foreign[0]))


def _before_the_chart(found: Sequence[Object], workload: Object) -> tuple[list[str], list[str]]:
    """Findings and notes on a budget that is there before the workload's chart renders one."""
    if not found:
        return [], []
    budget, owner = found[0], owner_of(workload)
    if not owner or owner_of(budget) != owner:
        return [
            f"{_named(budget)} selects the pods of {ref_of(workload)}: remove it before the chart renders a second one"
        ], []
    trap = limit_of(budget) == Limit(MIN, 0)
    return [], [f"{_named(budget)} has {limit_of(budget)}{_TRAP if trap else ''}"]


def selecting(workload: Mapping[str, Any], budgets: Sequence[Object]) -> list[Object]:
    """The budgets that select the workload's pods, by name."""
    metadata = workload["spec"]["template"].get("metadata") or {}
    labels, namespace = metadata.get("labels") or {}, workload["metadata"]["namespace"]
    found = [item for item in budgets if item["metadata"]["namespace"] == namespace and selects(item, labels)]
    return sorted(found, key=lambda item: str(item["metadata"]["name"]))


def budget_for(wish: Wish, workload: Mapping[str, Any], limit: Limit) -> Object:
    """The PodDisruptionBudget for the workload's pods."""
    metadata = workload["metadata"]
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name in _COPIED}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": wish.budget or metadata["name"],
            "namespace": metadata["namespace"],
            "labels": labels | OUR_LABELS,
        },
        "spec": limit.option()
        | {"selector": workload["spec"]["selector"], "unhealthyPodEvictionPolicy": wish.unhealthy_pods},
    }


def changed_fault(wish: Wish, workload: Mapping[str, Any], replicas: int, budget: Object) -> str:
    """In what a budget of this collection differs from the wished one; empty for none, and for budgets of others."""
    if not is_ours(budget):
        return ""
    wanted, _findings, _notes = _limit_for(wish, workload, replicas)
    spec = budget_for(wish, workload, wanted)["spec"]
    names = (MIN, MAX, "unhealthyPodEvictionPolicy")
    return ", ".join(
        f"{name} is {budget['spec'].get(name, 'not set')}, not {spec.get(name, 'set')}"
        for name in names
        if budget["spec"].get(name) != spec.get(name)
    )


_TRAP = " (what a chart renders that has pdb.enabled and no number)"
# Who the budget is about; not the chart's other marks, which would make it look like a part of the release.
_COPIED = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")


def _limit_for(wish: Wish, workload: Mapping[str, Any], replicas: int) -> tuple[Limit, list[str], list[str]]:
    if replicas == 0:
        return wish.limit, [f"{wish.name}: {ref_of(workload)} is scaled to 0, so no budget can be proved for it"], []
    if wish.limit.allows(replicas) > 0:
        return wish.limit, [], _weak(wish, workload, replicas, wish.limit)
    fault = f"{wish.limit} would block every drain of a node, for {ref_of(workload)} runs with {_pods(replicas)}"
    if not wish.fall_back:
        remedy = "scale it up, lower the number, or let the role fall back to maxUnavailable 1"
        return wish.limit, [f"{wish.name}: {fault}; {remedy}"], []
    limit = Limit(MAX, 1)
    return limit, [], [f"{fault}; {limit} is taken instead", *_weak(wish, workload, replicas, limit)]


def _weak(wish: Wish, workload: Mapping[str, Any], replicas: int, limit: Limit) -> list[str]:
    if limit.allows(replicas) < replicas:
        return []
    return [f"with {_pods(replicas)}, {limit} keeps no pod of {ref_of(workload)} ({wish.name}) through a drain"]


def _pods(replicas: int) -> str:
    return "one pod" if replicas == 1 else f"{replicas} pods"


def _doubled(workload: Object, budgets: Sequence[Object]) -> str:
    listed = ", ".join(map(_named, budgets))
    return (
        f"{listed} select the same pods of {ref_of(workload)}: the API server evicts no pod that has two budgets, "
        "so no node of theirs can be drained; keep one of them"
    )


def _foreign_fault(budget: Object, workload: Object, replicas: int) -> str:
    """Why somebody else's budget cannot be left to it, empty when it can."""
    limit = limit_of(budget)
    allowed = limit.allows(replicas)
    pods = f"{_pods(replicas)} of {ref_of(workload)}"
    if limit == Limit(MIN, 0):
        trap = _TRAP if owner_of(budget) else ""
        return (
            f"{_named(budget)} has {limit}{trap}: it lets all {pods} be evicted at once. Set minAvailable or "
            "maxUnavailable where it comes from (in a chart beside pdb.enabled), or remove it"
        )
    if allowed == 0 and replicas:
        return (
            f"{_named(budget)} has {limit} and there are {pods}: it blocks every drain of a node. Change it where it "
            "comes from, or scale the workload up"
        )
    if allowed >= replicas > 1:
        return f"{_named(budget)} has {limit}: it lets all {pods} be evicted at once"
    return ""


def _named(budget: Object) -> str:
    owner = owner_of(budget)
    return f"{ref_of(budget)} ({owner})" if owner else str(ref_of(budget))
