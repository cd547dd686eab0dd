# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a drill brings into the cluster: the healer with its account, and stand-ins. Pure.

All that is in a namespace belongs to one Role there, which also says what the healer may do in that namespace: deleting
it is enough to have Kubernetes' garbage collector take the rest away. For a node there is a ClusterRole beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.drill import lockdown
from ansible_collections.resilient.traefik.plugins.module_utils.drill.healer_files import (
    healer_files,
    ready_port,
    stand_in_files,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.marker import LABEL, Mark, former_owner
from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import FIELD_MANAGER
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, Resource, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS

# The uids of a drill's owners by namespace, "" for the ClusterRole. Without any, what would be brought.
Uids = Mapping[str, str]

_RBAC = "rbac.authorization.k8s.io/v1"
_FOLDER = "/etc/drill"
_RESOURCES = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
HEALER_PORT = 8080


@dataclass(frozen=True)
class Image:
    """The image with nginx and njs, what nginx has to load for njs, and the Secrets to pull it with."""

    name: str
    modules: Sequence[str] = ()
    pull_secrets: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Kit:
    """The names of one drill's equipment. ``token`` is in lower case; ``until`` is when it is healed."""

    token: str
    until: datetime
    image: Image
    labels: Mapping[str, str] = field(default_factory=lambda: dict(OUR_LABELS))

    @property
    def name(self) -> str:
        """Of its owners and of what belongs to them."""
        return f"resilient-traefik-drill-{self.token}"

    def owner(self, namespace: str) -> ObjectRef:
        """The Role that owns what the drill brings into a namespace; without one the ClusterRole."""
        return ObjectRef(_RBAC, "Role" if namespace else "ClusterRole", self.name, namespace)

    def meta(self, namespace: str = "", name: str = "", uids: Uids | None = None) -> dict[str, Any]:
        """The metadata of a piece; with the owners' ``uids`` it is that of its namespace's."""
        uid = (uids or {}).get(namespace, "")
        return {
            "name": name or self.name,
            "labels": {**self.labels, LABEL: self.token},
            **({"namespace": namespace} if namespace else {}),
            **({"ownerReferences": [self.owner_reference(namespace, uid)]} if uid else {}),
        }

    def owner_reference(self, namespace: str, uid: str) -> dict[str, Any]:
        """What makes an object of a namespace the owner's there, whose ``uid`` it has."""
        return {"apiVersion": _RBAC, "kind": self.owner(namespace).kind, "name": self.name, "uid": uid}


@dataclass(frozen=True)
class Marked:
    """An object as it was before the drill, where the API server has it, and the mark that it will carry."""

    item: Object
    resource: Resource
    mark: Mark

    @property
    def ref(self) -> ObjectRef:
        """The object's identity."""
        return ref_of(self.item)

    def steps(self) -> list[dict[str, Any]]:
        """The healer's requests for it, in the name of the field's former owner."""
        path = self.resource.path(self.ref.namespace, self.ref.name)
        manager = former_owner(self.item, self.mark) or FIELD_MANAGER
        return [
            {
                "method": "PATCH",
                "path": f"{path}?fieldManager={manager}",
                "type": "application/json-patch+json",
                "body": body,
            }
            for body in self.mark.steps()
        ]

    def rule(self) -> dict[str, Any]:
        """The only right that the healer gets on it."""
        group = self.ref.api_version.rpartition("/")[0]
        return {
            "apiGroups": [group],
            "resources": [self.resource.plural],
            "resourceNames": [self.ref.name],
            "verbs": ["patch"],
        }


def owners(kit: Kit, namespaces: Iterable[str], marked: Sequence[Marked]) -> list[Object]:
    """A Role for each namespace: the right to delete itself, and to patch what is marked there.

    What is marked and in no namespace, a node, needs a ClusterRole.
    """
    spaces = {*namespaces, *(each.ref.namespace for each in marked)}
    return [
        {
            "apiVersion": _RBAC,
            "kind": kit.owner(space).kind,
            "metadata": kit.meta(space),
            "rules": [_to_delete(kit, space), *(each.rule() for each in marked if each.ref.namespace == space)],
        }
        for space in sorted(spaces)
    ]


def _to_delete(kit: Kit, namespace: str) -> dict[str, Any]:
    plural = "roles" if namespace else "clusterroles"
    group = _RBAC.partition("/")[0]
    return {"apiGroups": [group], "resources": [plural], "resourceNames": [kit.name], "verbs": ["delete"]}


def healer(kit: Kit, uids: Uids, namespace: str, marked: Sequence[Marked], not_on: Sequence[str] = ()) -> list[Object]:
    """The Job that heals when the time is over, with its account and plan; on none of the nodes ``not_on``."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": kit.meta(namespace, uids=uids),
        "automountServiceAccountToken": False,
    }
    # Its own owner last: with that its rights are gone.
    order = [*sorted(space for space in uids if space != namespace), namespace]
    files = healer_files(kit.image.modules, _plan(kit, marked, order))
    return [
        account,
        *(_binding(kit, uids, space, namespace) for space in order),
        _files(kit, uids, namespace, kit.name, files),
        _job(kit, uids, namespace, not_on),
    ]


def _binding(kit: Kit, uids: Uids, space: str, namespace: str) -> Object:
    """Gives the healer, whose account is in ``namespace``, the rights in ``space``."""
    owner = kit.owner(space)
    return {
        "apiVersion": _RBAC,
        "kind": f"{owner.kind}Binding",
        "metadata": kit.meta(space, uids=uids),
        "roleRef": {"apiGroup": _RBAC.partition("/")[0], "kind": owner.kind, "name": owner.name},
        "subjects": [{"kind": "ServiceAccount", "name": kit.name, "namespace": namespace}],
    }


def _plan(kit: Kit, marked: Sequence[Marked], owned: Sequence[str]) -> str:
    # Without a body: an API server that gets one does not look at the query, which says that it is a rehearsal.
    last = [{"method": "DELETE", "path": _path_to_delete(kit, space), "type": "application/json"} for space in owned]
    steps = [step for each in marked for step in each.steps()]
    return json.dumps({"until": round(kit.until.timestamp() * 1000), "steps": [*steps, *last]}, indent=1)


def _path_to_delete(kit: Kit, namespace: str) -> str:
    place = f"namespaces/{namespace}/roles" if namespace else "clusterroles"
    return f"/apis/{_RBAC}/{place}/{kit.name}?propagationPolicy=Background"


def _files(kit: Kit, uids: Uids, namespace: str, name: str, files: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": kit.meta(namespace, name, uids),
        "data": dict(files),
    }


def _job(kit: Kit, uids: Uids, namespace: str, not_on: Sequence[str]) -> Object:
    pod = _pod(kit, kit.name, HEALER_PORT, HEALER_PORT, "/readyz")
    pod |= {"serviceAccountName": kit.name, "automountServiceAccountToken": True, "restartPolicy": "OnFailure"}
    # Drained away it would come again elsewhere; better not to be in the way at all.
    if not_on:
        other = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": list(not_on)}
        terms = {"nodeSelectorTerms": [{"matchExpressions": [other]}]}
        pod["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    labels = {**kit.labels, LABEL: kit.token, "app.kubernetes.io/name": "drill-healer"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": kit.meta(namespace, uids=uids),
        "spec": {"backoffLimit": 100, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def stand_in(
    kit: Kit, uids: Uids, namespace: str, mode: str, port: int, replicas: int, port_name: str = "http"
) -> list[Object]:
    """Pods that answer every request (``well``) or none (``hang``), selected by ``stand_in_labels``."""
    name = f"{kit.name}-{mode}"
    labels = {**kit.labels, **stand_in_labels(kit, mode)}
    pod = _pod(kit, name, port, ready_port(port), "/", port_name)
    # It is gone at once when it is told to: an application that does not know how to leave.
    pod |= {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 5}
    return [
        _files(kit, uids, namespace, name, stand_in_files(kit.image.modules, mode, port)),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": kit.meta(namespace, name, uids),
            "spec": {
                "replicas": replicas,
                # A new pod serves for a while before the next one goes.
                "minReadySeconds": 3,
                "selector": {"matchLabels": stand_in_labels(kit, mode)},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
    ]


def stand_in_labels(kit: Kit, mode: str) -> dict[str, str]:
    """What selects the pods of a stand-in, and nothing else in the cluster."""
    return {LABEL: kit.token, "resilient.traefik/stand-in": mode}


def _pod(kit: Kit, files: str, port: int, probed: int, path: str, port_name: str = "http") -> dict[str, Any]:
    container = {
        "name": "nginx",
        "image": kit.image.name,
        "imagePullPolicy": "IfNotPresent",
        "command": ["nginx"],
        "args": ["-p", "/tmp", "-e", "stderr", "-c", f"{_FOLDER}/nginx.conf"],
        "ports": [{"name": port_name, "containerPort": port}],
        "readinessProbe": {"httpGet": {"path": path, "port": probed}, "periodSeconds": 1, "timeoutSeconds": 2},
        "resources": _RESOURCES,
        "securityContext": lockdown.CONTAINER,
        "volumeMounts": [
            {"name": "files", "mountPath": _FOLDER, "readOnly": True},
            {"name": "temporary", "mountPath": "/tmp"},
        ],
    }
    return {
        "enableServiceLinks": False,
        "securityContext": lockdown.POD,
        "containers": [container],
        "volumes": [{"name": "files", "configMap": {"name": files}}, {"name": "temporary", "emptyDir": {}}],
        **({"imagePullSecrets": [dict(each) for each in kit.image.pull_secrets]} if kit.image.pull_secrets else {}),
    }
