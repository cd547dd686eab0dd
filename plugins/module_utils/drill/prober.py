# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loads beyond what a port-forward carries: requests from within the cluster, each one recorded all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from uuid import uuid4

from ansible_collections.resilient.traefik.plugins.module_utils.drill.prober_job import (
    ATTACK,
    RESULTS,
    Load,
    Place,
    job,
    records_of,
    targets,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.records import Record, Visitor
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Workload

_START_SECONDS = 60.0


class Prober:
    """One Job for each replica that is ready when it begins. Those that come later are not asked."""

    def __init__(self, client: Client, writer: Writer, workload: Workload, entry_point: str, place: Place) -> None:
        """Raises BadArgument when no replica is ready or there is no such entry point."""
        if not workload.ready:
            raise BadArgument(f"{workload.ref}: none of its replicas is ready")
        port, token = workload.port(entry_point), uuid4().hex[:8]
        self._client, self._writer, self._place = client, writer, place
        self._asked = {
            f"drill-prober-{token}-{number}": (replica.name, _address(replica.ip, port))
            for number, replica in enumerate(workload.ready)
        }
        self._planned = 0
        self._received = 0

    @property
    def not_sent(self) -> int:
        """How many requests were planned and have no result; known when all records were read."""
        return max(0, self._planned - self._received)

    def begin(self, load: Load, visitors: Sequence[Visitor]) -> None:
        """Brings the Jobs, and their Secrets after them: these belong to the Jobs. Raises BadArgument, ApiError.

        Returns when all of them send, or raises ResilientError when one does not within a minute.
        """
        self._planned = load.rate * load.seconds * len(self._asked)
        jobs = [job(name, self._place, load, visitors, address) for name, (_replica, address) in self._asked.items()]
        self._writer.apply(jobs)
        self._writer.apply([targets(self._client.get(ref_of(each)), visitors) for each in jobs])
        for name in self._asked:
            self._pod(name, ATTACK, _START_SECONDS)

    def records(self, seconds: float) -> Iterator[Record]:
        """Every request, when the Jobs have sent all; waits up to ``seconds`` for that.

        Raises ResilientError when there are no results in time, ValueError when they are none of vegeta's.
        """
        self._received = 0
        until = time.monotonic() + seconds
        for name, (replica, _where) in self._asked.items():
            pod = self._pod(name, RESULTS, until - time.monotonic())
            for record in records_of(self._log(pod), replica):
                self._received += 1
                yield record

    def remove(self) -> None:
        """The Jobs; pods and Secrets go with them."""
        namespace = self._place.namespace
        self._writer.delete([ObjectRef("batch/v1", "Job", name, namespace) for name in self._asked])

    def _pod(self, name: str, container: str, seconds: float) -> Object:
        """The Job's pod, once that container runs or has ended."""
        path = f"/api/v1/namespaces/{self._place.namespace}/pods"
        seen = "it has no pod"
        for _left in tries(max(0.0, seconds)):
            for pod in self._client.request("GET", path, query={"labelSelector": f"job-name={name}"})["items"]:
                seen = _state(pod, container)
                if seen in ("running", "terminated"):
                    return dict(pod)
                if pod.get("status", {}).get("phase") == "Failed":
                    raise ResilientError(f"Job {self._place.namespace}/{name} failed: {_ended(pod)}")
        raise ResilientError(f"Job {self._place.namespace}/{name}: its container {container} did not start: {seen}")

    def _log(self, pod: Object) -> Iterator[str]:
        """The lines as they come: the node keeps only the newest 10 MB of a log that nobody follows."""
        ref = ObjectRef("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
        url = f"{self._client.host}{self._client.path(ref, 'log')}?container={RESULTS}&follow=true"
        entry = self._client.connection
        response = entry.pool.request("GET", url, headers=entry.headers(), preload_content=False)
        rest = b""
        try:
            for piece in response.stream(65536):
                *lines, rest = (rest + piece).split(b"\n")
                yield from (line.decode() for line in lines)
        finally:
            response.release_conn()


def _state(pod: Object, container: str) -> str:
    """What the container does, or why it waits."""
    status = pod.get("status", {})
    for each in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        if each["name"] == container:
            ((state, detail),) = each["state"].items()
            return str(detail.get("reason") or state) if state == "waiting" else str(state)
    return "waiting"


def _ended(pod: Object) -> str:
    """The exit codes of what has ended, by container."""
    status = pod.get("status", {})
    states = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    ended = {each["name"]: each["state"]["terminated"]["exitCode"] for each in states if "terminated" in each["state"]}
    return ", ".join(f"{name} ended with {code}" for name, code in ended.items()) or str(status.get("reason"))


def _address(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
