# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs changed, and what was there before: kept in the cluster, so that a rollback outlives the controller.

A run is one Secret per part in the journal's namespace, compressed; an object's state is stored before the first
write of the run to it, and later writes of the same run leave the entry alone.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer

NAMESPACE = "resilient-traefik"
RUNS_KEPT = 10
# A Secret holds 1 MiB (the API server's limit); the rest is room for base64 and metadata.
PART_BYTES = 700_000
_RUN_LABEL, _PART_LABEL = "resilient.traefik/run", "resilient.traefik/part"
_SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"


@dataclass(frozen=True)
class Entry:
    """One object of a run. ``before`` is the state before its first write, None when the run created it."""

    ref: ObjectRef
    before: Object | None
    recorded: str


@dataclass(frozen=True)
class Run:
    """A recorded run: its id, the time of its first entry (ISO 8601, UTC) and its entries."""

    run_id: str
    started: str
    entries: list[Entry]


class Journal:
    """The journal of one run. Raises BadArgument when ``run_id`` cannot be part of an object's name."""

    def __init__(self, client: Client, run_id: str) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,50}[a-z0-9])?", run_id):
            raise errors.BadArgument(
                f"run_id: {run_id!r} must be at most 52 lower-case letters, digits, '-' and '.', and begin and end "
                "with a letter or digit"
            )
        self._client = client
        # What the journal itself writes is not journaled.
        self._writer = Writer(client, check_mode=False)
        self.run_id = run_id

    def record(self, states: Sequence[tuple[ObjectRef, Object | None]]) -> None:
        """Stores the states of objects that this run has not recorded yet. Called before they are written."""
        parts = _parts(self._client, self.run_id)
        known = {key for part in parts for key in part.get("data") or {}}
        fresh = {key_of(ref): _packed(ref, before) for ref, before in states if key_of(ref) not in known}
        if not fresh:
            return
        if not parts:
            self._ensure_namespace()
            self._prune()
        for number, data in enumerate(_in_parts(fresh), start=len(parts)):
            self._writer.create(_part(self.run_id, number, data))

    def _ensure_namespace(self) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        if self._client.find(ref_of(namespace)) is None:
            self._writer.create(namespace)

    def _prune(self) -> None:
        """Makes room: with the run that begins there are RUNS_KEPT."""
        parts = _parts(self._client)
        kept = {run.run_id for run in runs(self._client)[: RUNS_KEPT - 1]}
        self._writer.delete(
            ObjectRef("v1", "Secret", part["metadata"]["name"], NAMESPACE)
            for part in parts
            if part["metadata"]["labels"][_RUN_LABEL] not in kept
        )


def runs(client: Client) -> list[Run]:
    """All recorded runs, the newest first."""
    by_run: dict[str, list[Object]] = {}
    for part in _parts(client):
        by_run.setdefault(part["metadata"]["labels"][_RUN_LABEL], []).append(part)
    recorded = [
        Run(
            run_id,
            min(part["metadata"]["creationTimestamp"] for part in parts),
            [_unpacked(value) for part in parts for value in (part.get("data") or {}).values()],
        )
        for run_id, parts in by_run.items()
    ]
    return sorted(recorded, key=lambda run: run.started, reverse=True)


def key_of(ref: ObjectRef) -> str:
    """The object's key in a journal Secret: stable, and valid whatever the object is called."""
    return hashlib.sha256(json.dumps(ref.as_dict(), sort_keys=True).encode()).hexdigest()[:40]


def _parts(client: Client, run_id: str = "") -> list[Object]:
    selector = f"{_RUN_LABEL}={run_id}" if run_id else _RUN_LABEL
    answer = client.request("GET", _SECRETS, query={"labelSelector": selector}, about="journal")
    return list(answer.get("items") or [])


def _part(run_id: str, number: int, data: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"journal-{run_id}-{number}",
            "namespace": NAMESPACE,
            "labels": {_RUN_LABEL: run_id, _PART_LABEL: str(number)},
        },
        "type": "resilient.traefik/journal",
        "data": data,
    }


def _in_parts(data: dict[str, str]) -> list[dict[str, str]]:
    parts: list[dict[str, str]] = [{}]
    size = 0
    for key, value in data.items():
        if size and size + len(value) > PART_BYTES:
            parts.append({})
            size = 0
        parts[-1][key] = value
        size += len(value)
    return parts


def _packed(ref: ObjectRef, before: Object | None) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entry: dict[str, Any] = {"ref": ref.as_dict(), "before": before, "recorded": now}
    return base64.b64encode(gzip.compress(json.dumps(entry, separators=(",", ":")).encode(), mtime=0)).decode()


def _unpacked(value: str) -> Entry:
    entry = json.loads(gzip.decompress(base64.b64decode(value)))
    return Entry(ObjectRef(**entry["ref"]), entry["before"], entry["recorded"])
