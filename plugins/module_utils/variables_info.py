# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module variables_info: variables held against their specification, all findings at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.specification import (
    entries_specification,
    faults_of,
    findings,
    misspelt,
)
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "specification": {"type": "dict", "required": True},
    "values": {"type": "dict", "required": True, "no_log": False},
    "formats": {"type": "dict", "default": {}},
    "given": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "entries": {"type": "str", "default": ""},
    "prefix": {"type": "str", "default": ""},
}


def run(task: Task) -> dict[str, Any]:
    """Names what is wrong. ``present``, ``notes`` and ``proxies`` are those of a preflight that found it out."""
    params = task.params
    specification = {
        name: _formatted(name, option, params["formats"]) for name, option in params["specification"].items()
    }
    found = [*findings(specification, params["values"])]
    found += misspelt(specification, params["given"], params["prefix"])
    entries = params["values"].get(params["entries"])
    if params["entries"] and isinstance(entries, list):
        own = entries_specification(specification, params["prefix"])
        for position, entry in enumerate(entries, start=1):
            place = f"{params['entries']} item {position}"
            for name in own.keys() & entry.keys() if isinstance(entry, dict) else ():
                found += faults_of(f"{place}: {name}", own[name], entry[name])
    return {
        "changed": False,
        "findings": [f"{words}." for words in dict.fromkeys(found)],
        "present": True,
        "notes": [],
        "proxies": [],
    }


def _formatted(name: str, option: Mapping[str, Any], formats: Mapping[str, str]) -> dict[str, Any]:
    """The option with the format of the first pattern that its name is of."""
    format_ = next((each for pattern, each in formats.items() if re.fullmatch(pattern, name)), "")
    return {**option, "format": format_} if format_ else dict(option)
