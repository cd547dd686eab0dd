# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a tier is meant to give, compared with what a cluster's policy engine and admission really gave. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    from kubernetes.utils.quantity import parse_quantity

# The options' names and those of a LimitRange.
_LIMITS = {"default": "default", "default_request": "defaultRequest", "max": "max", "min": "min"}


@dataclass(frozen=True)
class LimitRangeValues:
    """The LimitRange of a tier: its name, and by field (as in a LimitRange) the quantities by resource."""

    name: str
    limits: dict[str, dict[str, str]]


def limit_range_values(given: Mapping[str, Any] | None) -> LimitRangeValues | None:
    """The option expect.limit_range as values; None when it is not given. Raises BadArgument naming a bad quantity."""
    if given is None:
        return None
    limits: dict[str, dict[str, str]] = {}
    for option, field in _LIMITS.items():
        limits[field] = {resource: str(quantity) for resource, quantity in (given.get(option) or {}).items()}
        for resource, quantity in limits[field].items():
            try:
                parse_quantity(quantity)
            except ValueError:
                raise BadArgument(
                    f"expect.limit_range.{option}.{resource}: {quantity!r} is no quantity such as 512Mi or 500m"
                ) from None
    return LimitRangeValues(given["name"], limits)


def limit_range_lacks(limit_range: Mapping[str, Any] | None, expected: LimitRangeValues) -> str:
    """In which values a LimitRange is not what is expected, in words; empty when it is. Quantities count by value."""
    if limit_range is None:
        return "it does not exist"
    seen = container_limits(limit_range)
    differing = [
        f"{field}.{resource} is {seen.get(field, {}).get(resource, 'not set')}, not {quantity}"
        for field, quantities in expected.limits.items()
        for resource, quantity in quantities.items()
        if not same_quantity(seen.get(field, {}).get(resource), quantity)
    ]
    return ", ".join(differing)


def container_limits(limit_range: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What the LimitRange says of containers: quantities by field and resource."""
    limits: Iterable[Mapping[str, Any]] = limit_range["spec"].get("limits") or []
    item: Mapping[str, Any] = next((item for item in limits if item["type"] == "Container"), {})
    return {field: dict(item[field]) for field in _LIMITS.values() if item.get(field)}


def same_quantity(seen: str | None, wanted: str) -> bool:
    """Whether two quantities are worth the same, however they are written: 1Gi and 1024Mi are."""
    return seen is not None and bool(parse_quantity(seen) == parse_quantity(wanted))


def running(pods: Iterable[Object]) -> list[Object]:
    """The pods that run or are about to: neither ended nor being deleted."""
    return [
        pod
        for pod in pods
        if pod.get("status", {}).get("phase") in ("Pending", "Running") and not pod["metadata"].get("deletionTimestamp")
    ]


def with_other_class(pods: Iterable[Object], priority_class: str) -> list[Object]:
    """The pods that were not admitted with this PriorityClass."""
    return [pod for pod in pods if pod["spec"].get("priorityClassName", "") != priority_class]
