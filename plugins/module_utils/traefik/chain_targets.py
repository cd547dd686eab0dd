# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Ingresses and IngressRoutes a task is about, and which of them this Traefik does not serve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import scope
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION

API_VERSIONS = {"Ingress": "networking.k8s.io/v1", "IngressRoute": API_VERSION}
EVERYWHERE = "*"


@dataclass(frozen=True)
class Choice:
    """What was asked for. ``names`` are NAMESPACE/NAME; ``namespaces`` may be every one (``*``)."""

    kinds: Sequence[str]
    namespaces: Sequence[str]
    names: frozenset[str]
    label_selector: str


@dataclass
class Targets:
    """The objects found, and the names of the IngressClasses that are Traefik's."""

    items: list[Object]
    classes: frozenset[str]
    unserved: list[dict[str, str]] = field(default_factory=list)


def choice_of(params: Mapping[str, Any]) -> Choice:
    """The choice that a task's options make. Raises BadArgument."""
    namespaces = list(params["namespaces"] or [])
    names: set[str] = set()
    for name in params["names"] or []:
        if "/" not in name and (not namespaces or EVERYWHERE in namespaces):
            raise errors.BadArgument(f"names: {name!r} needs its namespace: give namespace/name, or namespaces too")
        names |= {name} if "/" in name else {f"{namespace}/{name}" for namespace in namespaces}
    if names:
        namespaces = sorted({name.split("/")[0] for name in names})
    everywhere = not namespaces or EVERYWHERE in namespaces
    return Choice(params["kinds"], [""] if everywhere else namespaces, frozenset(names), params["label_selector"] or "")


def read_targets(client: Client, choice: Choice) -> Targets:
    """One list a kind and namespace, all at once.

    Raises BadArgument when a name is not there, Forbidden; a kind that the cluster does not serve has no objects.
    """
    classes = Query("networking.k8s.io/v1", "IngressClass")
    queries = [
        Query(API_VERSIONS[kind], kind, namespace=namespace, label_selector=choice.label_selector)
        for kind in choice.kinds
        for namespace in choice.namespaces
    ]
    *answers, named = read_found(client, [*queries, classes])
    items = [item for answer in answers for item in answer.items if _is_chosen(item, choice)]
    missing = choice.names - {_name(item) for item in items}
    if missing:
        raise errors.BadArgument(f"names: no {' or '.join(choice.kinds)} {', '.join(sorted(missing))}")
    return Targets(items, traefik_classes(named.items))


def traefik_classes(items: Iterable[Object]) -> frozenset[str]:
    """Return the names of the IngressClasses whose controller is Traefik's."""
    return frozenset(item["metadata"]["name"] for item in items if item["spec"].get("controller") == scope.CONTROLLER)


def _is_chosen(item: Object, choice: Choice) -> bool:
    return not choice.names or _name(item) in choice.names


def _name(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def only_served(targets: Targets, settings: Mapping[str, str]) -> Targets:
    """The targets that a Traefik with these settings looks at; the others are named with the reason."""
    served: list[Object] = []
    unserved: list[dict[str, str]] = []
    for item in targets.items:
        if item["kind"] == "Ingress":
            reason = scope.overlooked_ingress(item, settings, targets.classes)
        else:
            reason = scope.overlooked(item, settings)
        if reason:
            unserved.append(_skipped(item, reason))
        else:
            served.append(item)
    return Targets(served, targets.classes, unserved)


def _skipped(item: Object, reason: str) -> dict[str, str]:
    ref = ref_of(item)
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name, "reason": reason}
