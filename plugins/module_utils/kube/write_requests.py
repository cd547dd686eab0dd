# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requests that the writer sends, one a method, each also as a server-side dry run where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Patch, explained_conflict
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import FIELD_MANAGER
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lost_answers import (
    was_created,
    was_deleted,
    was_patched,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef

_PARAMETERS = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}


class WriteRequests:
    """Sends single writes. ``force`` takes over fields that other managers own.

    A write whose answer was lost, and that is refused when the client sends it again, counts as done where the object
    shows that it was.
    """

    def __init__(self, client: Client, force: bool) -> None:
        self._client = client
        self._force = force

    def apply(self, ref: ObjectRef, item: Object, dry_run: bool) -> Object:
        """Server-side apply. Raises Conflict with fields and managers named."""
        query = _PARAMETERS | {"force": str(self._force).lower()}
        try:
            return self._send(ref, item, "application/apply-patch+yaml", query, dry_run)
        except errors.Conflict as error:
            raise explained_conflict(ref, error) from None

    def patch(self, ref: ObjectRef, patch: Patch, dry_run: bool = False) -> Object:
        """Raises Conflict when somebody changed the object since ``patch.seen``."""
        try:
            return self._patch(ref, patch, dry_run)
        except (errors.Conflict, errors.Invalid) as error:
            now = self._now(ref, error)
            if dry_run or now is None:
                raise
            if was_patched(patch, now):
                return now
            if now["metadata"].get("resourceVersion") == patch.seen["metadata"]["resourceVersion"]:
                raise
            # A JSON patch that removes what is gone is invalid before its outdated version is looked at.
            raise errors.Conflict(str(error), status=409, reason="Conflict", causes=error.causes) from None

    def _patch(self, ref: ObjectRef, patch: Patch, dry_run: bool) -> Object:
        version = patch.seen["metadata"]["resourceVersion"]
        if isinstance(patch.body, list):
            # An outdated resourceVersion is a conflict (409), where a failed test operation would be a bad patch (422).
            expected = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
            return self._send(ref, [expected, *patch.body], "application/json-patch+json", _PARAMETERS, dry_run)
        metadata = dict(patch.body.get("metadata", {})) | {"resourceVersion": version}
        body = dict(patch.body) | {"metadata": metadata}
        return self._send(ref, body, "application/merge-patch+json", _PARAMETERS, dry_run)

    def create(self, ref: ObjectRef, item: Object) -> Object:
        """Raises Conflict when the object exists."""
        collection = self._client.resource(ref.api_version, ref.kind).path(ref.namespace)
        try:
            return dict(self._client.request("POST", collection, query=_PARAMETERS, body=item, about=f"create {ref}"))
        except errors.ApiError as error:
            # Not a conflict alone: what it took may be missing the second time, such as a place in a quota or a port.
            now = self._now(ref, error)
            if now is None or not was_created(item, now):
                raise
            return now

    def delete(self, ref: ObjectRef, before: Object) -> None:
        """Deletes the very object that was seen. One that is gone already is no failure."""
        options = {"propagationPolicy": "Background"} | _only(before)
        with self._unless_gone(ref, before):
            self._client.request("DELETE", self._client.path(ref), body=options, about=f"delete {ref}")

    def evict(self, pod: ObjectRef, before: Object) -> None:
        """Asks for the eviction of the very pod that was seen. One that is gone is no failure.

        Raises ApiError (429) where a budget forbids it.
        """
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace},
            "deleteOptions": _only(before),
        }
        with self._unless_gone(pod, before):
            self._client.request("POST", self._client.path(pod, "eviction"), body=eviction, about=f"evict {pod}")

    @contextmanager
    def _unless_gone(self, ref: ObjectRef, before: Object) -> Iterator[None]:
        try:
            yield
        except errors.NotFound:
            return
        except errors.ApiError as error:
            if not error.repeated:
                raise
            try:
                now = self._client.find(ref)
            except errors.ResilientError:
                raise error from None
            if not was_deleted(before, now):
                raise

    def _now(self, ref: ObjectRef, error: errors.ApiError) -> Object | None:
        """The object as it is, where the refused request is one whose answer was lost before; else None."""
        if not error.repeated:
            return None
        try:
            return self._client.find(ref)
        except errors.ResilientError:
            return None

    def _send(self, ref: ObjectRef, body: Any, content_type: str, query: Mapping[str, str], dry_run: bool) -> Object:
        answer = self._client.request(
            "PATCH",
            self._client.path(ref),
            query=dict(query) | ({"dryRun": "All"} if dry_run else {}),
            body=body,
            content_type=content_type,
            about=str(ref),
        )
        return dict(answer)


def _only(before: Object) -> dict[str, Any]:
    """What keeps a deletion from one of the same name that came since."""
    return {"preconditions": {"uid": before["metadata"]["uid"]}}
