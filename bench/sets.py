"""The objects that are applied and read."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

INGRESSES, MIDDLEWARES = 2000, 500
CHAIN = "traefik.ingress.kubernetes.io/router.middlewares"

# Twenty kinds that an audit looks at: api version and kind.
TWENTY_KINDS = (
    ("v1", "Node"),
    ("v1", "Namespace"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("v1", "LimitRange"),
    ("v1", "ResourceQuota"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("traefik.io/v1alpha1", "IngressRoute"),
)


def namespace(name: str) -> Object:
    """An empty namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def thirty_six(namespace: str) -> list[Object]:
    """Three applications of twelve objects each, as a cluster has them. No pod is started."""
    return [item for number in range(3) for item in _application(f"shop-{number}", namespace)]


def _application(name: str, namespace: str) -> list[Object]:
    def item(api_version: str, kind: str, **parts: Any) -> Object:
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | parts

    labels = {"app": name}
    selector = {"matchLabels": labels}
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    container = {"name": "main", "image": f"{name}.test/none:1", "resources": resources}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    rbac = "rbac.authorization.k8s.io"
    return [
        item("v1", "ServiceAccount"),
        item("v1", "ConfigMap", data={"settings.ini": "greeting = hello\n" * 40}),
        item("v1", "Secret", type="Opaque", data={"password": "Zm9yIHRoZSBiZW5jaA=="}),
        item(f"{rbac}/v1", "Role", rules=[{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]),
        item(
            f"{rbac}/v1",
            "RoleBinding",
            roleRef={"apiGroup": rbac, "kind": "Role", "name": name},
            subjects=[{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        ),
        item("v1", "Service", spec={"selector": labels, "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}),
        item("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": selector, "policyTypes": ["Ingress"]}),
        item("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": selector}),
        item("apps/v1", "Deployment", spec={"replicas": 0, "selector": selector, "template": template}),
        item(
            "apps/v1",
            "StatefulSet",
            spec={"replicas": 0, "serviceName": name, "selector": selector, "template": template},
        ),
        _middleware(name, namespace),
        _ingress(name, namespace, f"{namespace}-{name}"),
    ]


def _middleware(name: str, namespace: str) -> Object:
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"retry": {"attempts": 2, "initialInterval": "100ms"}},
    }


def _ingress(name: str, namespace: str, middleware: str) -> Object:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    annotation = {CHAIN: f"{middleware}@kubernetescrd"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotation},
        # A class that nobody serves: the lab's Traefik has nothing to do with it.
        "spec": {"ingressClassName": "bench", "rules": [{"host": f"{name}.bench.test", "http": {"paths": [path]}}]},
    }


def many_ingresses(namespace: str) -> list[Object]:
    """Ingresses, each with a chain of its own."""
    return [_ingress(f"site-{number}", namespace, f"{namespace}-own-{number % 50}") for number in range(INGRESSES)]


def many_middlewares(namespace: str) -> list[Object]:
    """Middlewares that nothing refers to."""
    return [_middleware(f"own-{number}", namespace) for number in range(MIDDLEWARES)]
