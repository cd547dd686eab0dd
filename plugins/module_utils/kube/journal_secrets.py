# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Secrets that hold the journal: what they are called, what is noted on them, and who signed them.

A part is signed with the operator's key over its name and all that a rollback does by it. What is not signed only says
that it was put back. A signed part can be deleted, or put back where it once was: neither leads to other writes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import NAMESPACE

RUN_LABEL, PART_LABEL = "resilient.traefik/run", "resilient.traefik/part"
RESTORED, RESTORED_BY = "resilient.traefik/restored", "resilient.traefik/restored-by"
UNDOES, REBASED_BY = "resilient.traefik/undoes", "resilient.traefik/rebased-by"
# Of a run whose first parts were replaced: when it began, and the newer runs that are part of it now.
STARTED, FOLDED = "resilient.traefik/started", "resilient.traefik/folded"
SIGNATURE = "resilient.traefik/signature"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_SIGNED_MARKS = (UNDOES, REBASED_BY, STARTED, FOLDED)
_KEY_LENGTH = 16


@dataclass(frozen=True)
class Signer:
    """Signs parts with a key, and knows its own. Without a key nothing is signed, and every part will do.

    Raises BadArgument for a key that can be guessed.
    """

    key: str = ""

    def __post_init__(self) -> None:
        if self.key and len(self.key) < _KEY_LENGTH:
            raise errors.BadArgument(
                f"journal_key: {len(self.key)} characters can be guessed: give at least {_KEY_LENGTH}, made by chance"
            )

    def signed(self, part: Object) -> Object:
        """The part with its signature, or as it is without a key."""
        if not self.key:
            return part
        metadata = part["metadata"]
        return part | {"metadata": metadata | {"annotations": metadata["annotations"] | {SIGNATURE: self._of(part)}}}

    def strange(self, parts: Iterable[Object]) -> str:
        """The name of the first part that this key did not sign; empty when it signed all, or without a key."""
        if not self.key:
            return ""
        foreign = (part for part in parts if not hmac.compare_digest(annotation(part, SIGNATURE), self._of(part)))
        return next((str(part["metadata"]["name"]) for part in foreign), "")

    def check(self, parts: Iterable[Object]) -> None:
        """Raise ResilientError for a part that this key did not sign."""
        if name := self.strange(parts):
            raise unsigned(name)

    def _of(self, part: Object) -> str:
        metadata = part["metadata"]
        marks = {name: annotation(part, name) for name in _SIGNED_MARKS}
        labels = {name: metadata["labels"].get(name) for name in (RUN_LABEL, PART_LABEL)}
        signed = [metadata["name"], labels, marks, part.get("data") or {}]
        return hmac.new(self.key.encode(), json.dumps(signed, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def unsigned(name: str) -> errors.ResilientError:
    """The refusal of a part that the given key did not sign."""
    return errors.ResilientError(
        f"Secret {NAMESPACE}/{name}: this part of the journal has no right signature: it was recorded without "
        "journal_key or with another one, or somebody else wrote it. Nothing is written by what it says. See who wrote "
        "it; if it was a run of yours, restore it with the key of that time, and else delete the Secret."
    )


def parts_of(client: Client, run_id: str = "") -> list[Object]:
    """The Secrets of all runs, or of one, in the order in which they were stored."""
    selector = f"{RUN_LABEL}={run_id}" if run_id else RUN_LABEL
    answer = client.request("GET", SECRETS, query={"labelSelector": selector}, about="journal")
    return sorted((_named(item) for item in answer.get("items") or []), key=number_of)


def names_by_run(client: Client) -> dict[str, list[Object]]:
    """The metadata of all parts, by run."""
    answer = client.request("GET", SECRETS, query={"labelSelector": RUN_LABEL}, accept=_NAMES_ONLY, about="journal")
    return by_run(answer.get("items") or [])


def by_run(parts: Iterable[Object]) -> dict[str, list[Object]]:
    """The parts of each run."""
    found: dict[str, list[Object]] = {}
    for part in parts:
        found.setdefault(part["metadata"]["labels"][RUN_LABEL], []).append(part)
    return found


def part_object(run_id: str, number: int, data: Mapping[str, str], marks: Mapping[str, str]) -> Object:
    """A part that is not signed yet."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"journal-{run_id}-{number}",
            "namespace": NAMESPACE,
            "labels": {RUN_LABEL: run_id, PART_LABEL: str(number)},
            "annotations": dict(marks),
        },
        "type": "resilient.traefik/journal",
        "immutable": True,
        "data": dict(data),
    }


def secret_of(part: Object) -> ObjectRef:
    """The part's identity."""
    return ObjectRef("v1", "Secret", part["metadata"]["name"], NAMESPACE)


def number_of(part: Object) -> int:
    """The part's place among those of its run."""
    return int(part["metadata"]["labels"][PART_LABEL])


def started(parts: Iterable[Object]) -> str:
    """When the run began, by the API server's clock (ISO 8601, UTC)."""
    return min(annotation(part, STARTED) or str(part["metadata"]["creationTimestamp"]) for part in parts)


def restored(part: Object) -> str:
    """When the part was put back; empty when it was not."""
    return annotation(part, RESTORED)


def open_of(parts: Iterable[Object]) -> list[Object]:
    """Those that were not put back."""
    return [part for part in parts if not restored(part)]


def listed(parts: Iterable[Object], name: str) -> tuple[str, ...]:
    """The runs that the first part with such an annotation names."""
    return next((runs for part in parts if (runs := tuple(filter(None, annotation(part, name).split(","))))), ())


def annotation(part: Object, name: str) -> str:
    """The annotation's value; empty when there is none."""
    return str((part["metadata"].get("annotations") or {}).get(name, ""))


def _named(item: Any) -> Object:
    """Items of a list carry neither; a patch wants them."""
    return dict(item) | {"apiVersion": "v1", "kind": "Secret"}
