"""Why objects do not come up is told of the newest revision, and the program's own words come first."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.diagnosis import (
    diagnosis,
    newest_of,
    newest_warning,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import Forbidden
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query

Object = dict[str, Any]
PROXY = ObjectRef("apps/v1", "Deployment", "proxy", "web")
FORBIDDEN = Forbidden("no logs for you", status=403, reason="Forbidden", causes=[])


def pod(name: str, revision: str, made: str) -> Object:
    """A Pod that is not ready."""
    return {
        "metadata": {
            "name": name,
            "namespace": "web",
            "uid": f"uid-{name}-{made}",
            "creationTimestamp": made,
            "labels": {"pod-template-hash": revision},
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"proxy-{revision}"}],
        },
        "spec": {"containers": [{"name": "nginx"}]},
        "status": {},
    }


def replica_set(revision: str, number: int) -> Object:
    """A ReplicaSet of the Deployment."""
    return {
        "metadata": {"name": f"proxy-{revision}", "annotations": {"deployment.kubernetes.io/revision": str(number)}}
    }


def event(kind: str, name: str, reason: str, uid: str = "", at: str = "2026-01-01T00:00:00Z") -> Object:
    """A warning."""
    return {
        "involvedObject": {"kind": kind, "name": name, "uid": uid},
        "reason": reason,
        "message": f"because of {name}",
        "lastTimestamp": at,
        "metadata": {},
    }


OLD, NEW = pod("proxy-aaa-1", "aaa", "2026-01-01T00:00:00Z"), pod("proxy-bbb-1", "bbb", "2026-01-02T00:00:00Z")
EVENTS = [
    event("Pod", "proxy-aaa-1", "ErrImagePull", OLD["metadata"]["uid"], "2026-01-03T00:00:00Z"),
    event("Pod", "proxy-bbb-1", "BackOff", NEW["metadata"]["uid"]),
    event("ReplicaSet", "proxy-bbb", "FailedCreate"),
    event("ReplicaSet", "proxy-aaa", "FailedCreate"),
    event("PodDisruptionBudget", "proxy", "CalculateExpectedPodCountFailed"),
    event("Deployment", "proxy-canary", "Whatever"),
]


class Cluster:
    """Answers as the client does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: str | None, sets: list[Object] | None) -> None:
        self.log = log
        by_kind = {"Pod": [OLD, NEW], "Event": EVENTS, "ReplicaSet": sets}

        def read_all(_client: Any, queries: list[Query]) -> list[Answer]:
            found = [(query, by_kind[query.kind]) for query in queries]
            return [Answer(query, "forbidden" if items is None else "found", items or []) for query, items in found]

        monkeypatch.setattr(
            "ansible_collections.resilient.traefik.plugins.module_utils.kube.diagnosis.read_all", read_all
        )

    def find(self, _ref: ObjectRef) -> Object:
        return {"spec": {"selector": {"matchLabels": {"app": "proxy"}}}}

    def path(self, ref: ObjectRef, _sub: str) -> str:
        return ref.name

    def request(self, *_arguments: Any, **_named: Any) -> str:
        if self.log is None:
            raise FORBIDDEN
        return self.log


@pytest.mark.parametrize("sets", [[replica_set("bbb", 10), replica_set("aaa", 9)], None])
def test_only_the_newest_revision_is_told_of(monkeypatch: pytest.MonkeyPatch, sets: list[Object] | None) -> None:
    client = cast("Client", Cluster(monkeypatch, "nginx: [emerg] dlopen failed", sets))
    told = diagnosis(client, [PROXY])
    assert "aaa" not in told
    assert "canary" not in told
    assert "CalculateExpectedPodCountFailed" not in told
    lines = told.strip().splitlines()
    assert "[emerg] dlopen failed" in lines[0], "the cause comes first"
    assert any("BackOff" in line for line in lines)
    assert ("FailedCreate" in told) is bool(sets)
    assert "aaa" not in newest_warning(client, PROXY)


def test_a_log_that_cannot_be_had_is_no_news_beside_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "none to be had" not in diagnosis(cast("Client", Cluster(monkeypatch, None, None)), [PROXY])


def test_a_pod_that_was_made_anew_under_its_name_is_another_one() -> None:
    newest = newest_of([pod("db-0", "x", "2026-01-02T00:00:00Z")])
    ref = ObjectRef("apps/v1", "StatefulSet", "db", "web")
    assert not newest.has({"kind": "Pod", "name": "db-0", "uid": "uid-db-0-2026-01-01T00:00:00Z"}, ref)
    assert newest.has({"kind": "Pod", "name": "db-0", "uid": "uid-db-0-2026-01-02T00:00:00Z"}, ref)
    assert newest_of([]).pods == []
