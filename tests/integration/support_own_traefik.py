"""A Traefik of a test's own, beside the lab's: other settings, other states, and nobody else's routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer

CLUSTER_ROLE = "traefik-ingress-controller"
SECONDS = 120


@dataclass(frozen=True)
class OwnTraefik:
    """What to run. Without the label app.kubernetes.io/name=traefik, so that nobody takes it for the lab's."""

    namespace: str
    arguments: Sequence[str] = ()
    kind: str = "Deployment"
    name: str = "edge"
    replicas: int = 1
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    pod: dict[str, Any] = field(default_factory=dict)
    readiness: dict[str, Any] | None = None

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef("apps/v1", self.kind, self.name, self.namespace)

    def objects(self, image: str) -> list[Object]:
        """The workload, its account and its files, mounted at /etc/traefik."""
        metadata = {"name": self.name, "namespace": self.namespace}
        labels = {"app": self.name}
        container: dict[str, Any] = {
            "name": "edge",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "args": list(self.arguments),
            "env": [{"name": name, "value": value} for name, value in self.environment.items()],
            "volumeMounts": [{"name": "files", "mountPath": "/etc/traefik"}],
        }
        if self.readiness:
            container["readinessProbe"] = self.readiness
        pod = {
            "serviceAccountName": self.name,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "files", "configMap": {"name": self.name}}],
        }
        template = {"metadata": {"labels": labels}, "spec": pod | self.pod}
        spec: dict[str, Any] = {"selector": {"matchLabels": labels}, "template": template}
        if self.kind == "Deployment":
            spec["replicas"] = self.replicas
        return [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self.files},
            {"apiVersion": "apps/v1", "kind": self.kind, "metadata": metadata, "spec": spec},
        ]

    def binding(self) -> Object:
        """Traefik lists what it watches in all namespaces."""
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{self.namespace}-{self.name}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": CLUSTER_ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": self.name, "namespace": self.namespace}],
        }


def run(client: Client, traefik: OwnTraefik, ready: bool = True) -> None:
    """Applies it, with the lab's own image, and waits until it is ready unless it never will be."""
    lab = client.get(ObjectRef("apps/v1", "Deployment", "traefik", "traefik"))
    image = lab["spec"]["template"]["spec"]["containers"][0]["image"]
    Writer(client, check_mode=False).apply(traefik.objects(image))
    if ready:
        wait_until_ready(client, [traefik.ref], SECONDS, print)


def watching_only(namespace: str, *more: str) -> list[str]:
    """Arguments of a Traefik with the lab's entry points, its API closed, that looks at one namespace."""
    return [
        "--global.checkNewVersion=false",
        "--entryPoints.traefik.address=:8080/tcp",
        "--entryPoints.web.address=:8000/tcp",
        "--api=true",
        "--ping=true",
        "--providers.kubernetescrd",
        f"--providers.kubernetescrd.namespaces={namespace}",
        *more,
    ]
