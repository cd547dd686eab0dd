# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads drills' results and reports that come from elsewhere, and refuses what is none of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.report_schema import SCHEMA, SCHEMA_VERSION
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError, best_match

Drill = Mapping[str, Any]
# What later versions may add without a number of its own: reading goes on without it, only tests are stricter.
_ADDED = "additionalProperties"
_LONGEST = 120


def checked_drills(given: Any, where: str) -> list[Drill]:
    """The scenarios' results. Raises BadArgument naming the first place that is not as the schema says."""
    part = {"$defs": SCHEMA["$defs"]} | SCHEMA["properties"]["scenarios"]
    _check(given, part, where, "no list of drills' results")
    drills: list[Drill] = list(given)
    names = [drill["scenario"] for drill in drills]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadArgument(f"{where}: {', '.join(twice)} is there more than once. Give each scenario's result once.")
    return drills


def read_report(path: Path, where: str) -> dict[str, Any]:
    """The report of drill_report in a file. Raises BadArgument for everything else."""
    try:
        report = json.loads(path.read_bytes())
    except OSError as error:
        raise BadArgument(f"{where}: {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise BadArgument(f"{where}: {path} is not JSON. {_REMEDY}") from None
    if not isinstance(report, dict) or not {"schema", "scenarios"} <= set(report):
        raise BadArgument(f"{where}: {path} is no report of drills. {_REMEDY}")
    if report["schema"] != SCHEMA_VERSION:
        raise BadArgument(
            f"{where}: {path} has schema {report['schema']!r}, and this version of the collection reads schema "
            f"{SCHEMA_VERSION}. Use the version that wrote it."
        )
    _check(report, SCHEMA, f"{where}: {path}", "not as the schema says")
    checked_drills(report["scenarios"], f"{where}: {path}")
    return report


_REMEDY = "Name the JSON file that resilient.traefik.drill_report wrote."


def _check(given: Any, schema: Mapping[str, Any], where: str, wrong: str) -> None:
    errors = (error for error in Draft202012Validator(schema).iter_errors(given) if error.validator != _ADDED)
    if error := best_match(errors):
        raise BadArgument(f"{where}: {wrong}: at {_place(error)} {_shortened(error.message)}")


def _place(error: ValidationError) -> str:
    return ".".join(str(step) for step in error.absolute_path) or "the top"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
