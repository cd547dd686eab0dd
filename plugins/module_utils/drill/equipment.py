# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a drill brings into the cluster: the healer with its account, and stand-ins. Pure.

Everything belongs to one ClusterRole, which may own objects of any namespace: deleting that one object is enough to
have Kubernetes' garbage collector take all of it away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
        """Of the ClusterRole and of everything that belongs to it."""
        return f"resilient-traefik-drill-{self.token}"

    @property
    def owner(self) -> ObjectRef:
        """The ClusterRole that owns all the rest."""
        return ObjectRef(_RBAC, "ClusterRole", self.name)

    def meta(self, namespace: str = "", name: str = "", uid: str = "") -> dict[str, Any]:
        """The metadata of a piece; with the owner's ``uid`` it is the owner's."""
        return {
            "name": name or self.name,
            "labels": {**self.labels, LABEL: self.token},
            **({"namespace": namespace} if namespace else {}),
            **({"ownerReferences": [self.owner_reference(uid)]} if uid else {}),
        }

    def owner_reference(self, uid: str) -> dict[str, Any]:
        """What makes an object the owner's, whose ``uid`` it has."""
        return {"apiVersion": _RBAC, "kind": "ClusterRole", "name": self.name, "uid": uid}


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


def owner_role(kit: Kit, marked: Sequence[Marked]) -> Object:
    """The ClusterRole: the right to delete itself, and to patch what of the marked is in no namespace."""
    own = {"apiGroups": [_RBAC.partition("/")[0]], "resources": ["clusterroles"], "verbs": ["delete"]}
    rules = [own | {"resourceNames": [kit.name]}, *(each.rule() for each in marked if not each.ref.namespace)]
    return {"apiVersion": _RBAC, "kind": "ClusterRole", "metadata": kit.meta(), "rules": rules}


def healer(kit: Kit, uid: str, namespace: str, marked: Sequence[Marked], not_on: Sequence[str] = ()) -> list[Object]:
    """The Job that heals when the time is over, with its account and plan; on none of the nodes ``not_on``."""
    account = {"kind": "ServiceAccount", "name": kit.name, "namespace": namespace}
    binding = {"roleRef": {"apiGroup": _RBAC.partition("/")[0], "name": kit.name}, "subjects": [account]}
    spaces = sorted({each.ref.namespace for each in marked} - {""})
    objects: list[Object] = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": kit.meta(namespace, uid=uid),
            "automountServiceAccountToken": False,
        },
        _bound({"kind": "ClusterRoleBinding", "metadata": kit.meta(uid=uid)}, binding, "ClusterRole"),
    ]
    for space in spaces:
        rules = [each.rule() for each in marked if each.ref.namespace == space]
        objects.append({"apiVersion": _RBAC, "kind": "Role", "metadata": kit.meta(space, uid=uid), "rules": rules})
        objects.append(_bound({"kind": "RoleBinding", "metadata": kit.meta(space, uid=uid)}, binding, "Role"))
    files = healer_files(kit.image.modules, _plan(kit, marked))
    objects.append(_files(kit, uid, namespace, kit.name, files))
    objects.append(_job(kit, uid, namespace, not_on))
    return objects


def _bound(item: dict[str, Any], binding: Mapping[str, Any], kind: str) -> Object:
    return {"apiVersion": _RBAC, **item, **binding, "roleRef": {**binding["roleRef"], "kind": kind}}


def _plan(kit: Kit, marked: Sequence[Marked]) -> str:
    # Without a body: an API server that gets one does not look at the query, which says that it is a rehearsal.
    path = f"/apis/{_RBAC}/clusterroles/{kit.name}?propagationPolicy=Background"
    last = {"method": "DELETE", "path": path, "type": "application/json"}
    steps = [step for each in marked for step in each.steps()]
    return json.dumps({"until": round(kit.until.timestamp() * 1000), "steps": [*steps, last]}, indent=1)


def _files(kit: Kit, uid: str, namespace: str, name: str, files: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": kit.meta(namespace, name, uid),
        "data": dict(files),
    }


def _job(kit: Kit, uid: str, namespace: str, not_on: Sequence[str]) -> Object:
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
        "metadata": kit.meta(namespace, uid=uid),
        "spec": {"backoffLimit": 100, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def stand_in(
    kit: Kit, uid: str, namespace: str, mode: str, port: int, replicas: int, port_name: str = "http"
) -> list[Object]:
    """Pods that answer every request (``well``) or none (``hang``), selected by ``stand_in_labels``."""
    name = f"{kit.name}-{mode}"
    labels = {**kit.labels, **stand_in_labels(kit, mode)}
    pod = _pod(kit, name, port, ready_port(port), "/", port_name)
    # It is gone at once when it is told to: an application that does not know how to leave.
    pod |= {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 5}
    return [
        _files(kit, uid, namespace, name, stand_in_files(kit.image.modules, mode, port)),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": kit.meta(namespace, name, uid),
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
