"""Questions of AWX's surveys, each typed by the specification of its variable. Pure, but for reading these.

What a survey can give: text, numbers, one of several, several of several. A variable that wants anything else is
refused here: it is given as a variable of the template or of the inventory.
Source: awx/main/models/mixins.py of AWX 24: a text that was left empty is not handed over where `min` is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from release.errors import ReleaseError

Option = Mapping[str, Any]

LONGEST_TEXT = 1024
_NO_DEFAULT: tuple[Any, ...] = (None, "", [], {})


def options_of(root: Path) -> dict[str, Option]:
    """The option of every variable that a playbook takes, by name."""
    found: dict[str, Option] = {}
    for path in sorted((root / "roles").glob("*/meta/argument_specs.yml")):
        found |= yaml.safe_load(path.read_text())["argument_specs"]["main"].get("options") or {}
    for path in sorted((root / "playbooks/vars").glob("*.yml")):
        found |= yaml.safe_load(path.read_text())
    return found


def question_of(variable: str, option: Option, told: str) -> dict[str, Any]:
    """One question. `told` is what the variable means, in a sentence. Raises ReleaseError where no survey asks so."""
    kind, default = str(option.get("type", "str")), option.get("default")
    choices = _choices(option)
    question = {
        "variable": variable,
        "question_name": variable.removeprefix("resilient_traefik_").replace("_", " ").capitalize(),
        "question_description": told,
        "required": bool(option.get("required")),
        "new_question": True,
        "choices": "\n".join(choices),
        "default": "" if default in _NO_DEFAULT or "{{" in str(default) else default,
        "min": None,
        "max": None,
    }
    if kind == "list" and choices:
        return question | {"type": "multiselect", "default": "\n".join(default or [])}
    if kind == "bool":
        return question | {"type": "multiplechoice", "choices": "true\nfalse", "default": _text(default)}
    if choices and kind == "str":
        return question | {"type": "multiplechoice"}
    if kind in ("int", "float"):
        bounds = {"min": option.get("minimum", 0), "max": option.get("maximum", 1_000_000)}
        return question | {"type": {"int": "integer"}.get(kind, kind)} | bounds
    if kind in ("str", "path"):
        asked = {"type": "password", "default": ""} if option.get("no_log") else {"type": "text"}
        return question | asked | {"min": 1, "max": LONGEST_TEXT}
    raise ReleaseError(f"{variable} is a {kind}, which no survey can ask for. Take it out of templates.yml.")


def _choices(option: Option) -> list[str]:
    inner = option
    if option.get("type") == "list" and option.get("text_is"):
        inner = option["options"][option["text_is"]]
    return [str(choice) for choice in inner.get("choices") or []]


def _text(default: Any) -> str:
    return "" if default is None else str(default).lower()
