# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module run_lock: one run a cluster at a time, by a Lease."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import (
    Holding,
    holding_of,
    lease_ref,
    release,
    renewal,
    taken,
    transitions_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lock_keeper import keep
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import (
    NAMESPACE,
    AlreadyThere,
    create_with_namespace,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Outcome, Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

OPTIONS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
    "name": {"type": "str", "default": "resilient-traefik"},
    "namespace": {"type": "str", "default": NAMESPACE},
    "run_id": {"type": "str"},
    "holder": {"type": "str"},
    "duration": {"type": "int", "default": 300},
    "keep": {"type": "bool", "default": True},
    "force": {"type": "bool", "default": False},
    "take_over_from": {"type": "str"},
}
# Between reading the Lease and writing it somebody else was faster: whoever that was is named by the next reading.
_TRIES = 5


class LockHeld(errors.ResilientError):
    """Another run holds the lock; ``facts`` name it."""


def run(task: Task) -> dict[str, Any]:
    """Takes the lock or gives it back. Raises LockHeld at once when another run holds it."""
    params = task.params
    if params["duration"] < 1:
        raise errors.BadArgument(f"duration: {params['duration']} is less than a second")
    holder = params["holder"] or f"{_user()}@{socket.gethostname()}:{params['run_id']}"
    ref = lease_ref(params["name"], params["namespace"])
    step = _hold if params["state"] == "held" else _release
    for _attempt in range(_TRIES):
        try:
            outcome = step(task, ref, holder)
        except _Faster:
            continue
        if params["state"] == "held" and params["keep"] and task.controller and not task.check_mode:
            keep(params, ref, holder, task.controller)
        return _result(task, ref, holder, outcome)
    raise errors.ResilientError(f"{ref}: others changed it {_TRIES} times while this run tried to. Try again.")


def _hold(task: Task, ref: ObjectRef, holder: str) -> Outcome:
    lease, now, seconds = task.client.find(ref), task.client.clock(), task.params["duration"]
    held = holding_of(lease)
    if lease is None:
        return _create(task, taken(ref, holder, seconds, now, 0))
    if held is None:
        return _patch(task, lease, _handed_over(ref, lease, holder, seconds, now))
    if held.holder == holder:
        return _patch(task, lease, renewal(seconds, now)) if held.is_due(now) else Outcome()
    if not held.is_stale(now) and held.holder != task.params["take_over_from"]:
        raise _refusal(ref, held, now)
    outcome = _patch(task, lease, _handed_over(ref, lease, holder, seconds, now))
    since = (
        f"whose time ran out {_seconds(held.expires, now)} s ago" if held.is_stale(now) else "which is said to be dead"
    )
    task.warnings.append(
        f"{ref} was taken over from {held.holder}, {since}: that run may have ended with its changes half done"
    )
    return outcome


def _release(task: Task, ref: ObjectRef, holder: str) -> Outcome:
    lease = task.client.find(ref)
    held = holding_of(lease)
    if lease is None or held is None:
        return Outcome()
    if held.holder != holder and not task.params["force"]:
        raise _refusal(ref, held, task.client.clock())
    return _patch(task, lease, release())


class _Faster(Exception):
    """Somebody else wrote the Lease first."""


def _create(task: Task, lease: Object) -> Outcome:
    try:
        return create_with_namespace(_writer(task), lease)
    except AlreadyThere:
        raise _Faster from None


def _patch(task: Task, lease: Object, body: dict[str, Any]) -> Outcome:
    try:
        return _writer(task).patch([Patch(lease, body)])
    except errors.Conflict:
        raise _Faster from None
    except errors.WriteFailed as failure:
        if isinstance(failure.cause, errors.Conflict):
            raise _Faster from None
        raise


def _writer(task: Task) -> Writer:
    """Not task.writer(): the lock is no part of what a rollback puts back."""
    return Writer(task.client, check_mode=task.check_mode)


def _handed_over(ref: ObjectRef, lease: Object, holder: str, seconds: int, now: datetime) -> dict[str, Any]:
    return {"spec": taken(ref, holder, seconds, now, transitions_of(lease) + 1)["spec"]}


def _refusal(ref: ObjectRef, held: Holding, now: datetime) -> LockHeld:
    ends = _seconds(now, held.expires)
    return LockHeld(
        f"{ref} is held by {held.holder} since {held.age(now)} s; it runs out in {ends} s. Wait for that run to end. "
        "If it is dead, take the lock over from it with take_over_from; the playbooks do with "
        f"-e resilient_traefik_dead_run={held.holder}",
        holder=held.holder,
        age=held.age(now),
        expires_in=ends,
    )


def _seconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds())


def _user() -> str:
    """The user's name; in a container it may have only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _result(task: Task, ref: ObjectRef, holder: str, outcome: Outcome) -> dict[str, Any]:
    state = task.params["state"]
    return task.result_of(outcome) | {"lease": ref.as_dict(), "holder": holder if state == "held" else ""}
