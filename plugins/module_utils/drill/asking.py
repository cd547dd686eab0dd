# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request of a visitor, and what a browser would make of a kept connection that had ended meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.drill.sessions import Sessions
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import (
    Answer,
    Dropped,
    NoAnswer,
    NoWay,
    Request,
    Session,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import FALLBACK_HEADER

# What a browser sends again by itself.
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Asked:
    """``begun`` is by the monotonic clock. ``own_fault`` says why it could not be sent at all."""

    begun: float
    seconds: float
    status: int = 0
    fallback: bool = False
    error: str = ""
    own_fault: str = ""
    dropped: bool = False


def is_by_fallback(answer: Answer) -> bool:
    """Whether a fallback made the answer, and says so."""
    return answer.headers.get(FALLBACK_HEADER.lower(), "").lower() == "true"


def ask(sessions: Sessions, request: Request) -> Asked:
    """The answer over a kept connection, or over a fresh one when that had ended before anything came."""
    asked, kept = _once(sessions, request, fresh=False)
    if asked.dropped and kept and request.method in _SAFE_METHODS:
        asked, _kept = _once(sessions, request, fresh=True)
    return asked


def _once(sessions: Sessions, request: Request, fresh: bool) -> tuple[Asked, bool]:
    """What came, and whether the connection had been used or idle before."""
    begun = time.monotonic()
    try:
        session, kept = sessions.take(request, fresh)
    except ResilientError as failure:
        return _without(failure, begun), False
    asked = _over(session, request)
    sessions.give_back(request, session)
    return asked, kept


def _over(session: Session, request: Request) -> Asked:
    begun = time.monotonic()
    try:
        answer = session.ask(request)
    except ResilientError as failure:
        return _without(failure, begun)
    return Asked(begun, time.monotonic() - begun, answer.status, is_by_fallback(answer))


def _without(failure: ResilientError, begun: float) -> Asked:
    seconds = time.monotonic() - begun
    if isinstance(failure, NoAnswer) and not isinstance(failure, NoWay):
        return Asked(begun, seconds, error=str(failure), dropped=isinstance(failure, Dropped))
    return Asked(begun, seconds, own_fault=str(failure))
