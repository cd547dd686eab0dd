"""What is asked of authentik and its pool, and that what could not look has not passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import verification
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.pod_templates import desired_pool
from ansible_collections.resilient.traefik.plugins.module_utils.http_client import NoAnswer
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.unit.authentik.samples import Object, deployment, desired, pool, state


class Cluster(Client):
    """Nothing is asked but what a test stands in for."""

    def __init__(self) -> None:
        super().__init__({"kubeconfig": "/nowhere"})

    def concurrently(self, function: Any, items: Any) -> list[Any]:
        return [function(item) for item in items]


class Stream:
    """A connection that gives one answer."""

    def __init__(self, answer: bytes, told: str = "") -> None:
        self.answer, self.told = answer, told
        self.sent = b""

    def send(self, data: bytes, until: float) -> None:
        del until
        self.sent += data

    def receive(self, until: float) -> bytes:
        del until
        return self.answer

    def explain(self) -> str:
        return self.told

    def close(self) -> None:
        return None


def pod(workload: str, number: int, node: str) -> Object:
    """A pod that is Ready."""
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    metadata = {"name": f"{workload}-{number}", "namespace": "sso"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": node}, "status": ready}


@contextmanager
def cluster(nodes: tuple[str, ...] = ("one", "two"), status: Any = 200, stream: Any = None) -> Iterator[Any]:
    """Pods of each workload on these nodes; what they answer, or the error by which they do not."""

    def read(_client: Any, workload: Object) -> list[Object]:
        return [pod(workload["metadata"]["name"], number, node) for number, node in enumerate(nodes)]

    session = mock.MagicMock()
    asked = session.return_value.__enter__.return_value.ask
    asked.side_effect = status if isinstance(status, Exception) else [SimpleNamespace(status=status)] * 9
    opened = mock.Mock(side_effect=stream if isinstance(stream, Exception) else None)
    opened.return_value = stream or Stream(b"N")
    parts: dict[str, Any] = {"read_pods": read, "Session": session, "connect_to_pod": opened}
    with mock.patch.multiple(verification, **parts):
        yield opened


def checked(**given: Any) -> dict[str, bool]:
    """Whether each check passed, by its name."""
    pooler = desired_pool(pool(), desired())
    found = state(deployment("server", 3), deployment("worker", 3), pooler, nodes=["one", "two"])
    with cluster(**given):
        checks = verification.Verifier(Cluster(), found, desired(), None).checks()
    return {check.name: check.passed for check in checks}


def of(checks: dict[str, bool], words: str) -> list[bool]:
    return [passed for name, passed in checks.items() if words in name]


def test_every_pod_is_asked() -> None:
    checks = checked()
    assert of(checks, "/-/health/ready/ is 200") == [True, True]
    assert of(checks, "PgBouncer answers on 6432") == [True, True]
    assert of(checks, "no single node") == [True, True]


@pytest.mark.parametrize("status", [500, NoAnswer("not a byte for 10 s (timeout)")])
def test_a_pod_without_its_database_is_not_ready(status: Any) -> None:
    assert of(checked(status=status), "/-/health/ready/ is 200") == [False, False]


@pytest.mark.parametrize("stream", [Stream(b""), Stream(b"E"), NoAnswer("no way"), TimeoutError("timed out")])
def test_a_pool_that_does_not_answer_as_postgresql_does_has_not_passed(stream: Any) -> None:
    assert of(checked(stream=stream), "PgBouncer answers") == [False, False]


def test_all_pods_on_one_node_are_told() -> None:
    assert of(checked(nodes=("one", "one")), "no single node") == [False, False]


def test_no_pod_is_no_pass() -> None:
    checks = checked(nodes=())
    assert of(checks, "are asked for /-/health/ready/") == [False]
    assert of(checks, "are asked on 6432") == [False]


def test_what_differs_is_named() -> None:
    found = state(deployment("server", 1), nodes=["one", "two"])
    with cluster():
        checks = verification.Verifier(Cluster(), found, desired(), None).checks()
    (told,) = [check.found for check in checks if "has what was asked for" in check.name]
    assert told == "replicas, template/spec/topologySpreadConstraints"
