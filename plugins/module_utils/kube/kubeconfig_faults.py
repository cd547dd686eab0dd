# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a kubeconfig, by file, line and name. Nothing that stands in it is shown but names of contexts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

# Whoever calls this has found out whether the kubernetes package is there, which brings it.
with suppress(ImportError):
    import yaml


def no_yaml(kubeconfig: Any, error: Exception) -> str:
    """Which file is no YAML, where and why, from the error of the YAML parser."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "context", None) or "it cannot be read"
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{os.pathsep.join(_paths(kubeconfig))} is no YAML: {problem}{place}"


def unknown_context(kubeconfig: Any, context: str | None) -> str:
    """That there is no such context, and which there are. Empty where there is one, or where they cannot be read."""
    if not context:
        return ""
    try:
        known = list(_contexts(kubeconfig))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return ""
    if not known or context in known:
        return ""
    near = get_close_matches(context, known, 1, 0.5)
    meant = f" (is {near[0]} meant?)" if near else ""
    return f"the kubeconfig has no context {context!r}{meant}; there are {', '.join(known)}"


def _contexts(kubeconfig: Any) -> Iterator[str]:
    given = kubeconfig if isinstance(kubeconfig, Mapping) else None
    for each in [given] if given else (yaml.safe_load(Path(path).read_text()) for path in _paths(kubeconfig)):
        yield from (str(context["name"]) for context in (each or {}).get("contexts") or [])


def _paths(kubeconfig: Any) -> list[str]:
    given = str(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")
    return [str(Path(path).expanduser()) for path in given.split(os.pathsep) if path]
