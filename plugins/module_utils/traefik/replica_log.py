# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traefik's own words about what it cannot load, out of a replica's log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, Workload

_LINES = 3000
_SHOWN = 400
# The common format is coloured, terminal or not.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ERROR = re.compile(rf"error=({_QUOTED}|\S+)")


def read_log(client: Client, workload: Workload, replica: Replica, seconds: int) -> list[str]:
    """The replica's newest log lines, without colours. Raises ApiError (get on pods/log) or Unreachable."""
    ref = ObjectRef("v1", "Pod", replica.name, replica.namespace)
    containers = workload.item["spec"]["template"]["spec"]["containers"]
    name = next((each["name"] for each in containers if each.get("image") == workload.image), containers[0]["name"])
    query = {"container": name, "sinceSeconds": max(seconds, 1), "tailLines": _LINES}
    text = client.request("GET", client.path(ref, "log"), query=query, text=True, about=f"log of {ref}")
    return [_COLOURS.sub("", line) for line in str(text).splitlines()]


def told(lines: Iterable[str], names: Sequence[str]) -> str:
    """The newest error about one of the names, empty when there is none; earlier names count more than later ones.

    That a name "does not exist" is a consequence where another line says why. Reads both of Traefik's formats, common
    and JSON (log.format).
    """
    listed = list(lines)
    found: list[str] = []
    for name in names:
        found += [words for line in reversed(listed) if _mentions(line, name) and (words := _error(line))]
    causes = [words for words in found if not any(f'"{name}' in words and "not exist" in words for name in names)]
    return (causes or found or [""])[0][:_SHOWN]


def told_by(client: Client, workload: Workload, replica: Replica, seconds: int, names: Sequence[str]) -> str:
    """As told, for a replica, and where that comes from. Never raises: it explains another failure."""
    try:
        words = told(read_log(client, workload, replica, seconds), names)
    except errors.ResilientError as error:
        return f"its log could not be read: {error}"
    return words or "its log says nothing about it"


def _mentions(line: str, name: str) -> bool:
    """Whether the name stands in the line as a whole, not as a part of a longer one."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", line) is not None


def _error(line: str) -> str:
    return _json_error(line) if line.startswith("{") else _common_error(line)


def _json_error(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(entry, dict) or entry.get("level") not in ("error", "warn"):
        return ""
    return _joined(str(entry.get("message", "")), str(entry.get("error", "")))


def _common_error(line: str) -> str:
    """``2026-01-01T00:00:00Z ERR message error="..." routerName=...``, perhaps with ``file.go:1 >`` in between."""
    found = re.match(r"\S+ (?:ERR|WRN) (.*)", line)
    if not found:
        return ""
    cause = _ERROR.search(found[1])
    message = re.split(r"(?:^|\s)\w+=", found[1])[0]
    message = re.sub(r"^\S+\.go:\d+ > ", "", message).strip()
    return _joined(message, _unquoted(cause[1]) if cause else "")


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')


def _joined(message: str, cause: str) -> str:
    return ": ".join(part for part in (message, cause) if part)
