# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps a lock as long as a controller's process lives, and gives it back when that is gone, however it ended.

ansible-playbook runs no ``always`` of a block when it gets SIGTERM, and nothing at all after SIGKILL. So the lock is
kept by a process beside it, which watches it through a pidfd (Linux 5.3): that is readable from the moment at which
the very process ends, whoever gets its number afterwards. Elsewhere nobody keeps the lock, and tasks alone renew it.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import select
import signal
import socket
from collections.abc import Mapping
from typing import Any, Never

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.fence import given_back, renewed
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import holding_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries

# After the controller's end the API server may be out of reach for a while.
_GIVE_BACK_SECONDS = 60.0
# How soon a renewal that failed is tried again.
_AGAIN_SECONDS = 2.0
# Looks for the Lease when nobody holds it: the same run may take it again.
_IDLE_SECONDS = 60.0


def keep(params: Mapping[str, Any], lock: ObjectRef, holder: str, controller: int) -> None:
    """Start the keeper of a lock that ``holder`` has just taken. ``controller`` is this process's parent.

    One keeper a controller, cluster, lock and holder: a second one ends at once. Without pidfd nothing is started.
    """
    watched = _watched(controller)
    if watched is None:
        return
    child = os.fork()
    if child:
        os.close(watched)
        os.waitpid(child, 0)
        return
    try:
        # No signal of the controller's terminal or process group reaches it, and it is nobody's child.
        os.setsid()
        if os.fork() == 0:
            _serve(dict(params), lock, holder, controller, watched)
    finally:
        os._exit(0)


def _watched(controller: int) -> int | None:
    """The pidfd of the parent; None when there is no such thing, or when it has just ended."""
    try:
        watched = os.pidfd_open(controller)
    except (AttributeError, OSError):
        return None
    if os.getppid() == controller:
        return watched
    # Its number may be another process's by now.
    os.close(watched)
    return None


def _serve(params: dict[str, Any], lock: ObjectRef, holder: str, controller: int, watched: int) -> Never:
    try:
        watched = _detached(watched)
        # The forked client's connections are the parent's.
        keeper = Keeper(Client(params), lock, holder, watched)
        with _alone(f"{controller}/{keeper.host}/{lock}/{holder}"):
            keeper.run()
    finally:
        os._exit(0)


def _detached(watched: int) -> int:
    """Let go of all that the parent had open, so that nobody waits for this process; the pidfd's new number."""
    # Objects of the parent that hold numbers of files must not close them once they mean others.
    gc.freeze()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.dup2(watched, 3)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    return 3


@contextlib.contextmanager
def _alone(name: str) -> Any:
    """Hold the name, by an abstract socket that is gone with the process; OSError when another keeper has it."""
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(b"\0resilient.traefik/" + hashlib.sha256(name.encode()).hexdigest().encode())
        yield


class Keeper:
    """Renews one lock until ``watched``, a pidfd, tells that its process has ended, and then gives it back."""

    def __init__(self, client: Client, lock: ObjectRef, holder: str, watched: int) -> None:
        self._client = client
        self._lock = lock
        self._holder = holder
        self._watched = select.poll()
        self._watched.register(watched, select.POLLIN)

    @property
    def host(self) -> str:
        """The cluster's API server."""
        return self._client.host

    def run(self) -> None:
        """Return once the watched process has ended and the lock is not this holder's any more."""
        pause = 0.0
        while not self._watched.poll(pause * 1000):
            pause = self._renewed()
        for _left in tries(_GIVE_BACK_SECONDS):
            if self._given_back():
                return

    def _renewed(self) -> float:
        """Renew the lock when it is time; the seconds until the next look."""
        try:
            lease = self._client.find(self._lock)
            held = holding_of(lease)
            if lease is None or held is None or held.holder != self._holder:
                return _IDLE_SECONDS
            third = held.lasts.total_seconds() / 3
            return third / 2 if renewed(self._client, lease, held) else 0.0
        except ResilientError:
            return _AGAIN_SECONDS

    def _given_back(self) -> bool:
        """Whether nothing is left to do; False when it has to be tried again."""
        try:
            lease = self._client.find(self._lock)
            held = holding_of(lease)
            if lease is None or held is None or held.holder != self._holder:
                return True
            return given_back(self._client, lease)
        except ResilientError:
            return False
