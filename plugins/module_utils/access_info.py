# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module access_info: which of the rights that are needed the account lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import (
    Right,
    findings,
    missing_rights,
    rights,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

RIGHT_OPTIONS: dict[str, dict[str, Any]] = {
    "verbs": {"type": "list", "elements": "str", "required": True},
    "resources": {"type": "list", "elements": "str", "required": True},
    "namespace": {"type": "str"},
    "name": {"type": "str"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "rights": {"type": "list", "elements": "dict", "required": True, "options": RIGHT_OPTIONS},
}


def run(task: Task) -> dict[str, Any]:
    """Asks about every right. Raises BadArgument, Forbidden when asking is not allowed, Unreachable."""
    missing = missing_rights(task.client, _wanted(task.params["rights"]))
    return {
        "changed": False,
        "allowed": not missing,
        "findings": findings(missing),
        "missing": [right.as_dict() for right in missing],
    }


def _wanted(items: Sequence[Mapping[str, Any]]) -> Iterator[Right]:
    if not items:
        raise BadArgument("rights: give at least one, or nothing is asked")
    for position, item in enumerate(items, start=1):
        for name in ("verbs", "resources"):
            if not item[name]:
                raise BadArgument(f"rights: item {position} has no {name}, so it means nothing")
        yield from rights(item["verbs"], item["resources"], item["namespace"] or "", item["name"] or "")
