"""What the tests of Traefik's objects share: objects, and a replica's answer to a host."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found

TRAEFIK = "traefik.io/v1alpha1"
NOOP = {"kind": "TraefikService", "name": "noop@internal"}
CHAIN = "traefik.ingress.kubernetes.io/router.middlewares"


def traefik_object(kind: str, namespace: str, name: str, spec: dict[str, Any]) -> Object:
    """One of Traefik's objects."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": TRAEFIK, "kind": kind, "metadata": metadata, "spec": spec}


def middleware(namespace: str, name: str = "retry", **spec: Any) -> Object:
    """A Middleware, by default one that retries."""
    return traefik_object("Middleware", namespace, name, spec or {"retry": {"attempts": 2}})


def route(namespace: str, name: str, *middlewares: dict[str, str], **more: Any) -> Object:
    """An IngressRoute of the host NAME.NAMESPACE.test with one route to a service that answers 418."""
    chain = {"middlewares": list(middlewares)} if middlewares else {}
    only = {"kind": "Rule", "match": f"Host(`{name}.{namespace}.test`)", "services": [NOOP]} | chain | more
    return traefik_object("IngressRoute", namespace, name, {"entryPoints": ["web"], "routes": [only]})


def ingress(namespace: str, name: str, chain: str = "", ingress_class: str = "traefik", **labels: str) -> Object:
    """An Ingress of the host NAME.NAMESPACE.test."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels}
    if chain:
        metadata["annotations"] = {CHAIN: chain}
    service = {"name": "web", "port": {"number": 80}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": service}}]
    spec = {
        "ingressClassName": ingress_class,
        "rules": [{"host": f"{name}.{namespace}.test", "http": {"paths": paths}}],
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def backend_of_ingresses(namespace: str) -> list[Object]:
    """The Service that the Ingresses go to, with an address that nobody has (RFC 5737): routed to all the same."""
    labels = {"kubernetes.io/service-name": "web"}
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"ports": ports},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "web", "namespace": namespace, "labels": labels},
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}}],
        },
    ]


def probes_left(client: Client, namespace: str) -> list[str]:
    """The names of what probes left behind."""
    kinds = [(TRAEFIK, kind) for kind in ("Middleware", "IngressRoute", "TraefikService", "ServersTransport")]
    kinds.append(("networking.k8s.io/v1", "Ingress"))
    queries = [Query(*kind, namespace=namespace, label_selector="resilient.traefik/probe-until") for kind in kinds]
    return [item["metadata"]["name"] for answer in read_found(client, queries) for item in answer.items]


def own_traefik(namespace: str, image: str) -> list[Object]:
    """A Traefik of one replica that looks at this namespace alone, and is not found unless it is asked for by name."""
    name = {"name": "edge", "namespace": namespace}
    labels = {"app": "edge"}
    arguments = [
        "--entryPoints.web.address=:8000",
        "--ping=true",
        "--providers.kubernetescrd=true",
        f"--providers.kubernetescrd.namespaces={namespace}",
        "--providers.kubernetescrd.labelselector=edge=yes",
    ]
    probe = {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 2}
    container = {"name": "edge", "image": image, "imagePullPolicy": "IfNotPresent", "args": arguments}
    pod = {"serviceAccountName": "edge", "containers": [container | {"readinessProbe": probe}]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "traefik-ingress-controller"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"edge-{namespace}"},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **name}],
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": name | {"labels": labels},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
    ]
