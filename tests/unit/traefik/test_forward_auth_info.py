"""Where a role's proxies run when nobody says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_cluster, forward_auth_info
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_wish import Wish
from tests.unit.traefik.test_forward_auth_findings import WISH, workload

ELSEWHERE = workload()
ELSEWHERE.ref = ObjectRef("apps/v1", "Deployment", "traefik", "kube-system")
Settings = dict[str, Any]


@pytest.mark.parametrize(
    ("settings", "found", "place", "times"),
    [
        ({"namespace": ""}, Found(ELSEWHERE, ""), "kube-system", 2),
        ({"namespace": "edge"}, Found(ELSEWHERE, ""), "edge", 1),
        ({"namespace": ""}, Found(None, "there is no Traefik"), "traefik", 2),
    ],
    ids=["Traefik's own", "the one that was given", "the usual one"],
)
def test_a_proxy_runs_beside_traefik_unless_a_namespace_is_given(
    settings: Settings, found: Found, place: str, times: int
) -> None:
    asked: list[Sequence[Wish]] = []

    def read(_client: Any, wishes: Sequence[Wish], *_traefik: str) -> Found:
        asked.append(wishes)
        return replace(found)

    entry = {name: value for name, value in WISH.items() if name != "namespace"}
    options = {"settings": settings, "proxies": [entry], "traefik_namespace": "", "traefik_name": "", "discover": ""}
    with mock.patch.object(forward_auth_cluster, "read", read):
        (wish,), _found = forward_auth_info._wished(Task(options | {"kubeconfig": "/nowhere"}))
    assert wish.namespace == place
    assert not wish.faults
    # What is in the namespace is read where it is known.
    assert [each[0].namespace for each in asked][-1] == place
    assert len(asked) == times
