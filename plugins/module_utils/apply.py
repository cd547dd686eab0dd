# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module apply: a set of objects, present or absent, in one task."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone, wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

OPTIONS: dict[str, dict[str, Any]] = {
    "objects": {"type": "raw", "required": True},
    "namespace": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "on_conflict": {"type": "str", "choices": ["fail", "force"], "default": "fail"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
}


def run(task: Task) -> dict[str, Any]:
    """Applies or deletes the objects and, where asked, waits. Raises BadArgument and what the writer raises."""
    objects = objects_from(task.params["objects"])
    writer = task.writer(force=task.params["on_conflict"] == "force")
    if task.params["state"] == "present":
        outcome = writer.apply([_in_namespace(task, item) for item in objects])
    else:
        outcome = writer.delete([ref_of(_in_namespace(task, item)) for item in objects])
    if task.params["wait"] and not task.check_mode:
        _wait(task, outcome)
    return task.result_of(outcome)


def objects_from(given: Any, option: str = "objects") -> list[Object]:
    """Whole objects out of a list, a single object, a List object or YAML text with several documents.

    Raises BadArgument naming the option and the position of what is not an object.
    """
    if isinstance(given, str):
        try:
            given = [document for document in yaml.safe_load_all(given) if document is not None]
        except yaml.YAMLError as error:
            raise BadArgument(f"{option}: not YAML: {_position(error)}") from None
    listed = given if isinstance(given, list) else [given]
    objects: list[Object] = []
    for position, item in enumerate(listed, start=1):
        if not isinstance(item, dict):
            raise BadArgument(f"{option}: item {position} is {type(item).__name__}, not an object (a dictionary)")
        objects += item.get("items") or [] if item.get("kind") == "List" else [item]
    return objects


def _position(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}{getattr(error, 'problem', None) or 'it cannot be read'}"


def _in_namespace(task: Task, item: Object) -> Object:
    """The object, in the task's namespace where it names none and its kind lives in one."""
    ref = ref_of(item)
    namespace = task.params["namespace"]
    if ref.namespace or not namespace or not task.client.resource(ref.api_version, ref.kind).namespaced:
        return item
    return item | {"metadata": item["metadata"] | {"namespace": namespace}}


def _wait(task: Task, outcome: Outcome) -> None:
    refs = [change.ref for change in outcome.changes]
    wait = wait_until_ready if task.params["state"] == "present" else wait_until_gone
    wait(task.client, refs, task.params["wait_timeout"], task.progress)
