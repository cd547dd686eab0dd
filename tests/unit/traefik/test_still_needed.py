"""What stays when a run is taken back, because something else refers to it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.still_needed import needed_by

Object = dict[str, Any]
TRAEFIK = "traefik.io/v1alpha1"
SERVICE_ADDRESS = "172.20.0.7"


def _made(kind: str, name: str, api_version: str = "v1", namespace: str = "edge", **more: Any) -> Object:
    metadata = {"name": name, "namespace": namespace} | more.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def _workload(name: str, app: str, **pod: Any) -> Object:
    template = {"metadata": {"labels": {"app": app}}, "spec": pod}
    return _made("Deployment", name, "apps/v1", spec={"template": template})


SERVICE = _made("Service", "proxy", spec={"selector": {"app": "proxy"}, "clusterIPs": [SERVICE_ADDRESS]})
PROXY = _workload(
    "proxy",
    "proxy",
    serviceAccountName="proxy",
    volumes=[{"name": "files", "configMap": {"name": "files"}}, {"name": "users", "secret": {"secretName": "users"}}],
    containers=[{"name": "nginx", "env": [{"valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}}]}],
)
ACCOUNT = _made("ServiceAccount", "proxy")
BINDING = _made(
    "RoleBinding",
    "proxy",
    "rbac.authorization.k8s.io/v1",
    roleRef={"kind": "Role", "name": "proxy"},
    subjects=[{"kind": "ServiceAccount", "name": "proxy"}],
)
ROLE = _made("Role", "proxy", "rbac.authorization.k8s.io/v1")
FILES, USERS, KEY = _made("ConfigMap", "files"), _made("Secret", "users"), _made("Secret", "key")
BUDGET = _made("PodDisruptionBudget", "proxy", "policy/v1", spec={"selector": {"matchLabels": {"app": "proxy"}}})
RETRY = _made("Middleware", "retry", TRAEFIK, spec={"retry": {"attempts": 2}})
OF_PROXY = [SERVICE, PROXY, ACCOUNT, BINDING, ROLE, FILES, USERS, KEY, BUDGET]
DOOMED = {ref_of(item): item for item in [*OF_PROXY, RETRY, _made("ConfigMap", "other")]}


def _asking(address: str) -> Object:
    return _made("Middleware", "theirs", TRAEFIK, "shop", spec={"forwardAuth": {"address": address}})


def _chain(name: str) -> Object:
    return _made("Middleware", "chain", TRAEFIK, spec={"chain": {"middlewares": [{"name": name}]}})


def _annotated(kind: str, name: str, value: str) -> Object:
    annotations = {f"traefik.ingress.kubernetes.io/{name}": value}
    return _made(kind, "theirs", "networking.k8s.io/v1", metadata={"annotations": annotations})


@pytest.mark.parametrize(
    "address",
    [
        "http://proxy.edge.svc.cluster.local:8080/x",
        "http://proxy.edge:8080",
        "http://PROXY.edge.svc",
        "http://proxy.edge.svc.other.domain.",
        f"http://{SERVICE_ADDRESS}:8080/x",
    ],
)
def test_a_service_that_is_asked_stays_with_all_that_it_needs(address: str) -> None:
    assert set(needed_by([_asking(address)], DOOMED)) == {ref_of(item) for item in OF_PROXY}


@pytest.mark.parametrize("address", ["http://proxy.shop.svc/x", "http://proxy2.edge.svc", "http://proxy.edge.test/x"])
def test_another_service_is_another(address: str) -> None:
    assert needed_by([_asking(address)], DOOMED) == {}


@pytest.mark.parametrize(
    "item",
    [
        _chain("retry"),
        _chain("edge-retry@kubernetescrd"),
        _annotated("Ingress", "router.middlewares", "other@file, edge-retry@kubernetescrd"),
        _workload("t", "t", containers=[{"args": ["--entryPoints.web.http.middlewares=edge-retry@kubernetescrd"]}]),
    ],
)
def test_a_middleware_that_is_named_stays(item: Object) -> None:
    assert set(needed_by([item], DOOMED)) == {ref_of(RETRY)}


@pytest.mark.parametrize(
    "item",
    [
        _chain("edge-retry@file"),
        _annotated("Ingress", "router.middlewares", "edge-retry-more@kubernetescrd"),
        _annotated("Ingress", "router.middlewares", "shop-edge-retry@kubernetescrd"),
        _workload("t", "t", containers=[{"args": ["--providers.kubernetescrd"]}]),
    ],
)
def test_a_name_that_only_looks_like_it_is_none(item: Object) -> None:
    assert needed_by([item], DOOMED) == {}


def test_a_budget_that_the_run_gave_to_somebody_elses_pods_goes() -> None:
    theirs = _workload("theirs", "proxy")
    assert needed_by([theirs], {ref_of(BUDGET): BUDGET}) == {}


def test_the_reason_names_who_refers_to_it() -> None:
    found = needed_by([_asking("http://proxy.edge.svc/x")], DOOMED)
    assert found[ref_of(SERVICE)] == "is needed by Middleware shop/theirs (spec.forwardAuth.address)"
    assert found[ref_of(FILES)] == "is needed by Deployment edge/proxy (volume files)"
