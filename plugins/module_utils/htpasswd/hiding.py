# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps secrets out of errors, whoever puts them there: an admission policy or a proxy may quote what it was sent."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import ResilientError

HIDDEN = "<hidden>"


class Secrets:
    """What must not be shown, gathered while the module works. Its repr shows nothing."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, *values: str | bytes | None) -> None:
        """Takes note of secrets, as they are and as they look in a Secret."""
        for value in values:
            raw = value.encode(errors="surrogatepass") if isinstance(value, str) else value
            if raw:
                self._known |= {raw.decode(errors="replace"), base64.b64encode(raw).decode()}

    def hide_in(self, error: ResilientError) -> None:
        """Takes everything known out of the error's message and facts, and out of the error that caused it."""
        error.args = tuple(self._clean(part) for part in error.args)
        for name, value in vars(error).items():
            if isinstance(value, ResilientError):
                self.hide_in(value)
            else:
                setattr(error, name, self._clean(value))

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in _longest_first(self._known):
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, dict):
            return {key: self._clean(inner) for key, inner in value.items()}
        return [self._clean(inner) for inner in value] if isinstance(value, list) else value


def _longest_first(known: Iterable[str]) -> list[str]:
    return sorted(known, key=len, reverse=True)
