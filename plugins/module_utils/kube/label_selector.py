# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a LabelSelector (meta/v1) takes in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether it takes in an object with these labels; an empty one takes in all."""
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    return all(expression_holds(labels.get(each["key"]), each) for each in selector.get("matchExpressions") or [])


def takes(selector: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    """Whether the selector of a Service takes in an object with these labels; none and an empty one take in nothing."""
    return bool(selector) and (selector or {}).items() <= labels.items()


def expression_holds(value: str | None, expression: Mapping[str, Any]) -> bool:
    """Whether one of its expressions takes in a label's value, None where there is no such label."""
    values = expression.get("values") or []
    holds = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return holds.get(str(expression["operator"]), False)
