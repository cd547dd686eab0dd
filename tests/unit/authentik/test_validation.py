"""What stands against a desired state: connections, memory; and what is only told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.authentik import validation
from ansible_collections.resilient.traefik.plugins.module_utils.authentik.cluster_state import ClusterState
from tests.unit.authentik.samples import deployment, desired, pool, state

ROOMY = {"max_connections": 500, "max_client_conn": 500}
LIMITED = {"limits": {"memory": "1Gi"}}


def cluster(**given: Any) -> ClusterState:
    return state(deployment("server", 3), deployment("worker", 3), pool(), **given)


def findings(found: ClusterState, given: dict[str, Any] | None = None, **asked: Any) -> str:
    return " ".join(validation.judge(found, desired(**asked), ROOMY if given is None else given).findings)


def notes(found: ClusterState, given: dict[str, Any] | None = None, **asked: Any) -> str:
    return " ".join(validation.judge(found, desired(**asked), ROOMY if given is None else given).notes)


def test_the_settings_of_the_outage_are_refused_with_their_numbers_and_what_would_do() -> None:
    told = findings(cluster(), settings={"conn_max_age": 60, "web_workers": 5, "worker_threads": 5})
    assert "settings: authentik keeps 75 connections" in told
    assert "a session-mode pool of 20" in told
    assert "postgresql.conn_max_age: 0" in told
    assert findings(cluster(), settings={"conn_max_age": 0, "web_workers": 5, "worker_threads": 5}) == ""


def test_what_nobody_asked_to_change_is_told_and_refuses_nothing() -> None:
    given = ROOMY | {"pool_mode": "statement"}
    assert findings(cluster(), given) == ""
    assert "pool_mode is statement" in notes(cluster(), given)
    assert "pool_mode is statement" in findings(cluster(), given, settings={"web_threads": 5})


def test_more_replicas_are_counted_too() -> None:
    small = state(deployment("server", 1), deployment("worker", 1), pool())
    assert "settings: authentik opens up to" in findings(small, ROOMY | {"max_client_conn": 20})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"settings": {"web_workers": 4}}, "is 1Gi: 2 fit"),
        ({"settings": {"web_workers": 2}}, ""),
        ({"settings": {"web_workers": 4}, "server_resources": {"limits": {"memory": "3Gi"}}}, ""),
        ({"server_resources": {"limits": {"memory": "512Mi"}}}, "is 512Mi: 1 fit"),
        ({"server_resources": {"limits": {"memory": "much"}}}, "'much' is no quantity"),
        ({}, ""),
    ],
)
def test_more_workers_than_memory_are_refused(asked: dict[str, Any], words: str) -> None:
    found = state(deployment("server", 3, resources=LIMITED), deployment("worker", 3), pool())
    told = findings(found, **asked)
    assert (words in told) if words else told == ""


def test_what_may_not_be_read_is_not_taken_to_fit() -> None:
    told = findings(cluster(unread=["Secret sso/authentik"]), {}, settings={"web_threads": 5})
    assert "Secret sso/authentik may not be read" in told
    assert findings(cluster(unread=["Secret sso/authentik"]), {}) == ""


def test_a_database_outside_of_the_cluster_is_told_of() -> None:
    outside = state(deployment("server", 3), deployment("worker", 3), host="db.example.com", inside=False)
    assert "db.example.com is outside of the cluster" in notes(outside)


def test_an_operators_pool_and_a_limit_that_nobody_gave_are_told_of() -> None:
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "small", "namespace": "sso"},
        "spec": {"limits": [{"type": "Container", "default": {"memory": "64Mi"}}]},
    }
    owned = pool()
    owned["metadata"]["ownerReferences"] = [{"kind": "Pooler", "name": "pooler", "controller": True}]
    told = notes(state(deployment("server", 3), deployment("worker", 3), owned, limit_ranges=[limits]))
    assert "is made by Pooler pooler" in told
    assert "limits PgBouncer's container to memory 64Mi" in told
    given = {"limits": {"memory": "256Mi"}}
    assert "64Mi" not in notes(
        state(deployment("server", 3), deployment("worker", 3), owned, limit_ranges=[limits]), pool_resources=given
    )


def test_values_that_cannot_be_are_told_first() -> None:
    told = findings(cluster(), settings={"web_workers": 0}, server_replicas=-1)
    assert "web_workers 0 is too low" in told
    assert "server_replicas: -1 is negative" in told
