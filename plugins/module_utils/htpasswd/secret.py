# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An htpasswd text in one key of a Secret, generated passwords in a Secret of their own; other keys are left alone."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.place import Carried
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import NotFound, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import CREATED, Outcome, Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

# The API server's limit for the values of one Secret together.
SECRET_BYTES = 1024 * 1024


class SecretPlace:
    """The text's Secret and the passwords' Secret, both in one namespace."""

    def __init__(self, client: Client, namespace: str, name: str, key: str, password_secret: str) -> None:
        self._client = client
        self._key = key
        self._text = ObjectRef("v1", "Secret", name, namespace)
        self._store = ObjectRef("v1", "Secret", password_secret, namespace)
        self._seen: dict[ObjectRef, Object | None] = {}
        self._written: list[dict[str, Any]] = []
        self.where = f"{self._text}, key {key}"
        self.store_where = str(self._store)
        self.remedy = ""

    def read(self) -> bytes | None:
        """Fetches both Secrets anew; the text, None when there is none yet. Raises Forbidden, Unreachable ..."""
        refs = [self._text, self._store]
        self._seen = dict(zip(refs, self._client.concurrently(self._client.find, refs), strict=True))
        return self._values(self._text).get(self._key)

    def stored(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The stored values of those keys that are there."""
        return {key: value for key, value in self._values(self._store).items() if key in set(keys)}

    def warnings(self) -> list[str]:
        """What somebody should know about the text's Secret."""
        others = sorted(set(self._values(self._text)) - {self._key})
        return [f"{self._text}: it has other keys too, and Traefik's basicAuth refuses such a Secret"] if others else []

    def carry_out(self, task: Task, data: bytes | None, store: Mapping[str, str | None]) -> Carried:
        """Writes the passwords first: a run that is killed in between finds them and finishes the text.

        Both are tried on the API server before the first is written. Raises Conflict when one of the Secrets was
        changed since it was read, and what the writer raises.
        """
        changes: list[tuple[ObjectRef, dict[str, bytes | None]]] = []
        if store:
            changes.append(
                (self._store, {key: None if value is None else value.encode() for key, value in store.items()})
            )
        if data is not None:
            changes.append((self._text, {self._key: data}))
        for ref, values in changes:
            self._check_size(ref, values)
        if not task.check_mode and (len(changes) > 1 or self._creates(changes)):
            for ref, values in changes:
                self._try(Writer(self._client, check_mode=True), ref, values)
        results: list[dict[str, Any]] = []
        for ref, values in changes:
            written = self._result_of_writing(task, ref, values)
            results += written
            self._written += [result for result in written if result["written"]]
        earlier = [result for result in self._written if result not in results]
        return Carried(bool(changes) or bool(earlier), facts={"results": earlier + results})

    def _creates(self, changes: Iterable[tuple[ObjectRef, Any]]) -> bool:
        return any(self._seen[ref] is None for ref, _values in changes)

    def _result_of_writing(
        self, task: Task, ref: ObjectRef, values: Mapping[str, bytes | None]
    ) -> list[dict[str, Any]]:
        write = self._try if task.check_mode else self._write
        try:
            return list(task.result_of(write(task.writer(), ref, values))["results"])
        except NotFound:
            if not task.check_mode:
                raise
        # A play in check mode may be about to create the namespace.
        task.warnings.append(f"{ref}: there is no namespace {ref.namespace} yet")
        return [ref.as_dict() | {"change": CREATED, "written": False}]

    def _values(self, ref: ObjectRef) -> dict[str, bytes]:
        data = (self._seen.get(ref) or {}).get("data") or {}
        return {key: base64.b64decode(value) for key, value in data.items()}

    def _check_size(self, ref: ObjectRef, changes: Mapping[str, bytes | None]) -> None:
        after: dict[str, bytes | None] = {**self._values(ref), **changes}
        size = sum(len(value) for value in after.values() if value is not None)
        if size > SECRET_BYTES:
            raise ResilientError(
                f"{ref}: it would hold {size} bytes, and a Secret holds at most {SECRET_BYTES}. "
                "Remove users, or spread them over several Secrets."
            )

    def _try(self, writer: Writer, ref: ObjectRef, changes: Mapping[str, bytes | None]) -> Outcome:
        """For a writer in check mode: asks the API server whether it would take the change."""
        if self._seen[ref] is None:
            return writer.apply([_new(ref, changes)])
        return self._write(writer, ref, changes)

    def _write(self, writer: Writer, ref: ObjectRef, changes: Mapping[str, bytes | None]) -> Outcome:
        seen = self._seen[ref]
        if seen is None:
            # Not applied: of two who apply at once as the same manager, the second takes away the first one's keys.
            return writer.create(_new(ref, changes))
        return writer.patch([Patch(seen, {"data": _encoded(changes)})])


def _new(ref: ObjectRef, values: Mapping[str, bytes | None]) -> Object:
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": _encoded(values)}


def _encoded(values: Mapping[str, bytes | None]) -> dict[str, str | None]:
    return {key: None if value is None else base64.b64encode(value).decode() for key, value in values.items()}
