# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Numbers of Kubernetes and Traefik in the forms in which objects have them. No I/O."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils import disruption
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object

_COUNT = re.compile(r"\d{1,9}%?")


def allowed(budget: Object, replicas: int) -> int | None:
    """How many of so many healthy pods a PodDisruptionBudget lets go; None where its number is none."""
    limit = disruption.limit_of(budget)
    return limit.allows(replicas) if _COUNT.fullmatch(str(limit.value)) else None


def at_most(value: Any, replicas: int) -> int | None:
    """What ``maxUnavailable`` or ``maxSurge`` comes to for so many pods; None where it is no number."""
    if value is None or not _COUNT.fullmatch(str(value)):
        return None
    return disruption.Limit(disruption.MAX, value if isinstance(value, int) else str(value)).allows(replicas)
