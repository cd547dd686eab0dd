# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request and its answer: in several tries where that helps, and all of them together bounded in time."""

from __future__ import annotations

import contextlib
import random
import re
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.connection import Connection
from ansible_collections.resilient.traefik.plugins.module_utils.kube.deadline import ending_at

with contextlib.suppress(ImportError):  # connect() says what is missing, with the remedy
    import urllib3

# For one request with all its tries and pauses. An API server itself gives up on a request after a minute.
REQUEST_SECONDS = 60.0
CONNECT_SECONDS = 5.0
# How long a try waits without a byte. Behind one address there may be several API servers, and the next try of a read
# may meet one that is well: so the first tries are short, and each waits twice as long as the one before.
READ_SILENCE = 8.0
# A write that is tried again may be done twice, and admission webhooks may take 30 s.
WRITE_SILENCE = 35.0
PAUSES = (0.1, 0.3, 0.6, 1.2, 2.4, 3.0)
RETRY_AFTER_MOST = 10.0
# Tries while nobody listens, and while the answer is 500: what such a server says does not change soon.
_UNCONNECTED_TRIES, _INTERNAL_ERROR_TRIES = 4, 5
_PASSING = frozenset((429, 500, 502, 503, 504))
# A field that the kind does not have, or a value of the wrong type: Kubernetes answers 500 where 400 is meant.
REFUSED_OBJECT = b"failed to create typed patch object"
_READS = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True)
class Asked:
    """A request as it is sent; ``about`` names its subject in errors."""

    method: str
    url: str
    payload: bytes | None
    headers: urllib3.HTTPHeaderDict
    about: str

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method in _READS

    def silence(self, number: int) -> float:
        """The seconds that the try of this number, from 0, waits without a byte."""
        return READ_SILENCE * 2**number if self.reads else WRITE_SILENCE


@dataclass(frozen=True)
class Exchanged:
    """The answer to the last try.

    ``repeated`` says that the API server may have carried out an earlier try. ``effort`` says what was asked of whom,
    how often and for how long; empty when once was enough.
    """

    response: urllib3.BaseHTTPResponse
    repeated: bool
    effort: str


def exchange(entry: Connection, asked: Asked) -> Exchanged:
    """Send the request, again after dropped connections, silence, 429 and 5xx; the answer, whatever its status.

    Takes REQUEST_SECONDS at most, beside what the resolver of names takes. Raises Unreachable.
    """
    start = time.monotonic()
    end = start + REQUEST_SECONDS
    seen: list[urllib3.BaseHTTPResponse | urllib3.exceptions.HTTPError] = []
    for pause in (*PAUSES, None):
        seen.append(_try(entry, asked, len(seen), end))
        wait = None if pause is None or _is_final(seen) else _wait(seen[-1], pause)
        if wait is None or time.monotonic() + wait >= end:
            break
        time.sleep(wait)
    last = seen[-1]
    effort = (
        f"{asked.method} {urlsplit(asked.url).path} was asked {_times(len(seen))} in {time.monotonic() - start:.1f} s"
    )
    if isinstance(last, urllib3.exceptions.HTTPError):
        unclear = not asked.reads and any(map(_may_be_done, seen))
        raise _unreachable(entry.host, asked, last, effort, unclear)
    repeated = any(map(_may_be_done, seen[:-1]))
    return Exchanged(last, repeated, f"{effort} of {entry.host}" if len(seen) > 1 else "")


def _try(entry: Connection, asked: Asked, number: int, end: float) -> Any:
    """The answer, read to its end, or what came in its place."""
    left = max(0.001, end - time.monotonic())
    try:
        with ending_at(end):
            return entry.pool.request(
                asked.method,
                asked.url,
                body=asked.payload,
                headers=asked.headers,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=min(asked.silence(number), left)),
                # Counted here, with the time: those of urllib3 know nothing of each other's.
                retries=False,
                redirect=False,
            )
    except urllib3.exceptions.HTTPError as error:
        return error


def _is_final(seen: list[Any]) -> bool:
    """Whether another try would bring the same as the last one, or nothing better."""
    last = seen[-1]
    if not isinstance(last, urllib3.exceptions.HTTPError):
        if last.status == 500:
            internal = [each for each in seen if getattr(each, "status", 0) == 500]
            return REFUSED_OBJECT in last.data or len(internal) >= _INTERNAL_ERROR_TRIES
        return last.status not in _PASSING
    if isinstance(last, urllib3.exceptions.LocationValueError) or _is_distrust(last):
        return True
    return not _may_be_done(last) and sum(not _may_be_done(each) for each in seen) >= _UNCONNECTED_TRIES


def _may_be_done(outcome: Any) -> bool:
    """Whether the server may have carried the try out: not when it got no request, or refused it for its load."""
    if not isinstance(outcome, urllib3.exceptions.HTTPError):
        return bool(outcome.status >= 500)
    cause = getattr(outcome, "original_error", outcome)
    never_sent = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.LocationValueError,
    )
    return not (isinstance(cause, never_sent) or _is_distrust(outcome))


def _is_distrust(error: Exception) -> bool:
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in (error, *error.args))


def _wait(outcome: Any, pause: float) -> float:
    """The seconds until the next try: the server's own wish counts, up to a limit."""
    wish = ""
    if not isinstance(outcome, urllib3.exceptions.HTTPError) and outcome.status in (429, 503):
        wish = outcome.headers.get("Retry-After", "")
    wished = 0.0
    if wish:
        with contextlib.suppress(urllib3.exceptions.InvalidHeader):
            wished = min(urllib3.Retry().parse_retry_after(wish), RETRY_AFTER_MOST)
    return max(wished, pause + random.uniform(0, pause / 4))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _unreachable(host: str, asked: Asked, error: Exception, effort: str, unclear: bool) -> errors.Unreachable:
    doubt = (
        " Whether it was carried out is not known: run the task again, which goes on from what is there."
        if unclear
        else ""
    )
    return errors.Unreachable(
        f"{asked.about}: no answer from the API server {host}: {_words(error)} ({effort}).{doubt} "
        "Check that the cluster runs and that host, kubeconfig, proxy and certificates fit it."
    )


def _words(error: Exception) -> str:
    """What urllib3 wrapped, without its own object names."""
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "it took the connection and then was silent, or too slow"
    cause = getattr(error, "original_error", error)
    return re.sub(r"^<?\w*Connection[^:]*(: |>: )", "", str(cause))
