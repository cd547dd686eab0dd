# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A load from within the cluster beside the measurement's own, where it is wished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.prober import Prober
from ansible_collections.resilient.traefik.plugins.module_utils.drill.prober_job import Load, Place
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.drill.spool import Spool
from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right, rights

OPTIONS: dict[str, dict[str, Any]] = {
    "image": {"type": "str", "required": True},
    "rate": {"type": "int", "default": 200},
    "namespace": {"type": "str"},
}


class Inside:
    """The option ``prober``; without it nothing is sent and there are no records.

    Used in the order begin, collect, records. ``not_sent`` is known after collect. A context manager: at its end
    nothing of it is left in the cluster.
    """

    def __init__(self, context: Context, spool: Path) -> None:
        self._context = context
        self._spool_path = spool.with_name(f"inside-{spool.name}")
        self._spool: Spool | None = None
        self._prober: Prober | None = None

    def __enter__(self) -> Inside:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._prober:
            self._prober.remove()

    @property
    def not_sent(self) -> int:
        """How many requests could not be sent."""
        return self._prober.not_sent if self._prober else 0

    def begin(self, visitors: Sequence[Visitor]) -> None:
        """Sends for as long as the fault lasts. Raises ResilientError when that does not begin within a minute."""
        given, params = self._context.params["prober"], self._context.params
        if not given:
            return
        place = Place(_namespace(self._context), given["image"], params["image_pull_secrets"])
        self._prober = Prober(
            self._context.client, self._context.writer, self._context.traefik, self._context.entry_point, place
        )
        self._prober.begin(Load(given["rate"], max(1, round(params["seconds"])), params["give_up_after"]), visitors)

    def collect(self, visitors: Sequence[Visitor]) -> None:
        """Fetches every request's record. Raises ResilientError, OSError."""
        if self._prober is None:
            return
        self._spool = Spool(self._spool_path, [visitor.name for visitor in visitors])
        try:
            for record in self._prober.records(self._context.params["give_up_after"] + self._context.wait_timeout):
                self._spool.add(record)
                self._spool.flush()
        finally:
            self._spool.close()

    def records(self) -> Iterator[Record]:
        """All of them, from disk."""
        return iter(self._spool or ())


def rights_of(context: Context) -> list[Right]:
    """What the account must be allowed for it."""
    if not context.params["prober"]:
        return []
    namespace = _namespace(context)
    return [
        *rights(("get", "create", "patch", "delete"), ("jobs.batch",), namespace),
        *rights(("get", "create", "patch"), ("secrets",), namespace),
        Right("get", "pods/log", namespace),
    ]


def _namespace(context: Context) -> str:
    return str(context.params["prober"].get("namespace") or context.traefik.ref.namespace)
