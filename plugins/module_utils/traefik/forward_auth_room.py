# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a namespace has room for a Deployment's pods: ResourceQuota and LimitRange. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

_QUANTITY = re.compile(r"([0-9.]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?\Z")
_FACTORS = {"m": Decimal("0.001"), "": Decimal(1)}
_FACTORS |= {unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)}
_FACTORS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}

Containers = Sequence[Mapping[str, Any]]


def quantity(text: Any) -> Decimal:
    """A Kubernetes quantity as a number. Raises ValueError when it is none."""
    found = _QUANTITY.match(str(text))
    if not found:
        raise ValueError(f"{text!r} is no quantity such as 128Mi or 100m")
    return Decimal(found[1]) * _FACTORS[found[2] or ""]


def pod_needs(containers: Containers) -> dict[str, Decimal]:
    """What one pod counts for, under the names of a ResourceQuota. Containers have ``requests`` and ``limits``."""
    needs = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for kind in ("requests", "limits"):
        for container in containers:
            for resource, value in ((container.get("resources") or {}).get(kind) or {}).items():
                needs[f"{kind}.{resource}"] = needs.get(f"{kind}.{resource}", Decimal(0)) + quantity(value)
    for resource in ("cpu", "memory"):
        if f"requests.{resource}" in needs:
            needs[resource] = needs[f"requests.{resource}"]
    return needs


def quota_findings(
    quotas: Iterable[Object],
    wanted: Containers,
    pods: int,
    present: Containers = (),
    present_pods: int = 0,
    defaulted: Collection[str] = (),
) -> list[str]:
    """What the ResourceQuotas do not leave for that many pods, beside what those that are there already count for.

    ``defaulted`` are resources, such as ``limits.cpu``, that a LimitRange gives to containers without them.
    """
    needed, freed = pod_needs(wanted), pod_needs(present)
    found = []
    for quota in quotas:
        name = quota["metadata"]["name"]
        hard, used = quota["spec"].get("hard") or {}, quota.get("status", {}).get("used") or {}
        for resource, most in hard.items():
            if resource.startswith(("limits.", "requests.")) and resource not in (*needed, *defaulted):
                found.append(f"ResourceQuota {name} demands {resource} of every pod, and the proxy's have none")
            if resource not in needed:
                continue
            more = needed[resource] * pods - freed.get(resource, Decimal(0)) * present_pods
            left = quantity(most) - quantity(used.get(resource, "0"))
            if more > left:
                found.append(
                    f"ResourceQuota {name} leaves {_shown(left)} of {resource}, and {pods} pods (one more while they "
                    f"are replaced) need {_shown(more)} more"
                )
    return found


def limit_findings(ranges: Iterable[Object], containers: Containers) -> list[str]:
    """What the LimitRanges refuse of a pod's containers."""
    found = []
    for item in ranges:
        for limit in item["spec"].get("limits") or []:
            if limit.get("type") == "Container":
                found += [each for one in containers for each in _refused(item["metadata"]["name"], limit, one)]
    return list(dict.fromkeys(found))


def cpu_limits(ranges: Iterable[Object]) -> list[str]:
    """CPU limits that LimitRanges give to containers that ask for none."""
    limits = [limit for item in ranges for limit in item["spec"].get("limits") or []]
    return [str(each["default"]["cpu"]) for each in limits if (each.get("default") or {}).get("cpu")]


def _refused(name: str, limit: Mapping[str, Any], container: Mapping[str, Any]) -> list[str]:
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    found = []
    for resource, most in (limit.get("max") or {}).items():
        value = limits.get(resource) or (limit.get("default") or {}).get(resource)
        if value is None or quantity(value) > quantity(most):
            found.append(
                f"LimitRange {name} allows a container {most} of {resource}, and it asks for {value or 'no limit'}"
            )
    for resource, least in (limit.get("min") or {}).items():
        value = requests.get(resource) or (limit.get("defaultRequest") or {}).get(resource)
        if value is not None and quantity(value) < quantity(least):
            found.append(f"LimitRange {name} wants at least {least} of {resource} requested, and it requests {value}")
    for resource, ratio in (limit.get("maxLimitRequestRatio") or {}).items():
        if (
            resource in requests
            and resource in limits
            and quantity(limits[resource]) > quantity(requests[resource]) * quantity(ratio)
        ):
            found.append(
                f"LimitRange {name} allows a {resource} limit of {ratio} times the request, and it is "
                f"{limits[resource]} to {requests[resource]}"
            )
    return found


def _shown(value: Decimal) -> str:
    if value >= 1024**2 and value % 1024**2 == 0:
        return f"{value / 1024**2:f}Mi"
    return f"{value.normalize():f}"
