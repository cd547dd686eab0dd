# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Identity of Kubernetes objects, where they live in the API, and the order in which sets of them are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument

Object = dict[str, Any]


@dataclass(frozen=True, order=True)
class ObjectRef:
    """Which object: prints as ``Kind namespace/name``. ``namespace`` is empty for cluster-wide kinds."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def as_dict(self) -> dict[str, str]:
        """The four parts under the names that results use: api_version, kind, namespace, name."""
        return {
            "api_version": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
        }


@dataclass(frozen=True)
class Resource:
    """Where a kind lives: its group and version, plural name and scope."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, or with ``name`` of one object, under the API server's root."""
        parts = ["api" if "/" not in self.api_version else "apis", *self.api_version.split("/")]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(quote(part, safe="") for part in parts)


def ref_of(item: Mapping[str, Any]) -> ObjectRef:
    """The identity of a whole object.

    Raises BadArgument when apiVersion, kind or metadata.name is missing or not text.
    """
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    parts = item.get("apiVersion"), item.get("kind"), metadata.get("name")
    # Asked tens of thousands of times in a large cluster: what is wrong is looked for only where something is.
    if not all(isinstance(each, str) and each for each in parts):
        raise _nameless(dict(zip(("apiVersion", "kind", "metadata.name"), parts, strict=True)))
    namespace = metadata.get("namespace") or ""
    if not isinstance(namespace, str):
        raise BadArgument(f"{item['kind']} {metadata['name']}: metadata.namespace must be text")
    return ObjectRef(item["apiVersion"], item["kind"], metadata["name"], namespace)


def _nameless(parts: Mapping[str, Any]) -> BadArgument:
    lacking = next(path for path, value in parts.items() if not isinstance(value, str) or not value)
    known = ", ".join(f"{key} {given!r}" for key, given in parts.items() if given)
    return BadArgument(f"an object has no {lacking} ({known or 'nothing else known'}): every object needs one")


_FIRST = (
    ("Namespace",),
    ("CustomResourceDefinition",),
    ("PriorityClass", "StorageClass", "IngressClass", "RuntimeClass"),
    ("ServiceAccount", "ResourceQuota", "LimitRange", "Secret", "ConfigMap", "PersistentVolume"),
    ("ClusterRole", "Role", "PersistentVolumeClaim"),
    ("ClusterRoleBinding", "RoleBinding"),
    ("NetworkPolicy", "PodDisruptionBudget", "Service"),
    ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob"),
    ("HorizontalPodAutoscaler",),
    # A middleware must be there before a route refers to it: Traefik drops a router with a dangling reference.
    ("ServersTransport", "ServersTransportTCP", "TLSOption", "TLSStore", "TraefikService"),
    ("Middleware", "MiddlewareTCP"),
)
_LAST = (
    ("Ingress", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP"),
    ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)
_RANK = {kind: rank for rank, kinds in enumerate(_FIRST) for kind in kinds}
_RANK |= {kind: rank for rank, kinds in enumerate(_LAST, start=len(_FIRST) + 1) for kind in kinds}


def apply_rank(kind: str) -> int:
    """When a kind is written: lower first. A kind that is not in the table comes after those that others need."""
    return _RANK.get(kind, len(_FIRST))


def in_apply_order(refs: Iterable[ObjectRef], reverse: bool = False) -> Iterator[list[ObjectRef]]:
    """Groups that must be written one after the other; within a group the order does not matter."""
    ordered = sorted(refs, key=lambda ref: apply_rank(ref.kind), reverse=reverse)
    for _rank, group in groupby(ordered, key=lambda ref: apply_rank(ref.kind)):
        yield list(group)


# What every supported API server serves, so that common kinds cost no discovery request.
_BUILT_IN = {
    "v1": {
        "ConfigMap": "configmaps",
        "Endpoints": "endpoints",
        "Event": "events",
        "LimitRange": "limitranges",
        "Pod": "pods",
        "ResourceQuota": "resourcequotas",
        "Secret": "secrets",
        "Service": "services",
        "ServiceAccount": "serviceaccounts",
    },
    "apps/v1": {
        "DaemonSet": "daemonsets",
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "StatefulSet": "statefulsets",
    },
    "batch/v1": {"CronJob": "cronjobs", "Job": "jobs"},
    "coordination.k8s.io/v1": {"Lease": "leases"},
    "networking.k8s.io/v1": {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "rbac.authorization.k8s.io/v1": {"Role": "roles", "RoleBinding": "rolebindings"},
}
_BUILT_IN_CLUSTER_WIDE = {
    "v1": {"Namespace": "namespaces", "Node": "nodes"},
    "apiextensions.k8s.io/v1": {"CustomResourceDefinition": "customresourcedefinitions"},
    "networking.k8s.io/v1": {"IngressClass": "ingressclasses"},
    "rbac.authorization.k8s.io/v1": {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"},
    "scheduling.k8s.io/v1": {"PriorityClass": "priorityclasses"},
}


def built_in_resource(api_version: str, kind: str) -> Resource | None:
    """The resource of a common built-in kind, None for any other."""
    for table, namespaced in ((_BUILT_IN, True), (_BUILT_IN_CLUSTER_WIDE, False)):
        plural = table.get(api_version, {}).get(kind)
        if plural:
            return Resource(api_version, kind, plural, namespaced)
    return None
