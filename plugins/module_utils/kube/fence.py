# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a run still holds the cluster's lock: asked before each of its writes, and renewed while it works."""

from __future__ import annotations

import contextlib
import time
from threading import Lock

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import (
    Holding,
    holding_of,
    lease_ref,
    release,
    renewal,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import NAMESPACE
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer

# The Lease that the playbooks take.
LOCK = lease_ref("resilient-traefik", NAMESPACE)
# For so long an answer counts: a set of many objects is not to cost twice the requests.
_FRESH_SECONDS = 1.0
# Between reading the Lease and renewing it somebody else of the same run may have been faster.
_TRIES = 5


class LockLost(errors.ResilientError):
    """The run does not hold the lock any more; ``facts`` name who does."""


class Fence:
    """Stands between the writes of one run and the cluster. Safe to use from several threads."""

    def __init__(self, client: Client, holder: str) -> None:
        self._client = client
        self._holder = holder
        self._lock = Lock()
        self._checked = float("-inf")

    def check(self) -> None:
        """Renew the lock when it is time. Raise LockLost when another run holds it, or nobody."""
        with self._lock:
            if time.monotonic() - self._checked < _FRESH_SECONDS:
                return
            self._look()
            self._checked = time.monotonic()

    def keep(self) -> None:
        """Renew the lock when it is time. That it is lost is for the next write to say."""
        with contextlib.suppress(errors.ResilientError):
            self.check()

    def _look(self) -> None:
        for _attempt in range(_TRIES):
            lease = self._client.find(LOCK)
            held = holding_of(lease)
            if lease is None or held is None or held.holder != self._holder:
                raise _lost(self._holder, held)
            if renewed(self._client, lease, held):
                return
        raise errors.ResilientError(f"{LOCK}: others changed it {_TRIES} times while this run tried to renew it")


def renewed(client: Client, lease: Object, held: Holding) -> bool:
    """Renew a held Lease when it is time; False when somebody changed it since it was read."""
    now = client.clock()
    if not held.is_due(now):
        return True
    return _patched(client, lease, renewal(round(held.lasts.total_seconds()), now))


def given_back(client: Client, lease: Object) -> bool:
    """Give a held Lease back; False when somebody changed it since it was read."""
    return _patched(client, lease, release())


def _patched(client: Client, lease: Object, body: Object) -> bool:
    # The result is known, so nothing is tried on the API server first.
    after = lease | {"spec": lease["spec"] | body["spec"]}
    try:
        # The lock is no part of what a rollback puts back: no journal.
        Writer(client, check_mode=False).patch([Patch(lease, body, after=after)])
    except errors.WriteFailed as failure:
        if isinstance(failure.cause, errors.Conflict):
            return False
        raise
    return True


def _lost(holder: str, held: Holding | None) -> LockLost:
    whose = f"{held.holder} holds it" if held else "nobody holds it"
    return LockLost(
        f"{LOCK}: {holder} lost the cluster's lock, {whose} now. Nothing was written by this task. Run again once that "
        "run has ended, and see first what it did.",
        holder=held.holder if held else "",
    )
