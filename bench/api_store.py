"""What the bench's API server answers: lists in pages, objects, discovery, refusals, each made once and kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.resilient.traefik.plugins.module_utils.audit.shapes import SHAPES
from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import takes
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Resource, built_in_resource
from bench.sets import Object

Answer = tuple[int, bytes]


def resource_of(api_version: str, kind: str) -> Resource:
    """Where a kind lives. Kinds that are not built in have the plural that their definitions have."""
    known = built_in_resource(api_version, kind)
    plural = f"{kind.lower()}{'es' if kind.endswith('s') else 's'}"
    return known or Resource(api_version, kind, plural, SHAPES[kind].namespaced)


def dressed(item: Object, number: int) -> Object:
    """The object with what an API server and its writers add."""
    metadata = item["metadata"] | {
        "uid": f"00000000-0000-4000-8000-{number:012d}",
        "resourceVersion": str(1000 + number),
        "creationTimestamp": "2026-01-01T09:00:00Z",
        "generation": 1,
    }
    fields = {f"f:{name}": _fields(part) for name, part in item.items() if name not in ("apiVersion", "kind")}
    written = {"manager": "bench", "operation": "Apply", "apiVersion": item["apiVersion"], "fieldsType": "FieldsV1"}
    metadata["managedFields"] = [written | {"time": "2026-01-01T09:00:00Z", "fieldsV1": fields}]
    return item | {"metadata": metadata}


def cluster_of(objects: Iterable[Object]) -> Iterator[Object]:
    """The objects with what only a running cluster knows: which pods are behind a Service, where it is entered."""
    for item in objects:
        if item["kind"] == "EndpointSlice":
            name = item["metadata"]["labels"]["kubernetes.io/service-name"]
            endpoints = [
                each | {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": f"{name}-abc12-{at}"}}
                for at, each in enumerate(item["endpoints"])
            ]
            item = item | {"endpoints": endpoints, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}
        elif item["kind"] == "Service" and "status" in item:
            # An address that refuses at once: one that nobody has would be waited for.
            item = item | {"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}}
        yield item


def _fields(value: Any) -> Object:
    if isinstance(value, dict):
        return {f"f:{name}": _fields(part) for name, part in value.items()}
    if isinstance(value, list):
        return {f"k:{position}": _fields(part) for position, part in enumerate(value) if isinstance(part, dict)}
    return {}


class Store:
    """The objects of a cluster by the path of their list, each as JSON text; answers are kept."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self._lists: dict[str, list[tuple[Object, bytes]]] = {}
        self._versions: dict[str, list[Resource]] = {}
        self._answers: dict[str, Answer] = {}
        ordered = sorted(objects, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))
        for resource in _served({item["apiVersion"] for item in ordered}):
            self._versions.setdefault(resource.api_version, []).append(resource)
            self._lists[resource.path()] = []
        for number, item in enumerate(ordered):
            path = resource_of(item["apiVersion"], item["kind"]).path()
            whole = dressed(item, number)
            self._lists[path].append((whole, json.dumps(whole, separators=(",", ":")).encode()))

    def answer(self, target: str) -> Answer:
        """Status and body of a GET."""
        if target not in self._answers:
            parts = urlsplit(target)
            self._answers[target] = self._made(parts.path, dict(parse_qsl(parts.query)))
        return self._answers[target]

    def _made(self, path: str, query: Mapping[str, str]) -> Answer:
        if path in ("/version", "/api", "/apis"):
            return 200, json.dumps(self._about(path)).encode()
        for api_version, resources in self._versions.items():
            root = Resource(api_version, "", "", False).path()
            if path == root:
                return 200, json.dumps(_discovery(api_version, resources)).encode()
            if path.startswith(f"{root}/"):
                return self._found(root, path.removeprefix(f"{root}/").split("/"), query)
        return refusal(404, "the server could not find the requested resource")

    def _found(self, root: str, parts: list[str], query: Mapping[str, str]) -> Answer:
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2:
            namespace, parts = parts[1], parts[2:]
        everything = self._lists.get(f"{root}/{parts[0]}")
        if everything is None:
            return refusal(404, "the server could not find the requested resource")
        chosen = [each for each in everything if not namespace or each[0]["metadata"].get("namespace") == namespace]
        if len(parts) == 1:
            return self._page(root, parts[0], chosen, query)
        bodies = (body for item, body in chosen if item["metadata"]["name"] == parts[1])
        found = next(bodies, None)
        return (200, found) if found else refusal(404, f'{parts[0]} "{parts[1]}" not found')

    def _page(self, root: str, plural: str, items: list[tuple[Object, bytes]], query: Mapping[str, str]) -> Answer:
        selector = query.get("labelSelector", "")
        if selector:
            # Equality alone is what those ask who are measured.
            wanted = dict(part.split("=", 1) for part in selector.split(","))
            items = [each for each in items if takes(wanted, each[0]["metadata"].get("labels") or {})]
        start = int(base64.b64decode(query.get("continue", "")) or 0)
        end = start + (int(query.get("limit", 0)) or len(items))
        metadata: Object = {"resourceVersion": "100000"}
        if end < len(items):
            metadata["continue"] = base64.b64encode(str(end).encode()).decode()
            metadata["remainingItemCount"] = len(items) - end
        version = next(version for version in self._versions if Resource(version, "", "", False).path() == root)
        kind = next(each.kind for each in self._versions[version] if each.plural == plural)
        head = json.dumps({"kind": f"{kind}List", "apiVersion": version, "metadata": metadata})[:-1]
        return 200, head.encode() + b',"items":[' + b",".join(body for _item, body in items[start:end]) + b"]}"

    def _about(self, path: str) -> Object:
        if path == "/version":
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.4"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        groups = []
        for name in sorted({version.partition("/")[0] for version in self._versions if "/" in version}):
            versions = [
                {"groupVersion": each, "version": each.partition("/")[2]}
                for each in self._versions
                if each.startswith(f"{name}/")
            ]
            groups.append({"name": name, "versions": versions, "preferredVersion": versions[0]})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _served(used: set[str]) -> Iterator[Resource]:
    """The kinds that the audit reads, those of an operator only where it is installed."""
    for kind, of in SHAPES.items():
        for version in of.versions:
            group = version.partition("/")[0]
            if version in used or "." not in group or group.endswith(".k8s.io"):
                yield resource_of(version, kind)


def _discovery(api_version: str, resources: Iterable[Resource]) -> Object:
    listed = [
        {"name": each.plural, "kind": each.kind, "namespaced": each.namespaced, "verbs": ["get", "list"]}
        for each in resources
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def refusal(code: int, message: str) -> Answer:
    """The answer that says no, as Kubernetes words it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return code, json.dumps(body).encode()
