"""A cluster as the steps that harden leave it, as far as it is recorded, and changes that undo parts of that."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import hardening

OURS = {"app.kubernetes.io/part-of": "resilient-traefik"}
CHAIN = "traefik.ingress.kubernetes.io/router.middlewares"
WRITTEN = "2026-01-02T03:04:05Z"
WRITTEN_AT = 1767323045
MIDDLEWARE = "/apis/traefik.io/v1alpha1/namespaces/auth/middlewares/authentik"
RETRY = "/apis/traefik.io/v1alpha1/namespaces/traefik/middlewares/retry"
BUDGET = "/apis/policy/v1/namespaces/traefik/poddisruptionbudgets/auth-proxy"
PROXY = "/apis/apps/v1/namespaces/traefik/deployments/auth-proxy"
TRAEFIK = "/apis/apps/v1/namespaces/traefik/deployments/traefik"
INGRESS = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop"
ROUTE = "/apis/traefik.io/v1alpha1/namespaces/shop/ingressroutes/wiki"
Object = dict[str, Any]


def entry(manager: str, fields: Object, time: str = WRITTEN) -> Object:
    """What a manager owns, as in managedFields."""
    return {"manager": manager, "operation": "Update", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields}


def item(kind: str, namespace: str, name: str, spec: Object, labels: Object | None = None) -> Object:
    """An object, all of whose spec this collection applied."""
    owned: Object = {"f:spec": {f"f:{key}": {} for key in spec}}
    metadata = {"namespace": namespace, "name": name, "labels": labels or {}}
    return {
        "apiVersion": hardening.RESOURCES[kind].api_version if kind in hardening.RESOURCES else "v1",
        "kind": kind,
        "metadata": metadata | {"managedFields": [entry("resilient.traefik", owned)]},
        "spec": spec,
    }


def _workload(name: str, pod: Object, annotations: Object, labels: Object) -> Object:
    selector = {"app": name}
    template = {"metadata": {"labels": selector, "annotations": annotations}, "spec": pod}
    return item("Deployment", "traefik", name, {"selector": {"matchLabels": selector}, "template": template}, labels)


def _spread(name: str) -> list[Object]:
    constraint = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    return [constraint | {"labelSelector": {"matchLabels": {"app": name}}}]


def objects() -> dict[str, Object]:
    """The objects by their paths."""
    apart = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "traefik"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}}
    volume = {"name": "configuration", "configMap": {"name": "auth-proxy-1a2b3c", "defaultMode": 420}}
    asks = {
        "address": "http://auth-proxy.traefik.svc.cluster.local:8080/auth",
        "authResponseHeaders": ["X-authentik-username", "X-authentik-groups"],
    }
    ingress = item("Ingress", "shop", "shop", {"rules": []})
    ingress["metadata"]["annotations"] = {CHAIN: "traefik-retry@kubernetescrd,shop-auth@kubernetescrd"}
    retry = {"name": "retry", "namespace": "traefik"}
    routes = [
        {"match": "Host(`wiki.test`)", "kind": "Rule", "middlewares": [retry, {"name": "auth"}]},
        {"match": "Host(`plain.test`)", "kind": "Rule"},
    ]
    digest = {"resilient.traefik/configuration": "1a2b3c"}
    return {
        MIDDLEWARE: item("Middleware", "auth", "authentik", {"forwardAuth": asks}),
        RETRY: item("Middleware", "traefik", "retry", {"retry": {"attempts": 2}}, OURS),
        BUDGET: item("PodDisruptionBudget", "traefik", "auth-proxy", _budgeted(), OURS),
        PROXY: _workload(
            "auth-proxy", {"topologySpreadConstraints": _spread("auth-proxy"), "volumes": [volume]}, digest, OURS
        ),
        TRAEFIK: _workload("traefik", {"topologySpreadConstraints": _spread("traefik"), "affinity": affinity}, {}, {}),
        INGRESS: ingress,
        ROUTE: item("IngressRoute", "shop", "wiki", {"routes": routes}),
    }


def _budgeted() -> Object:
    return {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "auth-proxy"}}}


def services() -> dict[tuple[str, str], Object]:
    """The proxy's Service, and the one of its target."""
    proxy = item("Service", "traefik", "auth-proxy", {"selector": {"app": "auth-proxy"}}, OURS)
    proxy["metadata"]["annotations"] = {"resilient.traefik/target": "auth/outpost:9000"}
    return {("traefik", "auth-proxy"): proxy, ("auth", "outpost"): item("Service", "auth", "outpost", {})}


def record(there: dict[str, Object] | None = None) -> list[Object]:
    """The record of these objects, of all of them when none are given."""
    by_kind: dict[str, list[Object]] = {}
    for each in (objects() if there is None else there).values():
        by_kind.setdefault(each["kind"], []).append(copy.deepcopy(each))
    deployments = by_kind.get("Deployment", [])
    traefik = next(each for each in deployments if each["metadata"]["name"] == "traefik")
    return hardening.record_of(
        hardening.Found(
            traefik,
            middlewares=by_kind.get("Middleware", []),
            services=services(),
            deployments=deployments,
            budgets=by_kind.get("PodDisruptionBudget", []),
            routes=[*by_kind.get("Ingress", []), *by_kind.get("IngressRoute", [])],
        )
    )
