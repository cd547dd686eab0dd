# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open connections to one replica: kept between requests, and some opened ahead, so that nobody waits for a way in."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition, Event, Thread

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    NoAnswer,
    NoWay,
    Point,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError

# Traefik closes a connection that asks nothing for 60 s (respondingTimeouts.readTimeout, v3): ours go before.
IDLE_SECONDS = 25.0
CONNECT_SECONDS = 5.0
_LEAST_SPARE = 2
# Opening costs the API server much more than a request: many at once would slow down what is measured.
_OPENERS = 2
# After a failure, unless somebody waits: a replica that goes takes no more connections.
_PAUSE_SECONDS = 0.5

_Kind = tuple[object, ...]


@dataclass(frozen=True)
class _Idle:
    session: Session
    since: float


@dataclass(eq=False)
class _Waiter:
    """``fresh``: only a connection that was opened just now will do."""

    fresh: bool
    served: Event = field(default_factory=Event)
    session: Session | None = None
    used: bool = False
    failure: ResilientError | None = None

    def serve(self, session: Session | None, used: bool = False, failure: ResilientError | None = None) -> None:
        self.session, self.used, self.failure = session, used, failure
        self.served.set()


class Sessions:
    """Sessions by the kind of connection that a request needs. Safe to use from several threads; the newest goes first.

    ``spare`` connections in all are open beside those in use, as far as they can be opened in time.
    """

    def __init__(self, point: Point, requests: Sequence[Request], *, spare: int, max_seconds: float) -> None:
        self._point = point
        self._max_seconds = max_seconds
        self._samples = {_kind(request): request for request in requests}
        self._spare = max(_LEAST_SPARE, math.ceil(spare / len(self._samples)))
        self._idle: dict[_Kind, list[_Idle]] = {kind: [] for kind in self._samples}
        self._waiters: dict[_Kind, deque[_Waiter]] = {kind: deque() for kind in self._samples}
        self._opening: dict[_Kind, int] = dict.fromkeys(self._samples, 0)
        self._change = Condition()
        self._closed = False

    def start(self) -> None:
        """Begins to open connections."""
        for number in range(_OPENERS):
            Thread(target=self._open_ahead, name=f"opener {number} of {self._point.name}", daemon=True).start()

    def warm(self, seconds: float) -> bool:
        """Waits until the spare connections are open; False when they are not within ``seconds``."""
        with self._change:
            return self._change.wait_for(lambda: all(len(idle) >= self._spare for idle in self._idle.values()), seconds)

    def take(self, request: Request, fresh: bool = False) -> tuple[Session, bool]:
        """A connected session and whether it was used or idle before: the one that was used last, or the next.

        With ``fresh`` only one that is opened now. Raises NoAnswer, NoWay when none can be had.
        """
        kind = _kind(request)
        with self._change:
            self._change.notify_all()
            if self._idle[kind] and not fresh:
                return self._idle[kind].pop().session, True
            waiter = _Waiter(fresh)
            self._waiters[kind].append(waiter)
        waiter.served.wait(CONNECT_SECONDS)
        with self._change:
            if not waiter.served.is_set():
                self._waiters[kind].remove(waiter)
        if waiter.session is None:
            raise waiter.failure or NoWay(f"{self._point.name}: no connection within {CONNECT_SECONDS:g} s")
        return waiter.session, waiter.used

    def give_back(self, request: Request, session: Session) -> None:
        """Keeps it for the next request if it is still open."""
        if session.connected:
            self._offer(_kind(request), session, used=True)

    def close(self) -> None:
        """Closes what is idle, and what is given back later."""
        with self._change:
            self._closed = True
            left = [each.session for idle in self._idle.values() for each in idle]
            self._idle = {kind: [] for kind in self._samples}
            self._change.notify_all()
        for session in left:
            session.close()

    def _offer(self, kind: _Kind, session: Session, used: bool) -> None:
        """To whoever waits longest for such a one, or to those that are idle."""
        with self._change:
            waiter = next((each for each in self._waiters[kind] if not (used and each.fresh)), None)
            if waiter:
                self._waiters[kind].remove(waiter)
                waiter.serve(session, used)
            elif self._closed:
                session.close()
            else:
                idle = self._idle[kind]
                # Those that were used are taken first, and the others are there for more.
                idle.insert(len(idle) if used else 0, _Idle(session, time.monotonic()))

    def _open_ahead(self) -> None:
        while (kind := self._next_lacking()) is not None:
            session = Session(
                self._point, timeout=self._max_seconds, max_seconds=self._max_seconds, connect_seconds=CONNECT_SECONDS
            )
            failure: ResilientError | None = None
            try:
                session.connect(self._samples[kind])
            except ResilientError as error:
                failure = error
            self._opened(kind, session, failure)

    def _next_lacking(self) -> _Kind | None:
        with self._change:
            while not self._closed:
                self._drop_old()
                for kind, idle in self._idle.items():
                    if len(idle) + self._opening[kind] < self._spare + len(self._waiters[kind]):
                        self._opening[kind] += 1
                        return kind
                self._change.wait(1.0)
            return None

    def _opened(self, kind: _Kind, session: Session, failure: ResilientError | None) -> None:
        with self._change:
            self._opening[kind] -= 1
            if failure is None:
                self._offer(kind, session, used=False)
                self._change.notify_all()
                return
            waiters = self._waiters[kind]
            nobody = not waiters
            while waiters:
                waiters.popleft().serve(None, failure=_own_copy(failure))
            if nobody:
                self._change.wait_for(lambda: self._closed or bool(waiters), _PAUSE_SECONDS)

    def _drop_old(self) -> None:
        limit = time.monotonic() - IDLE_SECONDS
        for kind, idle in self._idle.items():
            for old in [each for each in idle if each.since < limit]:
                old.session.close()
            self._idle[kind] = [each for each in idle if each.since >= limit]


def _own_copy(failure: ResilientError) -> ResilientError:
    """An exception belongs to the thread that raises it. What is no trouble of the replica's is no way to it."""
    asked = isinstance(failure, NoAnswer) and not isinstance(failure, NoWay)
    return NoAnswer(str(failure)) if asked else NoWay(str(failure))


def _kind(request: Request) -> _Kind:
    """Plain connections take requests for any host; a TLS session is one server name's (421 otherwise)."""
    if not request.https:
        return ()
    return request.sni or request.host, request.ca, request.verify
