# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open connections to one replica: kept between requests, and some opened ahead, so that nobody waits for a way in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition, Thread

from ansible_collections.resilient.traefik.plugins.module_utils.http_client import Point, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError

# Traefik closes a connection that asks nothing for 60 s (respondingTimeouts.readTimeout, v3): ours go before.
IDLE_SECONDS = 25.0
CONNECT_SECONDS = 5.0
# After a failure to open one ahead: a replica that goes takes no more of them.
_PAUSE_SECONDS = 0.5
_OPENERS = 2

_Kind = tuple[object, ...]


@dataclass(frozen=True)
class _Idle:
    session: Session
    since: float


class Sessions:
    """Sessions by the kind of connection that a request needs. Safe to use from several threads; the newest goes first.

    ``spare`` connections of each kind are open beside those in use, as far as they can be opened in time.
    """

    def __init__(self, point: Point, requests: Sequence[Request], *, spare: int, max_seconds: float) -> None:
        self._point = point
        self._max_seconds = max_seconds
        self._spare = spare
        self._samples = {_kind(request): request for request in requests}
        self._idle: dict[_Kind, list[_Idle]] = {kind: [] for kind in self._samples}
        self._opening: dict[_Kind, int] = dict.fromkeys(self._samples, 0)
        self._change = Condition()
        self._closed = False

    def start(self) -> None:
        """Begins to open connections ahead."""
        for number in range(_OPENERS):
            Thread(target=self._open_ahead, name=f"opener {number} of {self._point.name}", daemon=True).start()

    def warm(self, seconds: float) -> bool:
        """Waits until the spare connections are open; False when they are not within ``seconds``."""
        with self._change:
            return self._change.wait_for(lambda: self._closed or not self._lacking(), seconds)

    def take(self, request: Request) -> Session:
        """The one that was used last, or a new one, not yet connected."""
        with self._change:
            idle = self._idle[_kind(request)]
            self._change.notify()
            if idle:
                return idle.pop().session
        return self._new()

    def give_back(self, request: Request, session: Session) -> None:
        """Keeps it for the next request if it is still open."""
        if not session.connected:
            return
        with self._change:
            if not self._closed:
                self._idle[_kind(request)].append(_Idle(session, time.monotonic()))
                return
        session.close()

    def close(self) -> None:
        """Closes what is idle, and what is given back later."""
        with self._change:
            self._closed = True
            left = [each.session for idle in self._idle.values() for each in idle]
            self._idle = {kind: [] for kind in self._samples}
            self._change.notify_all()
        for session in left:
            session.close()

    def _new(self) -> Session:
        return Session(
            self._point, timeout=self._max_seconds, max_seconds=self._max_seconds, connect_seconds=CONNECT_SECONDS
        )

    def _open_ahead(self) -> None:
        while (kind := self._next_lacking()) is not None:
            session = self._new()
            try:
                session.connect(self._samples[kind])
            except ResilientError:
                # Whoever needs the connection meets the same trouble, and it is recorded there.
                self._opened(kind, None)
            else:
                self._opened(kind, session)

    def _next_lacking(self) -> _Kind | None:
        with self._change:
            while not self._closed:
                self._drop_old()
                lacking = self._lacking()
                if lacking:
                    self._opening[lacking[0]] += 1
                    return lacking[0]
                self._change.wait(1.0)
            return None

    def _opened(self, kind: _Kind, session: Session | None) -> None:
        with self._change:
            if session is None:
                self._change.wait_for(lambda: self._closed, _PAUSE_SECONDS)
            self._opening[kind] -= 1
            if session is not None and not self._closed:
                # The oldest end of the list: those that were used are taken first.
                self._idle[kind].insert(0, _Idle(session, time.monotonic()))
                session = None
            self._change.notify_all()
        if session is not None:
            session.close()

    def _lacking(self) -> list[_Kind]:
        return [kind for kind, idle in self._idle.items() if len(idle) + self._opening[kind] < self._spare]

    def _drop_old(self) -> None:
        limit = time.monotonic() - IDLE_SECONDS
        for kind, idle in self._idle.items():
            for old in [each for each in idle if each.since < limit]:
                old.session.close()
            self._idle[kind] = [each for each in idle if each.since >= limit]


def _kind(request: Request) -> _Kind:
    """Plain connections take requests for any host; a TLS session is one server name's (421 otherwise)."""
    if not request.https:
        return ()
    return request.sni or request.host, request.ca, request.verify
