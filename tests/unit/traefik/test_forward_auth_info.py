"""Where a role's proxies run when nobody says it."""

from __future__ import annotations

from collections.abc import Sequence
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
    ("settings", "found", "place"),
    [
        ({"namespace": ""}, Found(ELSEWHERE, ""), "kube-system"),
        ({"namespace": "edge"}, Found(ELSEWHERE, ""), "edge"),
        ({"namespace": ""}, Found(None, "there is no Traefik"), "traefik"),
    ],
    ids=["Traefik's own", "the one that was given", "the usual one"],
)
def test_a_proxy_runs_beside_traefik_unless_a_namespace_is_given(settings: Settings, found: Found, place: str) -> None:
    asked: list[str] = []

    def read(_client: Any, *_traefik: str) -> Found:
        asked.append("the cluster")
        return found

    def with_places(_client: Any, before: Found, wishes: Sequence[Wish]) -> Found:
        asked.extend(wish.namespace for wish in wishes)
        return before

    entry = {name: value for name, value in WISH.items() if name != "namespace"}
    options = {"settings": settings, "proxies": [entry], "traefik_namespace": "", "traefik_name": "", "discover": ""}
    with mock.patch.multiple(forward_auth_cluster, read=read, with_places=with_places):
        (wish,), _found, left_out = forward_auth_info._wished(Task(options | {"kubeconfig": "/nowhere"}))
    assert wish.namespace == place
    assert not wish.faults
    assert not left_out
    # What is in the namespace is read where it is known, and the rest of the cluster once.
    assert asked == ["the cluster", place]
