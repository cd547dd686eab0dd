# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module read: many objects and lists in one task."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import without_secret_values
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

QUERY_OPTIONS: dict[str, dict[str, Any]] = {
    "api_version": {"type": "str", "default": "v1"},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
    "field_selectors": {"type": "list", "elements": "str", "default": []},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "queries": {"type": "list", "elements": "dict", "required": True, "options": QUERY_OPTIONS},
    "on_forbidden": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "reveal_secrets": {"type": "bool", "default": False},
}


def run(task: Task) -> dict[str, Any]:
    """Answers every query. Raises Forbidden unless ``on_forbidden`` is report, BadArgument, Unreachable."""
    queries = [_query(position, given) for position, given in enumerate(task.params["queries"], start=1)]
    read = read_found if task.params["on_forbidden"] == "fail" else read_all
    answers = read(task.client, queries)
    return {"changed": False, "results": [_result(answer, task.params["reveal_secrets"]) for answer in answers]}


def _query(position: int, given: dict[str, Any]) -> Query:
    if given["name"] and (given["label_selectors"] or given["field_selectors"]):
        raise BadArgument(f"queries: item {position} has a name and selectors: a name chooses one object already")
    return Query(
        api_version=given["api_version"],
        kind=given["kind"],
        name=given["name"] or "",
        namespace=given["namespace"] or "",
        label_selector=",".join(given["label_selectors"]),
        field_selector=",".join(given["field_selectors"]),
    )


def _result(answer: Answer, reveal: bool) -> dict[str, Any]:
    objects = answer.items if reveal else [without_secret_values(item) for item in answer.items]
    return {
        "query": str(answer.query),
        "status": answer.status,
        "objects": objects,
        "message": answer.message,
    }
