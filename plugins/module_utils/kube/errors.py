# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can go wrong between a module and a cluster, as types.

Utils raise these; only the module runner and the action base turn them into ``fail_json``. Every message says what
failed, on which object, why (the API's own words) and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ResilientError(Exception):
    """Base of every expected failure.

    ``facts`` is added to the module's result beside ``msg``: JSON-able values only, never a secret.
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


class NothingChanged(ResilientError):
    """Findings stand against a change, of which nothing was made; ``findings`` has them as a list of sentences."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__(
            " ".join(["nothing was changed.", *(f"{each}." for each in findings)]), findings=list(findings)
        )


class BadArgument(ResilientError):
    """An option's value cannot be used; the message starts with the option's name."""


class Unreachable(ResilientError):
    """No answer from the API server in the time that a request has, after all retries."""


class WaitTimeout(ResilientError):
    """A condition was not met in time; the message says what was awaited and what was seen last."""


class ApiError(ResilientError):
    """The API server answered with a Status of failure.

    ``status`` is the HTTP code, ``reason`` the Status' reason (``NotFound``, ``Conflict`` ...), ``causes`` its
    ``details.causes`` as the API gives them. ``repeated`` says that the request had been sent before, and that its
    answer was lost or no clear one: what is refused now may have been done then.
    """

    repeated = False

    def __init__(self, message: str, *, status: int, reason: str, causes: list[dict[str, str]], **facts: Any) -> None:
        super().__init__(message, status=status, reason=reason, **facts)
        self.status = status
        self.reason = reason
        self.causes = causes


class NotFound(ApiError):
    """The object, its namespace or its kind does not exist (404)."""


class Unauthorized(ApiError):
    """The credentials are not accepted (401)."""


class Forbidden(ApiError):
    """The credentials are accepted and may not do this (403)."""


class Conflict(ApiError):
    """Another field manager owns a field, the resourceVersion is outdated, or the object exists already (409)."""


class Invalid(ApiError):
    """The API server refuses the object as it is (400, 413, 422)."""


class WriteFailed(ResilientError):
    """One write of a set failed; ``results`` tells for every object of the set whether it was written."""

    def __init__(self, message: str, *, results: list[dict[str, Any]], cause: ResilientError) -> None:
        super().__init__(message, results=results, **cause.facts)
        self.results = results
        self.cause = cause
