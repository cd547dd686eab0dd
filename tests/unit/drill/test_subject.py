"""Whom a drill of a login service is about: all who ask it, through the proxy that is judged, or past it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.drill import subject
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_cluster
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import TARGET_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_cluster import Found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_routes import Route

DIRECT, PROXY, OTHER_PROXY = "outpost.sso:9000", "auth-proxy.traefik:8080", "second-proxy.traefik:8080"


def _service(namespace: str, name: str, port: int, proxy: bool = False) -> Object:
    metadata: dict[str, Any] = {"namespace": namespace, "name": name}
    if proxy:
        metadata |= {"labels": OUR_LABELS, "annotations": {TARGET_ANNOTATION: "sso/outpost:9000"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": port}]}}


SERVICES = [
    _service("sso", "outpost", 9000),
    _service("sso", "auth-proxy-peers", 9000),
    _service("sso", "second-proxy-peers", 9000),
    _service("traefik", "auth-proxy", 8080, proxy=True),
    _service("traefik", "second-proxy", 8080, proxy=True),
]


def found_with(asked: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> subject.Subject:
    """The subject where the middleware of each namespace `a`, `b` ... asks one of these, for the host of that name."""
    names = "abcdef"[: len(asked)]
    middlewares: list[Object] = [
        {
            "apiVersion": "traefik.io/v1alpha1",
            "kind": "Middleware",
            "metadata": {"namespace": name, "name": "login"},
            "spec": {"forwardAuth": {"address": f"http://{where}{subject.SIGN_ON_PATH}"}},
        }
        for name, where in zip(names, asked, strict=True)
    ]
    routes = [Route((f"{name}.test",), False, (f"{name}-login@kubernetescrd",)) for name in names]
    services = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in SERVICES}
    found = Found(None, "", middlewares=middlewares, routes=routes, services=services)
    monkeypatch.setattr(forward_auth_cluster, "read", Mock(return_value=found))
    monkeypatch.setattr(subject, "_workload", Mock(return_value=None))
    return subject.find_subject(Mock(), {}, subject.SIGN_ON_PATH, "", "cluster.local")


@pytest.mark.parametrize(
    ("asked", "hosts", "bare"),
    [
        ([DIRECT], ["a.test"], []),
        ([DIRECT, "outpost.sso.svc:9000"], ["a.test", "b.test"], []),
        ([PROXY, PROXY], ["a.test", "b.test"], []),
        ([DIRECT, PROXY, DIRECT], ["b.test"], ["a.test", "c.test"]),
        # Behind another proxy somebody is neither broken by this drill nor without one.
        ([PROXY, OTHER_PROXY], ["a.test"], []),
    ],
)
def test_who_feels_it_and_who_has_no_proxy(
    asked: Sequence[str], hosts: Sequence[str], bare: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    about = found_with(asked, monkeypatch)
    assert (list(about.hosts), list(about.bare)) == (hosts, bare)
    assert about.target["metadata"]["name"] == "outpost"


def test_two_targets_are_not_one_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(subject.NotRun, match="more than one ForwardAuth middleware that asks"):
        found_with([DIRECT, "outpost.sso:9443"], monkeypatch)
