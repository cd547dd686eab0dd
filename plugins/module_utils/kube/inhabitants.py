# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lives in a namespace, of every kind that the API server serves: what would go with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, Resource

_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
# Listed in every namespace, and nobody put them there: measurements, and what OLM could install.
_DERIVED_GROUPS = (
    "metrics.k8s.io",
    "custom.metrics.k8s.io",
    "external.metrics.k8s.io",
    "packages.operators.coreos.com",
)
_DERIVED_RESOURCES = frozenset(("events", "bindings", "localsubjectaccessreviews"))
# What Kubernetes and OpenShift put into each namespace.
_BY_THE_CLUSTER = frozenset(
    (
        ("ConfigMap", "kube-root-ca.crt"),
        ("ConfigMap", "openshift-service-ca.crt"),
        ("ServiceAccount", "default"),
        ("ServiceAccount", "builder"),
        ("ServiceAccount", "deployer"),
    )
)
_OF_ACCOUNT = "kubernetes.io/service-account.name"
_SHOWN = 3


@dataclass(frozen=True)
class _Listed:
    resource: Resource
    items: list[dict[str, Any]]
    refused: str = ""


def namespaced_resources(client: Client) -> tuple[list[Resource], list[str]]:
    """Everything that can be listed in namespaces, each in one version; and the API groups that do not answer."""
    groups = client.request("GET", "/apis", about="the API groups").get("groups") or []
    versions = ["v1", *(str(group["preferredVersion"]["groupVersion"]) for group in groups)]
    wanted = [version for version in versions if version.partition("/")[0] not in _DERIVED_GROUPS]
    found = client.concurrently(lambda version: _served(client, version), wanted)
    silent = [version for version, served in zip(wanted, found, strict=True) if served is None]
    return [resource for served in found for resource in served or []], silent


def inhabitants(client: Client, namespace: str, ours: Collection[ObjectRef]) -> str:
    """Name what stands in the way of deleting a namespace, in words; empty when all in it is ours or goes with it.

    ``ours`` are about to be deleted anyway. What may not be listed stands in the way too.
    """
    resources, silent = namespaced_resources(client)
    listed = client.concurrently(lambda resource: _list(client, resource, namespace), resources)
    foreign = _foreign(listed, {_key(ref) for ref in ours})
    hidden = [*(one.resource.plural for one in listed if one.refused), *(f"API {version}" for version in silent)]
    parts = [f"is in use by others ({_few(foreign)})"] if foreign else []
    parts += [f"may hold what cannot be listed ({_few(hidden)})"] if hidden else []
    return " and ".join(parts)


def _served(client: Client, version: str) -> list[Resource] | None:
    """The resources of one API version; None when its server does not answer, as an aggregated one may not."""
    try:
        answer = client.request("GET", Resource(version, "", "", False).path(), about=f"API {version}")
    except errors.NotFound:
        return []
    except (errors.ApiError, errors.Unreachable):
        return None
    return [
        Resource(version, entry["kind"], entry["name"], True)
        for entry in answer.get("resources") or []
        if entry.get("namespaced")
        and "/" not in entry["name"]
        and "list" in (entry.get("verbs") or [])
        and entry["name"] not in _DERIVED_RESOURCES
    ]


def _list(client: Client, resource: Resource, namespace: str) -> _Listed:
    path, items, query = resource.path(namespace), list[dict[str, Any]](), {"limit": "500"}
    try:
        while True:
            page = client.request("GET", path, query=query, accept=_METADATA, about=f"{resource.plural} {namespace}/*")
            items += page.get("items") or []
            proceed = (page.get("metadata") or {}).get("continue")
            if not proceed:
                return _Listed(resource, items)
            query["continue"] = proceed
    except errors.NotFound:
        return _Listed(resource, items)
    except errors.ApiError as error:
        return _Listed(resource, items, str(error))


def _foreign(listed: Iterable[_Listed], ours: Collection[tuple[str, ...]]) -> list[str]:
    there = [(one.resource, item["metadata"]) for one in listed for item in one.items]
    known = {str(metadata.get("uid")) for _resource, metadata in there}
    services = {metadata["name"] for resource, metadata in there if resource.kind == "Service"}
    found = []
    for resource, metadata in there:
        name = str(metadata["name"])
        group = resource.api_version.rpartition("/")[0]
        # An owner in the namespace is judged itself, and takes with it what it owns.
        owned = any(str(owner.get("uid")) in known for owner in metadata.get("ownerReferences") or [])
        of_account = (metadata.get("annotations") or {}).get(_OF_ACCOUNT) == "default"
        goes = (
            owned
            or of_account
            or metadata.get("deletionTimestamp")
            or (resource.kind, name) in _BY_THE_CLUSTER
            or (group, resource.kind, str(metadata.get("namespace") or ""), name) in ours
            # Made for the Service of the same name, which is judged itself.
            or (resource.kind == "Endpoints" and name in services)
        )
        if not goes:
            found.append(f"{resource.kind} {name}")
    return list(dict.fromkeys(found))


def _key(ref: ObjectRef) -> tuple[str, ...]:
    return ref.api_version.rpartition("/")[0], ref.kind, ref.namespace, ref.name


def _few(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else "")
