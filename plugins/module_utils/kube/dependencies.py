# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which objects Kubernetes' own kinds need: what they name, and what works for the same pods. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import selects, takes
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of

# Kinds whose pods have a template, and where it is.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Use:
    """The object ``source`` needs the object ``target``, which it names at ``path``."""

    source: ObjectRef
    path: str
    target: ObjectRef

    def __str__(self) -> str:
        return f"{self.source} ({self.path})"


def uses_of(item: Object) -> list[Use]:
    """What the object names that has to be there; of a kind that is not known here nothing."""
    source = ref_of(item)
    reader = _READERS.get(source.kind)
    return [Use(source, path, target) for path, target in reader(item, source.namespace)] if reader else []


def pod_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The template of a workload's pods, a Pod itself; empty for any other kind."""
    if item.get("kind") == "Pod":
        return item
    found: Any = item if item.get("kind") in TEMPLATES else {}
    for name in TEMPLATES.get(str(item.get("kind")), ()):
        found = found.get(name) or {}
    return dict(found)


def selects_pods_of(item: Mapping[str, Any], workload: Mapping[str, Any]) -> bool:
    """Whether a Service, PodDisruptionBudget or NetworkPolicy is for the pods of the workload."""
    spec, pod = item.get("spec") or {}, pod_of(workload)
    labels = (pod.get("metadata") or {}).get("labels") or {}
    if not pod or item["metadata"].get("namespace") != workload["metadata"].get("namespace"):
        return False
    if item["kind"] == "Service":
        return takes(spec.get("selector"), labels)
    field = {"PodDisruptionBudget": "selector", "NetworkPolicy": "podSelector"}.get(item["kind"])
    return field is not None and selects(spec.get(field) or {}, labels)


_Named = Iterator[tuple[str, ObjectRef]]


def _pod(item: Object, namespace: str) -> _Named:
    spec = pod_of(item).get("spec") or {}
    for volume in spec.get("volumes") or []:
        yield from _volume(f"volume {volume.get('name')}", volume, namespace)
        for source in (volume.get("projected") or {}).get("sources") or []:
            yield from _volume(f"volume {volume.get('name')}", source, namespace)
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(field) or []:
            yield from _environment(f"container {container.get('name')}", container, namespace)
    for secret in spec.get("imagePullSecrets") or []:
        yield from _named("imagePullSecrets", "v1", "Secret", secret, namespace)
    account = spec.get("serviceAccountName")
    yield from _named("serviceAccountName", "v1", "ServiceAccount", {"name": account}, namespace)
    priority = {"name": spec.get("priorityClassName")}
    yield from _named("priorityClassName", "scheduling.k8s.io/v1", "PriorityClass", priority, "")
    if item["kind"] == "StatefulSet":
        yield from _named("serviceName", "v1", "Service", {"name": item["spec"].get("serviceName")}, namespace)


def _volume(path: str, volume: Mapping[str, Any], namespace: str) -> _Named:
    yield from _named(path, "v1", "ConfigMap", volume.get("configMap"), namespace)
    secret = volume.get("secret") or {}
    # A volume says secretName where a projected source says name.
    yield from _named(path, "v1", "Secret", {"name": secret.get("secretName") or secret.get("name")}, namespace)
    claim = {"name": (volume.get("persistentVolumeClaim") or {}).get("claimName")}
    yield from _named(path, "v1", "PersistentVolumeClaim", claim, namespace)


def _environment(path: str, container: Mapping[str, Any], namespace: str) -> _Named:
    for source in container.get("envFrom") or []:
        yield from _named(path, "v1", "ConfigMap", source.get("configMapRef"), namespace)
        yield from _named(path, "v1", "Secret", source.get("secretRef"), namespace)
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        yield from _named(path, "v1", "ConfigMap", source.get("configMapKeyRef"), namespace)
        yield from _named(path, "v1", "Secret", source.get("secretKeyRef"), namespace)


def _ingress(item: Object, namespace: str) -> _Named:
    spec = item.get("spec") or {}
    backends = [spec.get("defaultBackend") or {}]
    for rule in spec.get("rules") or []:
        backends += [path.get("backend") or {} for path in (rule.get("http") or {}).get("paths") or []]
    for backend in backends:
        yield from _named("backend", "v1", "Service", backend.get("service"), namespace)
    for tls in spec.get("tls") or []:
        yield from _named("tls", "v1", "Secret", {"name": tls.get("secretName")}, namespace)
    ingress_class = {"name": spec.get("ingressClassName")}
    yield from _named("ingressClassName", "networking.k8s.io/v1", "IngressClass", ingress_class, "")


def _http_route(item: Object, namespace: str) -> _Named:
    for rule in (item.get("spec") or {}).get("rules") or []:
        for backend in rule.get("backendRefs") or []:
            if backend.get("kind", "Service") == "Service":
                yield from _named("backendRefs", "v1", "Service", backend, backend.get("namespace") or namespace)
        for kept in rule.get("filters") or []:
            extension = kept.get("extensionRef") or {}
            if extension.get("group") == "traefik.io":
                kind = str(extension.get("kind"))
                yield from _named("filters", "traefik.io/v1alpha1", kind, extension, namespace)


def _account(item: Object, namespace: str) -> _Named:
    for field in ("secrets", "imagePullSecrets"):
        for secret in item.get(field) or []:
            yield from _named(field, "v1", "Secret", secret, namespace)


def _binding(item: Object, namespace: str) -> _Named:
    role = item.get("roleRef") or {}
    kind = str(role.get("kind"))
    yield from _named("roleRef", _RBAC, kind, role, namespace if kind == "Role" else "")
    for subject in item.get("subjects") or []:
        if subject.get("kind") == "ServiceAccount":
            yield from _named("subjects", "v1", "ServiceAccount", subject, subject.get("namespace") or namespace)


def _autoscaler(item: Object, namespace: str) -> _Named:
    target = (item.get("spec") or {}).get("scaleTargetRef") or {}
    yield from _named("scaleTargetRef", target.get("apiVersion"), target.get("kind"), target, namespace)


def _named(path: str, api_version: Any, kind: Any, given: Mapping[str, Any] | None, namespace: str) -> _Named:
    name = (given or {}).get("name")
    if name and kind:
        yield path, ObjectRef(str(api_version), str(kind), str(name), namespace)


_READERS = {
    **dict.fromkeys((*TEMPLATES, "Pod"), _pod),
    "Ingress": _ingress,
    "HTTPRoute": _http_route,
    "ServiceAccount": _account,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "HorizontalPodAutoscaler": _autoscaler,
}
