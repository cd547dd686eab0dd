"""A backend that answers when it is told to, and the ways to it through Traefik."""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from tests.integration.support_own_traefik import OwnTraefik, watching_only

TRAEFIK = "traefik.io/v1alpha1"


def backend_ref(namespace: str) -> ObjectRef:
    """Which Deployment the backend is."""
    return ObjectRef("apps/v1", "Deployment", "backend", namespace)


def backend(namespace: str) -> Object:
    """go-httpbin, which answers /delay/N after N seconds."""
    container = {
        "name": "backend",
        "image": "localhost/lab/go-httpbin:2.26.0",
        "imagePullPolicy": "IfNotPresent",
        "args": ["-host", "0.0.0.0", "-port", "8080"],
    }
    labels = {"app": "backend"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "backend", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }


def before_ingresses(namespace: str, *arguments: str, replicas: int = 1) -> OwnTraefik:
    """A Traefik that serves the namespace's Ingresses and IngressRoutes."""
    ingresses = ("--providers.kubernetesingress", f"--providers.kubernetesingress.namespaces={namespace}")
    readiness = {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 1}
    return OwnTraefik(
        namespace, watching_only(namespace, *ingresses, *arguments), replicas=replicas, readiness=readiness
    )


def routes(namespace: str, name: str) -> list[Object]:
    """A Service of the backend, an Ingress to it and an IngressRoute."""
    metadata = {"name": name, "namespace": namespace}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}
    rule = {"host": f"{name}.ingress.test", "http": {"paths": [path]}}
    match = f"Host(`{name}.route.test`)"
    services = [{"name": name, "port": 80}]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": {"app": "backend"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": metadata,
            "spec": {"ingressClassName": "traefik", "rules": [rule]},
        },
        {
            "apiVersion": TRAEFIK,
            "kind": "IngressRoute",
            "metadata": metadata,
            "spec": {"entryPoints": ["web"], "routes": [{"kind": "Rule", "match": match, "services": services}]},
        },
    ]
