"""What tests say of the rights that their users have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rules = list[dict[str, Any]]
May = Callable[..., dict[str, Any]]


def rule(group: str, resources: str, verbs: str) -> dict[str, Any]:
    """One rule of a role; resources and verbs with spaces between them."""
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}
