# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module drill_report: the results of many drills as one report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import verdict
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_junit import as_junit
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_reading import (
    Drill,
    checked_drills,
    read_report,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_schema import SCHEMA_VERSION
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_table import table
from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_words import (
    VERDICT_WORDS,
    outcome_of,
    reasons_told,
    told,
    verdicts_told,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.proof.files import Heading, path_of, write_whole
from ansible_collections.resilient.traefik.plugins.module_utils.proof.versions import own_version
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "title": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "drills": {"type": "list", "elements": "dict", "required": True},
    "compared": {"type": "raw"},
    "run_id": {"type": "str"},
    "versions": {"type": "dict", "default": {}},
    "directory": {"type": "path", "default": "build"},
    "name": {"type": "str", "default": "drill"},
}
_ENDINGS = {"json": "json", "junit": "xml", "html": "html"}
# Takes the report as the JSON has it.
Page = Callable[[Mapping[str, Any]], str]


class NotPassed(errors.ResilientError):
    """The verdict on the run is another one than passed."""


def run(task: Task, page: Page | None = None) -> dict[str, Any]:
    """Writes the files, returns the table and the verdict. Raises NotPassed with the same facts, BadArgument.

    ``page`` renders the HTML; without it, as in a module of its own, there is none, which a warning says.
    """
    params = task.params
    drills = checked_drills(params["drills"], "drills")
    compared, refusal = _compared(params["compared"])
    report = _report(params, drills, compared)
    files = _write(task, report, page)
    facts = {
        "table": table(report["title"], report["cluster"], drills, compared),
        "summary": told(outcome_of(drills)),
        "verdict": report["verdict"],
        "exit_code": report["exit_code"],
        "files": {kind: str(path) for kind, path in files.items()},
    }
    if refusal:
        raise errors.BadArgument(f"{refusal} The report was made without it.", **facts)
    if report["verdict"] != verdict.PASSED:
        worst = VERDICT_WORDS[report["verdict"]]
        words = f"{report['title']}: {worst} ({verdicts_told(drills)}): {facts['summary']}"
        why = reasons_told([drill for drill in drills if drill["verdict"] == report["verdict"]])
        raise NotPassed(f"{words}. {why}" if why else words, **facts)
    return {"changed": False} | facts


def _compared(given: Any) -> tuple[list[Drill], str]:
    """The earlier scenarios, and why there are none: what was measured is not to be lost to a wrong path."""
    try:
        if not given:
            return [], ""
        if isinstance(given, str):
            return list(read_report(Path(given).expanduser(), "compared")["scenarios"]), ""
        return checked_drills(given, "compared"), ""
    except errors.BadArgument as error:
        return [], str(error)


def _report(params: Mapping[str, Any], drills: Sequence[Drill], compared: Sequence[Drill]) -> dict[str, Any]:
    worst = verdict.worst(drill["verdict"] for drill in drills)
    versions = {name: str(version) for name, version in params["versions"].items()} | own_version()
    report = {
        "schema": SCHEMA_VERSION,
        "title": params["title"],
        "cluster": params["cluster"],
        "run_id": params["run_id"] or "",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": versions,
        "verdict": worst,
        "exit_code": verdict.EXIT_CODES[worst],
        "scenarios": list(drills),
    }
    return report | ({"compared": list(compared)} if compared else {})


def _write(task: Task, report: Mapping[str, Any], page: Page | None) -> dict[str, Path]:
    """The paths by kind, also those that check mode does not write."""
    heading = Heading(*(report[name] for name in ("title", "cluster", "run_id", "time", "versions")))
    contents = {
        "json": (json.dumps(report, indent=2) + "\n").encode(),
        "junit": as_junit(heading, report["scenarios"]),
    }
    if page:
        contents["html"] = page(report).encode("utf-8", "replace")
    else:
        task.warnings.append("the page is only made on the controller, and this module ran elsewhere: there is no HTML")
    name = Path(task.params["directory"]), task.params["name"], report["cluster"]
    files = {kind: path_of(*name, _ENDINGS[kind]) for kind in contents}
    if task.check_mode:
        task.warnings.append(f"check mode writes no report: {', '.join(map(str, files.values()))}")
        return files
    for kind, content in contents.items():
        write_whole(files[kind], content)
    return files
