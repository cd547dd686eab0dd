# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fields of an object by their path, such as ``spec.template.spec.containers[name=nginx].image``. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

_STEP = r"[^.\[\]]+|\[[^\]]+\]"
_PATH = re.compile(rf"(?:{_STEP})(?:\.[^.\[\]]+|\[[^\]]+\])*")
# Characters of a value in a message: enough to tell it from others.
_SHOWN = 200


def steps(path: str) -> list[str]:
    """The parts of a path: a key, a list's index, or ``key=value`` for the item of a list that has it.

    A part in brackets may hold dots: ``metadata.annotations[example.test/owner]``. Raises BadArgument.
    """
    if not _PATH.fullmatch(path):
        raise BadArgument(f"{path!r} is no path such as spec.replicas or spec.ports[0].port")
    return [step[1:-1] if step.startswith("[") else step for step in re.findall(_STEP, path)]


def value_at(item: Any, path: str) -> Any:
    """The value at the path, None where there is none. Raises BadArgument for what is no path."""
    value = item
    for step in steps(path):
        value = _inside(value, step)
    return value


def _inside(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return None
    if step.isdigit():
        return value[int(step)] if int(step) < len(value) else None
    key, _equals, wanted = step.partition("=")
    chosen = (entry for entry in value if isinstance(entry, Mapping) and key in entry)
    return next((entry for entry in chosen if same(entry[key], wanted)), None)


def same(found: Any, wanted: Any) -> bool:
    """Whether two values are equal, a number and its text included: a template's result may be either."""
    if found == wanted and isinstance(found, bool) == isinstance(wanted, bool):
        return True
    scalars = all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in (found, wanted))
    return scalars and str(found) == str(wanted)


def shown(value: Any) -> str:
    """The value for a message: text as it is, else JSON, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
