# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of a chart as they may be shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings

HIDDEN = "<hidden>"
_SECRET = re.compile(r"(?i)(password|passwd|token|secret|apikey|api_key|credential|private|htpasswd|users)")
_SHORTEST = 6


def shown_values(value: Any, key: str = "") -> Any:
    """A copy with what may be a secret hidden: by the key, and in arguments by the flag's name."""
    if isinstance(value, Mapping):
        return {name: shown_values(inner, _key_of(value, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [shown_values(item, key) for item in value]
    if isinstance(value, str) and value.startswith("--"):
        return _shown_argument(value)
    return HIDDEN if value and not isinstance(value, bool) and _SECRET.search(key) else value


def _key_of(value: Mapping[str, Any], name: str) -> str:
    """By what a value is judged: that of a variable (``name`` and ``value``, as containers have them) by its name."""
    return str(value["name"]) if name == "value" and isinstance(value.get("name"), str) else name


def without_secrets(text: str, values: Mapping[str, Any]) -> str:
    """A program's words without the secrets of the values that it was given."""
    for secret in sorted(set(_secrets(values)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _shown_argument(argument: str) -> str:
    name, equals, _value = argument.partition("=")
    (shown,) = settings.shown(settings.from_flags([argument])).values()
    return f"{name}={HIDDEN}" if equals and shown == HIDDEN else argument


def _secrets(value: Any, key: str = "") -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _secrets(inner, _key_of(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, key)
    elif isinstance(value, str) and len(value) >= _SHORTEST and shown_values(value, key) != value:
        yield value
        yield value.partition("=")[2] or value
