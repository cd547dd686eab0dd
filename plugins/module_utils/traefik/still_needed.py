# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must not be deleted, because something that stays refers to it, and what that needs to work.

A middleware that asks a Service which is gone answers 500 to everybody; a router whose middleware is gone is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.dependencies import (
    TEMPLATES,
    Use,
    pod_of,
    selects_pods_of,
    uses_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth import asked_by, is_forward_auth
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION, crd_id
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.references import TRAEFIK_KINDS, references_of

_APPS, _BATCH, _RBAC = "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1"
_INGRESS, _HTTP_ROUTE = ("networking.k8s.io/v1", "Ingress"), ("gateway.networking.k8s.io/v1", "HTTPRoute")
_WORKLOADS = (
    (_APPS, "Deployment"),
    (_APPS, "StatefulSet"),
    (_APPS, "DaemonSet"),
    (_BATCH, "Job"),
    (_BATCH, "CronJob"),
    ("v1", "Pod"),
)
_TRAEFIK = tuple((API_VERSION, kind) for kind in TRAEFIK_KINDS)
_ANNOTATIONS = "traefik.ingress.kubernetes.io/"
# Kinds whose pods are judged by their template.
_OWNERS = frozenset(("ReplicaSet", *TEMPLATES))
# By kind, who may refer to it: in its own namespace, and in all of them.
_Kinds = tuple[tuple[str, str], ...]
_REFERRERS: dict[str, tuple[_Kinds, _Kinds]] = {
    "ConfigMap": (_WORKLOADS, ((API_VERSION, "ServersTransport"), (API_VERSION, "ServersTransportTCP"))),
    "Secret": ((*_WORKLOADS, _INGRESS, ("v1", "ServiceAccount")), _TRAEFIK),
    "ServiceAccount": (_WORKLOADS, ()),
    "Service": ((_INGRESS, (_APPS, "StatefulSet")), (*_TRAEFIK, _HTTP_ROUTE)),
    "Deployment": ((("v1", "Service"),), ()),
    "StatefulSet": ((("v1", "Service"),), ()),
    "DaemonSet": ((("v1", "Service"),), ()),
    "Role": (((_RBAC, "RoleBinding"),), ()),
    "ClusterRole": ((), ((_RBAC, "RoleBinding"), (_RBAC, "ClusterRoleBinding"))),
    "IngressClass": ((), (_INGRESS,)),
    # A Service names its ServersTransport, and Traefik's own settings middlewares.
    **dict.fromkeys(
        TRAEFIK_KINDS,
        ((), (*_TRAEFIK, _INGRESS, _HTTP_ROUTE, ("v1", "Service"), (_APPS, "Deployment"), (_APPS, "DaemonSet"))),
    ),
}


def still_needed(
    client: Client, doomed: Mapping[ObjectRef, Object], after: Mapping[ObjectRef, Object]
) -> dict[ObjectRef, str]:
    """Those of the doomed objects that have to stay, and why, in words that follow the object's name.

    ``after`` are objects as they will be: what the same rollback puts back refers to nothing that it takes away.
    """
    wanted = {ref: _queries(ref) for ref in doomed}
    queries = list(dict.fromkeys(query for each in wanted.values() for query in each))
    answers = dict(zip(queries, read_all(client, queries), strict=True))
    items = {ref_of(item): item for answer in answers.values() for item in answer.items} | dict(after)
    staying = [item for ref, item in items.items() if ref not in doomed and _is_at_work(item)]
    kept = needed_by(staying, doomed)
    for ref, asked in wanted.items():
        refused = [answers[query].message for query in asked if answers[query].status == "forbidden"]
        if refused and ref not in kept:
            kept[ref] = f"may be in use, which cannot be told: {refused[0].rstrip('.')}"
    return kept | needed_by((doomed[ref] for ref in kept), doomed, kept)


def needed_by(
    staying: Iterable[Object], doomed: Mapping[ObjectRef, Object], known: Collection[ObjectRef] = ()
) -> dict[ObjectRef, str]:
    """What the staying objects need of the doomed ones, and what those need in turn. Pure."""
    left = {ref: item for ref, item in doomed.items() if ref not in known}
    kept: dict[ObjectRef, str] = {}
    todo = list(staying)
    while todo:
        item = todo.pop(0)
        # What somebody else's works with is no need of theirs: a budget that the run gave to Traefik goes.
        served = _serving(item, left) if ref_of(item) in doomed else ()
        for ref, why in [*_named(item, left), *_behind(item, left), *served]:
            if ref in left:
                kept[ref] = f"is needed by {why}"
                todo.append(left.pop(ref))
    return kept


def _queries(ref: ObjectRef) -> list[Query]:
    beside, anywhere = _REFERRERS.get(ref.kind, ((), ()))
    return [
        *(Query(version, kind, namespace=ref.namespace) for version, kind in beside),
        *(Query(version, kind) for version, kind in anywhere),
    ]


def _is_at_work(item: Object) -> bool:
    """Not a pod that is judged by its workload, nor what has ended or is going."""
    metadata, status = item["metadata"], item.get("status") or {}
    owners = {owner.get("kind") for owner in metadata.get("ownerReferences") or []}
    over = status.get("phase") in ("Succeeded", "Failed") if item["kind"] == "Pod" else status.get("completionTime")
    return not (over or metadata.get("deletionTimestamp") or (item["kind"] in ("Pod", "Job") and owners & _OWNERS))


def _named(item: Object, left: Mapping[ObjectRef, Object]) -> Iterator[tuple[ObjectRef, str]]:
    """What the object names, of those that are left."""
    by_key = {_key(ref): ref for ref in left}
    by_name = {crd_id(ref.namespace, ref.name): ref for ref in left if ref.api_version == API_VERSION}
    source = ref_of(item)
    named = [(use.target, str(use)) for use in _uses(item)]
    for target, why in named:
        if ref := by_key.get(_key(target)) or by_name.get(target.name):
            yield ref, why
    for path, texts in _texts(item):
        for name, ref in by_name.items():
            if name in texts:
                yield ref, f"{source} ({path})"
    if item["kind"] == "Middleware" and is_forward_auth(item):
        for ref, service in left.items():
            if ref.kind == "Service" and _is_asked(item, service):
                yield ref, f"{source} (spec.forwardAuth.address)"


def _uses(item: Object) -> list[Use]:
    of_traefik = [Use(each.source, each.path, each.target) for each in references_of(item)]
    return [*uses_of(item), *of_traefik]


def _texts(item: Object) -> Iterator[tuple[str, frozenset[str]]]:
    """Where objects of Traefik stand as NAMESPACE-NAME@kubernetescrd: annotations, and Traefik's arguments."""
    if item["kind"] in ("Ingress", "Service"):
        for name, value in (item["metadata"].get("annotations") or {}).items():
            if name.startswith(_ANNOTATIONS):
                yield f"annotation {name}", _whole_names(str(value))
    if item["kind"] in ("Deployment", "DaemonSet"):
        for container in (pod_of(item).get("spec") or {}).get("containers") or []:
            for argument in [*(container.get("args") or []), *(container.get("command") or [])]:
                if "@" in str(argument):
                    yield f"argument {str(argument).partition('=')[0]}", _whole_names(str(argument))


def _whole_names(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.rpartition("=")[2].split(","))


def _is_asked(middleware: Object, service: Object) -> bool:
    """Whether the ForwardAuth middleware asks the Service, in whatever cluster domain, or by its address."""
    host = asked_by(middleware).host
    metadata = service["metadata"]
    short = f"{metadata['name']}.{metadata['namespace']}"
    named = host == short or host == f"{short}.svc" or host.startswith(f"{short}.svc.")
    return named or host in (service["spec"].get("clusterIPs") or [])


def _behind(item: Object, left: Mapping[ObjectRef, Object]) -> Iterator[tuple[ObjectRef, str]]:
    """The workloads whose pods a Service leads to."""
    for ref, other in left.items():
        if item["kind"] == "Service" and selects_pods_of(item, other):
            yield ref, f"{ref_of(item)} (spec.selector)"


def _serving(item: Object, left: Mapping[ObjectRef, Object]) -> Iterator[tuple[ObjectRef, str]]:
    """What one of ours is served by without naming it: budgets and policies of its pods, the rights of its account."""
    source = ref_of(item)
    for ref, other in left.items():
        if ref.kind in ("PodDisruptionBudget", "NetworkPolicy") and selects_pods_of(other, item):
            yield ref, f"{source}, whose pods it is for"
        elif ref.kind in ("RoleBinding", "ClusterRoleBinding", "HorizontalPodAutoscaler") and any(
            _key(use.target) == _key(source) and use.path != "roleRef" for use in uses_of(other)
        ):
            yield ref, f"{source}, which it is for"


def _key(ref: ObjectRef) -> tuple[Any, ...]:
    return ref.api_version.rpartition("/")[0], ref.kind, ref.namespace, ref.name
