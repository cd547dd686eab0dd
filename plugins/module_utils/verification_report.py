# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module verification_report: one report of the checks of many tasks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import failure
from ansible_collections.resilient.traefik.plugins.module_utils.proof.collected import Collected, collect, title_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import (
    Heading,
    areas_entry,
    as_json,
    as_junit,
    path_of,
    write_whole,
)
from ansible_collections.resilient.traefik.plugins.module_utils.proof.table import table
from ansible_collections.resilient.traefik.plugins.module_utils.proof.versions import own_version
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

AREA_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "proves": {"type": "str", "default": ""},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "title": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "results": {"type": "dict", "required": True},
    "areas": {"type": "list", "elements": "dict", "default": [], "options": AREA_OPTIONS},
    "looked_at": {"type": "dict"},
    "directory": {"type": "path", "default": "build"},
    "name": {"type": "str", "default": "verify"},
    "run_id": {"type": "str"},
    "versions": {"type": "dict", "default": {}},
}


class NotProved(errors.ResilientError):
    """A check did not pass, or there was none."""


def run(task: Task) -> dict[str, Any]:
    """Collects, writes both files, returns the table. Raises NotProved with the same facts, BadArgument."""
    params = task.params
    collected = collect(params["results"], _areas(params))
    heading = Heading(
        title=title_of(params["title"], collected),
        cluster=params["cluster"],
        run_id=params["run_id"] or "",
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        versions={name: str(version) for name, version in params["versions"].items()} | own_version(),
    )
    files = {
        kind: path_of(Path(params["directory"]), params["name"], heading.cluster, ending)
        for kind, ending in (("junit", "xml"), ("json", "json"))
    }
    _write(task, heading, collected, files)
    facts = _facts(heading, collected, files)
    if collected.failed:
        raise NotProved(f"{heading.title}: {failure([each.check for each in collected.checks])}", **facts)
    return {"changed": False} | facts


def _areas(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What there is to look at, each with what came of looking."""
    looked_at = params["looked_at"]
    if looked_at is None:
        return list(params["areas"])
    return [
        {**each, **(looked_at.get(each["name"]) or {}), "looked_at": each["name"] in looked_at}
        for each in params["areas"]
    ]


def _write(task: Task, heading: Heading, collected: Collected, files: Mapping[str, Path]) -> None:
    if task.check_mode:
        task.warnings.append(f"check mode writes no report: {', '.join(map(str, files.values()))}")
        return
    write_whole(files["junit"], as_junit(heading, collected))
    write_whole(files["json"], as_json(heading, collected).encode())


def _facts(heading: Heading, collected: Collected, files: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "table": table(heading.title, heading.cluster, collected),
        # Not at the top: Ansible has a meaning of its own for failed.
        "counts": {"passed": collected.passed, "failed": len(collected.failed)},
        "unchecked": collected.unchecked,
        "title": heading.title,
        "areas": [areas_entry(each, collected) for each in collected.areas],
        "checks": [each.as_dict() for each in collected.checks],
        "files": {kind: str(path) for kind, path in files.items()},
    }
