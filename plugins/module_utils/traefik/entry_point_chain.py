# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A middleware's place in the chain of an entry point: a static setting, so Traefik is rolled out anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import chain
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.chain_plan import (
    ChainChange,
    Edit,
    entry_point_arguments,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import MANIFEST, delivery_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.loaded import Proof
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload


def change_entry_points(task: Task, workload: Workload, edit: Edit, prove: Callable[[], list[Proof]]) -> dict[str, Any]:
    """Changes the arguments of a Traefik that comes as plain manifests, and waits for its rollout.

    Arguments whose rollout fails are taken back. Raises BadArgument for any other delivery, naming the setting to
    change there, and WaitTimeout.
    """
    item = task.client.get(workload.ref)
    position = _position(item, workload)
    before: list[str] = item["spec"]["template"]["spec"]["containers"][position].get("args") or []
    after, changes = _changed(task, workload, before, edit)
    result = {"results": _results(workload, changes), "chosen": len(task.params["entry_points"]), "left_alone": []}
    result |= {"changed": bool(changes), "unchanged": len(task.params["entry_points"]) - len(changes)}
    result |= {"diff": _diff(workload, changes), "proofs": []}
    if not changes:
        return result
    _refuse_other_delivery(task, workload, changes)
    proofs = prove() if edit.place is not None else []
    writer = task.writer()
    outcome = writer.patch([Patch(item, [_replacement(position, after, bool(before))])])
    task.take(outcome)
    if not task.check_mode:
        _rolled_out(task, workload, writer, position, before)
    return result | {
        "results": [entry | {"written": not task.check_mode} for entry in _results(workload, changes)],
        "proofs": [proof.result() for proof in proofs],
    }


def _changed(
    task: Task, workload: Workload, arguments: Sequence[str], edit: Edit
) -> tuple[list[str], list[ChainChange]]:
    after, changes = list(arguments), []
    for entry_point in task.params["entry_points"]:
        workload.port(entry_point)
        try:
            after, change = entry_point_arguments(after, entry_point, edit)
        except chain.OtherMissing as error:
            if task.params["missing"] == "fail" and edit.place:
                raise errors.BadArgument(
                    f"{edit.place.where}: entry point {entry_point} does not hold {error}; missing: skip leaves it"
                ) from None
            continue
        changes += [change] if change.changed else []
    return after, changes


def _refuse_other_delivery(task: Task, workload: Workload, changes: Sequence[ChainChange]) -> None:
    delivery = delivery_of(task.client, workload.ref)
    if delivery.kind == MANIFEST and workload.source == "arguments":
        return
    wanted = "; ".join(f"{change.at}={','.join(change.after)}" for change in changes)
    brought = f"by {delivery.kind} ({delivery.owner})" if delivery.kind != MANIFEST else f"by its {workload.source}"
    raise errors.BadArgument(
        f"entry_points: {workload.ref} gets its settings {brought}, which would undo a change of its arguments. "
        f"Set there, or through the role traefik_ha: {wanted}"
    )


def _rolled_out(task: Task, workload: Workload, writer: Writer, position: int, before: list[str]) -> None:
    try:
        wait_until_ready(task.client, [workload.ref], task.params["wait_timeout"], task.progress)
    except errors.WaitTimeout as error:
        writer.patch([Patch(task.client.get(workload.ref), [_replacement(position, before, True)])])
        raise errors.WaitTimeout(f"{error} The arguments were taken back.", **error.facts) from None


def _position(item: Object, workload: Workload) -> int:
    containers: list[Object] = item["spec"]["template"]["spec"]["containers"]
    return next((at for at, each in enumerate(containers) if each.get("image") == workload.image), 0)


def _replacement(position: int, arguments: list[str], there: bool) -> dict[str, Any]:
    path = f"/spec/template/spec/containers/{position}/args"
    return {"op": "replace" if there else "add", "path": path, "value": arguments}


def _results(workload: Workload, changes: Sequence[ChainChange]) -> list[dict[str, Any]]:
    if not changes:
        return []
    chains = [{"at": change.at, "before": change.before, "after": change.after} for change in changes]
    return [workload.ref.as_dict() | {"change": "updated", "written": False, "chains": chains}]


def _diff(workload: Workload, changes: Sequence[ChainChange]) -> list[dict[str, str]]:
    return [
        {
            "before_header": f"{workload.ref}: {change.at}",
            "after_header": f"{workload.ref}: {change.at}",
            "before": "".join(f"{name}\n" for name in change.before),
            "after": "".join(f"{name}\n" for name in change.after),
        }
        for change in changes
    ]
