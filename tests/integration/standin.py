"""Switches the failures of the lab's stand-ins while they run, for one pod or for all, through the API server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.integration.http_in_pod import Door
from tests.integration.lab_cluster import LabCluster, RequestFailed, decode

CONTROL_PORT = 9400


@dataclass(frozen=True)
class StandIn:
    """The pods of one stand-in, and the port they serve on."""

    cluster: LabCluster
    namespace: str
    selector: str
    port: int

    def pods(self) -> list[str]:
        """The names of the Ready pods."""
        return self.cluster.ready_pods(self.namespace, self.selector)

    def door(self, pod: str) -> Door:
        """The port that the pod serves on."""
        return Door(self.cluster, self.namespace, pod, self.port)

    def switch(self, mode: str, pods: Sequence[str] | None = None, *, ms: int = 0, jwt_bytes: int = 0) -> None:
        """Put the pods, all when none are named, into a mode of failures.js; in force when this returns."""
        query = {"mode": mode, "ms": str(ms), "jwt_bytes": str(jwt_bytes)}
        for pod in self.pods() if pods is None else pods:
            self.cluster.request("POST", self._control(pod), query)
        for pod in self._not_ready() if pods is None else ():
            # It has failed as it was told to, or does not listen yet and starts well.
            with suppress(RequestFailed):
                self.cluster.request("POST", self._control(pod), query)

    def state(self, pod: str) -> dict[str, Any]:
        """The pod's mode, its settings, and how many requests it was asked and how many sessions it made."""
        return decode(self.cluster.request("GET", self._control(pod)))

    @contextmanager
    def failing(self, mode: str, pods: Sequence[str] | None = None, *, ms: int = 0) -> Iterator[None]:
        """The pods in a mode, and every pod well again in the end, whatever happens."""
        try:
            self.switch(mode, pods, ms=ms)
            yield
        finally:
            self.switch("ok")

    def _not_ready(self) -> list[str]:
        names = {pod["metadata"]["name"] for pod in self.cluster.pods(self.namespace, self.selector)}
        return sorted(names.difference(self.pods()))

    def _control(self, pod: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{pod}:{CONTROL_PORT}/proxy/mode"
