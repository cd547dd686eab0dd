"""A namespace with objects of other owners, runs that change them, and what is left when a run was restored."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils import restore, snapshot
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.field_ownership import paths_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Journal
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

KINDS = (
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "Ingress"),
    ("policy/v1", "PodDisruptionBudget"),
)
_BOOKKEEPING = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
SERVER_SIDE_APPLY, MERGE_PATCH = "application/apply-patch+yaml", "application/merge-patch+json"


@dataclass(frozen=True)
class Site:
    """One namespace of a cluster, and the ways of changing it: as ourselves within a run, and as somebody else."""

    client: Client
    params: dict[str, Any]
    namespace: str

    def run(self, run_id: str) -> Writer:
        """The writer of a run, which takes over what others own."""
        return Writer(self.client, check_mode=False, force=True, journal=Journal(self.client, run_id))

    def as_other(self, manager: str, item: Object, content_type: str = SERVER_SIDE_APPLY) -> None:
        """Applies or patches as another field manager."""
        ref = self.ref(item["kind"], item["metadata"]["name"], item["apiVersion"])
        query = {"fieldManager": manager} | ({"force": "true"} if content_type == SERVER_SIDE_APPLY else {})
        self.client.request("PATCH", self.client.path(ref), query=query, body=item, content_type=content_type)

    def ref(self, kind: str, name: str, api_version: str = "v1") -> ObjectRef:
        """An object of the namespace."""
        return ObjectRef(api_version, kind, name, self.namespace)

    def restore(
        self, run_id: str = "", *, check: bool = False, newer: str = "refuse", as_run: str = ""
    ) -> dict[str, Any]:
        """The result of the module's body, with its warnings."""
        params = {"run_id": run_id or None, "newer": newer, "wait": False, "wait_timeout": 60, "pause": 0.5}
        params |= {"as_run": as_run or None}
        task = Task(self.params | params, check_mode=check)
        return restore.run(task) | {"warnings": task.warnings}

    def snapshot(self, run_id: str, refs: Sequence[ObjectRef] = (), *, states: bool = False) -> dict[str, Any]:
        """The result of the module's body."""
        objects = [ref.as_dict() for ref in refs] or None
        return snapshot.run(Task(self.params | {"run_id": run_id, "objects": objects, "states": states}))

    def state(self) -> dict[str, Object]:
        """All objects of the namespace without the API server's bookkeeping and without status."""
        return {str(ref_text): _bare(item) for ref_text, item in self._items()}

    def owners(self) -> dict[str, set[tuple[str, str, str]]]:
        """Who owns which field of all objects: manager, operation and path. What controllers wrote is left out."""
        return {
            text: {
                (entry["manager"], entry["operation"], "/".join(path))
                for entry in item["metadata"].get("managedFields") or []
                if "subresource" not in entry
                for path in paths_of(entry["fieldsV1"])
            }
            for text, item in self._items()
        }

    def _items(self) -> list[tuple[str, Object]]:
        found = []
        for api_version, kind in KINDS:
            path = self.client.resource(api_version, kind).path(self.namespace)
            items = self.client.request("GET", path).get("items") or []
            found += [(f"{kind} {item['metadata']['name']}", item) for item in items]
        return [(text, item) for text, item in found if text != "ConfigMap kube-root-ca.crt"]


def _bare(item: Object) -> Object:
    bare = copy.deepcopy(item)
    bare.pop("status", None)
    for name in _BOOKKEEPING:
        bare["metadata"].pop(name, None)
    (bare["metadata"].get("annotations") or {}).pop("deployment.kubernetes.io/revision", None)
    if bare["metadata"].get("annotations") == {}:
        del bare["metadata"]["annotations"]
    return bare


def deployment(namespace: str, **spec: Any) -> Object:
    """A Deployment without pods."""
    container = {"name": "web", "image": "registry.test/web:1", "args": ["--plain"]}
    environment = [{"name": name, "value": "1"} for name in ("FIRST", "SECOND")]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace, "labels": {"app": "web"}},
        "spec": {
            "replicas": 0,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container | {"env": environment}]},
            },
        }
        | spec,
    }


def ingress(namespace: str, **annotations: str) -> Object:
    """An Ingress of no class, which no controller serves."""
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": "shop.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "namespace": namespace, "annotations": annotations},
        "spec": {"ingressClassName": "none", "rules": [rule]},
    }
