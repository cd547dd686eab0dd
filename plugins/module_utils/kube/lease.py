# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who holds a Lease and for how long, and the Leases that taking, renewing and giving it back make. Pure.

All times are the API server's: those of two controllers need not agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef

_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
# A holder who asks again renews the Lease once this part of its time has passed.
_RENEWED_AFTER = 1 / 3


@dataclass(frozen=True)
class Holding:
    """The holder's name, when it took the Lease, when it last renewed it, and when it runs out."""

    holder: str
    acquired: datetime
    renewed: datetime
    expires: datetime

    def is_stale(self, now: datetime) -> bool:
        """True when it ran out."""
        return now >= self.expires

    def is_due(self, now: datetime) -> bool:
        """True when its holder should renew it."""
        return now >= self.renewed + (self.expires - self.renewed) * _RENEWED_AFTER

    @property
    def lasts(self) -> timedelta:
        """For how long it was taken or last renewed."""
        return self.expires - self.renewed

    def age(self, now: datetime) -> int:
        """Seconds since it was taken."""
        return max(0, round((now - self.acquired).total_seconds()))


def lease_ref(name: str, namespace: str) -> ObjectRef:
    """The Lease's identity."""
    return ObjectRef("coordination.k8s.io/v1", "Lease", name, namespace)


def holding_of(lease: Mapping[str, Any] | None) -> Holding | None:
    """Who holds the Lease; None when nobody does. A Lease without times counts as one that ran out."""
    spec = (lease or {}).get("spec") or {}
    if not spec.get("holderIdentity"):
        return None
    renewed = _time(spec.get("renewTime") or spec.get("acquireTime"))
    acquired = _time(spec.get("acquireTime")) if spec.get("acquireTime") else renewed
    lasts = timedelta(seconds=spec.get("leaseDurationSeconds") or 0)
    return Holding(spec["holderIdentity"], acquired, renewed, renewed + lasts)


def taken(ref: ObjectRef, holder: str, seconds: int, now: datetime, transitions: int) -> Object:
    """The Lease in the hands of a new holder; ``transitions`` counts how often it changed hands."""
    moment = now.strftime(_MICRO_TIME)
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "acquireTime": moment,
            "renewTime": moment,
            "leaseTransitions": transitions,
        },
    }


def renewal(seconds: int, now: datetime) -> dict[str, Any]:
    """The merge patch by which a holder keeps the Lease."""
    return {"spec": {"renewTime": now.strftime(_MICRO_TIME), "leaseDurationSeconds": seconds}}


def release() -> dict[str, Any]:
    """The merge patch that gives the Lease back."""
    return {"spec": dict.fromkeys(("holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime"))}


def transitions_of(lease: Mapping[str, Any]) -> int:
    """How often the Lease changed hands."""
    return int((lease.get("spec") or {}).get("leaseTransitions") or 0)


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text or "1970-01-01T00:00:00Z")
