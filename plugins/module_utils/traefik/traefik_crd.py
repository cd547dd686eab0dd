# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module traefik_crd: Traefik's objects, checked, rehearsed, applied and proved to be loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.apply import objects_from
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.cluster_references import (
    Findings,
    dangling,
    left_dangling,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.cluster_schemas import schema_faults
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.loaded import NONE, Proof
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probing import NotLoaded
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.proof_options import (
    PROOF_OPTIONS,
    chosen_workload,
    prover,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.reference_faults import Rules
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

OPTIONS: dict[str, dict[str, Any]] = {
    "objects": {"type": "raw", "required": True},
    "namespace": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "on_conflict": {"type": "str", "choices": ["fail", "force"], "default": "fail"},
    "references": {"type": "str", "choices": ["check", "ignore"], "default": "check"},
    "prove_unchanged": {"type": "bool", "default": False},
    **PROOF_OPTIONS,
}


class Refused(errors.ResilientError):
    """The objects were refused before anything was written; ``faults`` lists why, all at once."""

    def __init__(self, faults: Sequence[str]) -> None:
        counted = f"{len(faults)} faults, nothing was written" if len(faults) > 1 else "nothing was written"
        super().__init__(f"{counted}: {'; '.join(faults)}", faults=list(faults))


def run(task: Task) -> dict[str, Any]:
    """Makes the objects present or absent. Raises BadArgument, Refused, NotLoaded and what the writer raises."""
    items = [_checked(task, item) for item in objects_from(task.params["objects"])]
    workload = None if task.params["proof"] == NONE else chosen_workload(task)
    if task.params["state"] == "absent":
        return _absent(task, items, workload)
    return _present(task, items, workload)


def _checked(task: Task, item: Object) -> Object:
    """One of Traefik's kinds, in the namespace that it names or the task's."""
    ref = ref_of(item)
    if ref.api_version != API_VERSION:
        raise errors.BadArgument(
            f"objects: {ref} is of {ref.api_version}, and this module is for {API_VERSION}: use resilient.traefik.apply"
        )
    namespace = ref.namespace or task.params["namespace"]
    if not namespace:
        raise errors.BadArgument(f"objects: {ref} names no namespace. Set metadata.namespace, or the option namespace.")
    return item | {"metadata": item["metadata"] | {"namespace": namespace}}


def _absent(task: Task, items: list[Object], workload: Workload | None) -> dict[str, Any]:
    refs = [ref_of(item) for item in items]
    there = [item for ref, item in zip(refs, items, strict=True) if task.client.find(ref)]
    if there and task.params["references"] == "check":
        findings = left_dangling(task.client, there, workload.arguments if workload else {})
        task.warnings.extend(findings.unchecked)
        if findings.faults:
            raise Refused([f"{fault}, and its routers would be dropped" for fault in findings.faults])
    return task.result_of(task.writer().delete(refs)) | {"proofs": []}


def _present(task: Task, items: list[Object], workload: Workload | None) -> dict[str, Any]:
    _check_offline(task, items, workload)
    planned = Writer(task.client, check_mode=True, force=_forced(task)).apply(items)
    wanted = _to_prove(task, items, planned)
    if task.check_mode or not (planned.changed or wanted):
        return task.result_of(planned) | {"proofs": []}
    proving = prover(task, workload) if workload else None
    if proving and planned.changed:
        proving.rehearse(wanted)
    outcome = task.writer(force=_forced(task)).apply(items) if planned.changed else planned
    result = task.result_of(outcome)
    try:
        proofs = (
            proving.prove(wanted) if proving else [Proof(ref_of(item), NONE, [], "not asked for") for item in wanted]
        )
    except NotLoaded as error:
        raise _not_loaded(error, outcome) from None
    return result | {"proofs": [proof.result() for proof in proofs]}


def _forced(task: Task) -> bool:
    return bool(task.params["on_conflict"] == "force")


def _check_offline(task: Task, items: list[Object], workload: Workload | None) -> None:
    faults = schema_faults(task.client, items)
    if workload:
        faults += [fault for item in items if (fault := _out_of_reach(item, workload))]
    findings = _references(task, items, workload)
    task.warnings.extend(findings.unchecked)
    if faults or findings.faults:
        raise Refused([*faults, *findings.faults])


def _references(task: Task, items: list[Object], workload: Workload | None) -> Findings:
    if task.params["references"] == "ignore":
        return Findings([], [])
    # Without a Traefik to ask, its rules are not known: only what no setting allows is a fault.
    lenient = Rules(cross_namespace=True, external_names=True)
    return dangling(task.client, items, scope.rules(workload.arguments) if workload else lenient)


def _out_of_reach(item: Object, workload: Workload) -> str:
    """Why this Traefik would not serve the object whatever is in it, empty when it would."""
    reason = scope.overlooked(item, workload.arguments)
    if reason:
        return f"{ref_of(item)}: {workload.ref} does not look at it: {reason}"
    named = (item.get("spec") or {}).get("entryPoints")
    if item["kind"] == "IngressRouteUDP" or not isinstance(named, list):
        return ""
    unknown = [name for name in named if str(name).lower() not in workload.entry_points]
    known = ", ".join(sorted(workload.entry_points))
    return (
        f"{ref_of(item)}: spec.entryPoints: {workload.ref} has no {', '.join(unknown)}, it has {known}"
        if unknown
        else ""
    )


def _to_prove(task: Task, items: list[Object], planned: Outcome) -> list[Object]:
    if task.params["prove_unchanged"]:
        return items
    changed = {change.ref for change in planned.changes if change.changed}
    return [item for item in items if ref_of(item) in changed]


def _not_loaded(error: NotLoaded, outcome: Outcome) -> NotLoaded:
    """The same failure, saying what was written before it."""
    written = [str(change.ref) for change in outcome.changes if change.written]
    kept = f" Written and still there: {', '.join(written)}." if written else ""
    results = [change.result() for change in outcome.changes]
    return NotLoaded(
        f"{error}.{kept} With run_id set, resilient.traefik.restore puts back what was there before.",
        results=results,
        **error.facts,
    )
