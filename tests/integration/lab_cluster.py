"""The lab's cluster for the tests: raw requests to its API server, pods, Deployments, and waiting for conditions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes.client import ApiClient, Configuration

from tests.stages.durations import waiting

POLL_SECONDS = 0.2

Objects = list[dict[str, Any]]


class RequestFailed(AssertionError):
    """The API server, or what it asked, refused a request."""


def eventually(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait until the condition is true; AssertionError saying `what` was waited for and what was seen last."""
    deadline = time.monotonic() + seconds
    with waiting(what):
        while not (seen := condition()):
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}; last seen: {seen!r}"
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class LabCluster:
    """The cluster behind a loaded kubeconfig. Safe to use from several threads."""

    configuration: Configuration

    def request(self, method: str, path: str, query: dict[str, str] | None = None, body: object = None) -> bytes:
        """The body of the API server's answer to one request. Raises RequestFailed for a status from 400 on."""
        content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        api = ApiClient(self.configuration)
        prepared = api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "*/*", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        response = api.call_api(*prepared, _request_timeout=60)
        content = bytes(response.read())
        if response.status >= 400:
            raise RequestFailed(f"{method} {path}: {response.status} {content.decode(errors='replace')}")
        return content

    def read(self, path: str, **query: str) -> dict[str, Any]:
        """The JSON at this path of the API server."""
        return decode(self.request("GET", path, query))

    def pods(self, namespace: str, selector: str) -> Objects:
        """The pods of the selector that are not going away."""
        return [pod for pod in self.all_pods(namespace, selector) if "deletionTimestamp" not in pod["metadata"]]

    def all_pods(self, namespace: str, selector: str) -> Objects:
        """The pods of the selector, with those that are going away."""
        items: Objects = self.read(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)["items"]
        return items

    def ready_pods(self, namespace: str, selector: str) -> list[str]:
        """The names of the Ready ones among `pods`."""
        return sorted(pod["metadata"]["name"] for pod in self.pods(namespace, selector) if is_ready(pod))

    def log(self, namespace: str, pod: str) -> str:
        """All that the pod's container has logged."""
        return self.request("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log").decode(errors="replace")

    def deployment(self, namespace: str, name: str) -> dict[str, Any]:
        """The Deployment as it is now."""
        return self.read(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")

    def _scale(self, namespace: str, name: str, replicas: int) -> None:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"
        self.request("PATCH", path, body={"spec": {"replicas": replicas}})
        labels: dict[str, str] = self.deployment(namespace, name)["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{key}={value}" for key, value in labels.items())

        def done() -> bool:
            gone = len(self.all_pods(namespace, selector)) == replicas
            return gone and is_settled(self.deployment(namespace, name))

        # A pod that is going away still gets connections, which then hang and are not the case that is measured.
        eventually(done, f"{namespace}/{name} at {replicas} replicas")

    @contextmanager
    def scaled(self, namespace: str, name: str, replicas: int) -> Iterator[None]:
        """The Deployment at another size, and back at its own one in the end, whatever happens."""
        before: int = self.deployment(namespace, name)["spec"]["replicas"]
        try:
            self._scale(namespace, name, replicas)
            yield
        finally:
            self._scale(namespace, name, before)


def decode(content: bytes) -> dict[str, Any]:
    """The JSON object in an answer."""
    answer: dict[str, Any] = json.loads(content)
    return answer


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether the pod's condition Ready is true."""
    conditions = pod["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def is_settled(deployment: dict[str, Any]) -> bool:
    """Whether exactly the wanted replicas are there, all of them as wanted now, and available."""
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    observed: bool = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return observed and counts == [wanted] * 3
