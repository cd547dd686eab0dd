# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module drill_heal: takes back, by hand, what drills left behind whose controllers died."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.left_over import read_labelled
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import (
    LABEL,
    mark_of,
    patch_to_restore,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import selector_text
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {"wait_timeout": {"type": "int", "default": 180}}
_OWNERS = [
    Query(
        "rbac.authorization.k8s.io/v1",
        kind,
        label_selector=f"{LABEL},{selector_text({'matchLabels': OUR_LABELS})}",
    )
    for kind in ("ClusterRole", "Role")
]


def run(task: Task) -> dict[str, Any]:
    """Restores every marked object, and removes what drills brought. Raises Forbidden, WriteFailed, WaitTimeout."""
    client, seconds = task.client, float(task.params["wait_timeout"])
    found = [client.get(ref_of(item)) for item in read_labelled(client)]
    owners = [ref_of(item) for answer in read_found(client, _OWNERS) for item in answer.items]
    marked = [(item, mark) for item in found if (mark := mark_of(item))]
    # What a drill brought itself carries the label too, and goes with its owner.
    writer = Writer(client, check_mode=task.check_mode)
    outcome = writer.patch([patch_to_restore(item, mark) for item, mark in marked])
    outcome.changes += writer.delete(owners).changes
    if not task.check_mode:
        wait_until_gone(client, owners, seconds, task.progress)
        wait_until_ready(client, [ref_of(item) for item, _mark in marked], seconds, task.progress)
    healed = [
        {"object": str(ref_of(item)), "drill": mark.token, "field": mark.field, "until": mark.until.isoformat()}
        for item, mark in marked
    ]
    return task.result_of(outcome) | {"healed": healed}
