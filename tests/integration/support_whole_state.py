"""What stands in a cluster, all kinds and namespaces: to be the same before a run and after its rollback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import content

# Made by controllers out of other objects, or changing by themselves.
DERIVED = frozenset(
    (
        "bindings",
        # Kubernetes removes those of kubeadm an hour after they were approved.
        "certificatesigningrequests",
        "componentstatuses",
        "controllerrevisions",
        "endpoints",
        "endpointslices",
        "events",
        # A Service's addresses. They go some time after it.
        "ipaddresses",
        "leases",
        "nodes",
        "pods",
        "replicasets",
    )
)
OWN_NAMESPACE = "resilient-traefik"
ROLLOUTS = ("deployment.kubernetes.io/revision",)

State = dict[str, dict[str, Any]]


def whole_state(client: Client) -> State:
    """Every object by `RESOURCE NAMESPACE/NAME`, without bookkeeping and status; this collection's own left out.

    So is what is being deleted, such as the namespace of the test before.
    """
    objects = [(name, item) for name, item in _objects(client) if f" {OWN_NAMESPACE}" not in name]
    going = {item["metadata"]["name"] for name, item in objects if name.startswith("namespaces ") and is_going(item)}
    return {
        name: bare(item)
        for name, item in objects
        if not is_going(item) and item["metadata"].get("namespace") not in going
    }


def differing(before: State, after: State) -> dict[str, tuple[Any, Any]]:
    """What differs, both ways of it. Values of Secrets are not shown."""
    found = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            found[name] = ("hidden", "hidden") if name.startswith("secrets ") and old and new else (old, new)
    return found


def _objects(client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, resource in _resources(client):
        for item in client.request("GET", f"{path}/{resource}").get("items") or []:
            metadata = item["metadata"]
            place = "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)
            yield f"{resource} {place}", item


def _resources(client: Client) -> Iterator[tuple[str, str]]:
    groups = client.request("GET", "/apis")["groups"]
    paths = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    for path in paths:
        for resource in client.request("GET", path)["resources"]:
            name = resource["name"]
            if "/" not in name and "list" in resource["verbs"] and name not in DERIVED:
                yield path, name


def is_going(item: dict[str, Any]) -> bool:
    """Whether it is being deleted."""
    return "deletionTimestamp" in item["metadata"]


def bare(item: dict[str, Any]) -> dict[str, Any]:
    bare = copy.deepcopy(content(item))
    annotations = bare["metadata"].get("annotations") or {}
    for name in ROLLOUTS:
        annotations.pop(name, None)
    if not annotations:
        bare["metadata"].pop("annotations", None)
    return bare
