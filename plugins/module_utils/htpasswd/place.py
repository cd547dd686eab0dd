# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a place for an htpasswd text must be able to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.resilient.traefik.plugins.module_utils.task import Task


@dataclass
class Carried:
    """What a place did: whether anything changed, lines for the diff, facts for the result. Nothing of it is secret."""

    changed: bool
    before: str = ""
    after: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Place(Protocol):
    """Holds the text, and generated passwords where ``store_where`` is not empty.

    ``where`` and ``store_where`` name them in messages. ``remedy`` says what to do where nothing keeps passwords.
    """

    where: str
    store_where: str
    remedy: str

    def read(self) -> bytes | None: ...

    def stored(self, keys: Iterable[str]) -> dict[str, bytes]: ...

    def warnings(self) -> list[str]: ...

    def carry_out(self, task: Task, data: bytes | None, store: Mapping[str, str | None]) -> Carried: ...
