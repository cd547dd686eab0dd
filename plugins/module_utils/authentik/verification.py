# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether authentik runs as desired and answers: what its objects say, and what its pods answer when they are asked.

authentik's /-/health/ready/ asks its database, through the pool where there is one: a ready answer of a pod is a query
that went through from there. PgBouncer answers a client's SSLRequest (PostgreSQL 15, Message Formats) with one letter.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.delivery import wanted_states
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.desired_state import DesiredState
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.pod_templates import (
    authentik_container,
    pool_container,
    pool_port,
)
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.workloads import SERVER
from ansible_collections.resilient.traefik.plugins.module_utils.disruption import Wish
from ansible_collections.resilient.traefik.plugins.module_utils.disruption_budget_info import Subject, budget_checks
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import PodPoint, Request, Session
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors, readiness
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import read_pods, serving_nodes
from ansible_collections.resilient.traefik.plugins.module_utils.kube.port_forward import connect_to_pod
from ansible_collections.resilient.traefik.plugins.module_utils.kube.put_back import json_patch
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.tier_policy import running

HEALTH = "/-/health/ready/"
_HTTP = 9000
# Seconds for one answer. A database that hangs shows as silence.
_SECONDS = 10.0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@dataclass(frozen=True)
class Verifier:
    """Looks once. ``wish`` is the pool's budget, None where it is left alone."""

    client: Client
    state: ClusterState
    desired: DesiredState
    wish: Wish | None

    def checks(self) -> list[Check]:
        """Return all checks; one that could not look has not passed. Raises Forbidden, Unreachable."""
        found = [
            check for item, wanted in wanted_states(self.state, self.desired) for check in _runs(item, wanted(item))
        ]
        for item in self.state.components.values():
            found += self._spread(item)
        found += self._health()
        return found + self._pool()

    def _spread(self, item: Object) -> list[Check]:
        pods = running(read_pods(self.client, item))
        nodes = serving_nodes(pods)
        enough = len(nodes) >= min(2, len(pods), len(self.state.nodes or nodes)) and bool(pods)
        name = f"{ref_of(item)}: no single node has all of its pods"
        return [Check(name, enough, "pods on 2 nodes or more", f"{len(pods)} on {', '.join(nodes) or 'no node'}")]

    def _health(self) -> list[Check]:
        server = self.state.parts.server
        container = authentik_container(server["spec"]["template"]["spec"]["containers"], SERVER)
        port = next(
            (each["containerPort"] for each in container.get("ports") or [] if each.get("name") == "http"), _HTTP
        )
        pods = running(read_pods(self.client, server))
        if not pods:
            return [Check(f"{ref_of(server)}: its pods are asked for {HEALTH}", False, "a pod", "none is running")]
        return list(self.client.concurrently(lambda pod: self._ready(pod, int(port)), pods))

    def _ready(self, pod: Object, port: int) -> Check:
        ref = ref_of(pod)
        name = f"{ref}: {HEALTH} is 200, asked of itself"
        try:
            with Session(
                PodPoint(self.client, ref.namespace, ref.name, port), timeout=_SECONDS, max_seconds=_SECONDS
            ) as at:
                status = at.ask(Request("localhost", HEALTH)).status
        except errors.ResilientError as error:
            return Check(name, False, "200", str(error))
        return Check(name, status == 200, "200", str(status))

    def _pool(self) -> list[Check]:
        pool = self.state.parts.pool
        if pool is None or not self.desired.pool:
            return []
        pods = running(read_pods(self.client, pool))
        port = pool_port(pool_container(pool["spec"]["template"]["spec"]["containers"]))
        if not pods:
            return [Check(f"{ref_of(pool)}: its pods are asked on {port}", False, "a pod", "none is running")]
        found = self.client.concurrently(lambda pod: self._answers(pod, port), pods)
        if self.wish is not None:
            subject = Subject(self.wish, pool, int(pool["spec"].get("replicas", 1)), self.state.budgets)
            found += budget_checks(self.client, subject)
        return list(found)

    def _answers(self, pod: Object, port: int) -> Check:
        ref = ref_of(pod)
        told = _asked_for_tls(self.client, ref.namespace, ref.name, port)
        return Check(f"{ref}: PgBouncer answers on {port}", told in ("S", "N"), "S or N to an SSLRequest", told)


def _runs(item: Object, wanted: Object) -> Iterator[Check]:
    ref = ref_of(item)
    lacks = [each["path"] for each in json_patch(item, wanted)]
    yield Check(f"{ref}: has what was asked for", not lacks, "nothing to change", _listed(lacks) or "nothing to change")
    missing = readiness.missing(item)
    yield Check(f"{ref}: all of its pods are ready and the newest", not missing, "ready", missing or "ready")


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(path.removeprefix("/spec/") for path in paths)


def _asked_for_tls(client: Client, namespace: str, pod: str, port: int) -> str:
    """Return the letter by which PgBouncer answers, or why there is none."""
    until = time.monotonic() + _SECONDS
    try:
        stream = connect_to_pod(client, namespace, pod, port, _SECONDS)
        try:
            stream.send(_SSL_REQUEST, until)
            answer = stream.receive(until)
            return answer[:1].decode(errors="replace") or stream.explain() or "the connection was closed"
        finally:
            stream.close()
    except (OSError, errors.ResilientError) as error:
        return str(error)
