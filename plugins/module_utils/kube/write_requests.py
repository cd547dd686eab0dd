# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requests that the writer sends, one a method, each also as a server-side dry run where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.changes import Patch, explained_conflict
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import FIELD_MANAGER
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef

_PARAMETERS = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}


class WriteRequests:
    """Sends single writes. ``force`` takes over fields that other managers own."""

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
        return dict(self._client.request("POST", collection, query=_PARAMETERS, body=item, about=f"create {ref}"))

    def delete(self, ref: ObjectRef, before: Object) -> None:
        """Deletes the very object that was seen. One that is gone already is no failure."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": before["metadata"]["uid"]}}
        try:
            self._client.request("DELETE", self._client.path(ref), body=options, about=f"delete {ref}")
        except errors.NotFound:
            return

    def evict(self, pod: ObjectRef) -> None:
        """Asks for the pod's eviction. One that is gone is no failure; raises ApiError (429) where a budget forbids."""
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace},
        }
        with suppress(errors.NotFound):
            self._client.request("POST", self._client.path(pod, "eviction"), body=eviction, about=f"evict {pod}")

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
