# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads which applications are behind routes, and names those whose pods are gone the moment they are told to end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.pods import WORKLOADS, Selectable, selector_text
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Answer, Query, read_all
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.backends import (
    backends_of,
    needs_traefik_services,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.leaving import Leaver, leavers
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import API_VERSION

# From so many namespaces on a list of the whole cluster is less work than one of each.
_MANY_NAMESPACES = 10
_SHOWN = 20


@dataclass(frozen=True)
class Advice:
    """The workloads to improve, and in words what could not be looked at."""

    found: Sequence[Leaver] = field(default_factory=tuple)
    unread: Sequence[str] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Any]:
        """For a module's result: ``advice`` in lines, not more than can be read; ``without_pre_stop`` has all."""
        lines = [str(each) for each in self.found[:_SHOWN]]
        if self.found[_SHOWN:]:
            lines.append(f"and {len(self.found) - _SHOWN} more workloads without preStop (without_pre_stop has all)")
        return {"advice": [*lines, *self.unread], "without_pre_stop": [each.as_dict() for each in self.found]}


def advice_on(client: Client, routes: Sequence[Object]) -> Advice:
    """What is behind the routes. What may not be read is said, not raised. Raises Unreachable, Unauthorized."""
    following = read_all(client, [Query(API_VERSION, "TraefikService")] if needs_traefik_services(routes) else [])
    backends = backends_of(routes, _items(following))
    namespaces = sorted({backend.namespace for backend in backends})
    services = read_all(client, _queries("Service", namespaces))
    workloads = read_all(client, [each for kind in WORKLOADS for each in _queries(kind, namespaces)])
    wanted = {(backend.namespace, backend.service) for backend in backends}
    chosen = [each for each in _items(services) if (each["metadata"]["namespace"], each["metadata"]["name"]) in wanted]
    pods = _pods_of_others(client, chosen, _items(workloads))
    answers = [*following, *services, *workloads, *pods]
    running = [pod for pod in _items(pods) if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
    return Advice(leavers(backends, chosen, [*_items(workloads), *running]), _unread(answers))


def _queries(kind: str, namespaces: Sequence[str]) -> list[Query]:
    api_version = "apps/v1" if kind in WORKLOADS else "v1"
    places = [""] if len(namespaces) > _MANY_NAMESPACES else namespaces
    return [Query(api_version, kind, namespace=place) for place in places]


def _pods_of_others(client: Client, services: Iterable[Object], workloads: Sequence[Object]) -> list[Answer]:
    """The pods of Services that lead to none of the workloads: pods by themselves, and those of other controllers."""
    selectable = Selectable(workloads)
    selectors = []
    for service in services:
        namespace, selector = service["metadata"]["namespace"], service["spec"].get("selector") or {}
        if selector and not selectable.by(service):
            text = selector_text({"matchLabels": dict(sorted(selector.items()))})
            selectors.append(Query("v1", "Pod", namespace=namespace, label_selector=text))
    return read_all(client, dict.fromkeys(selectors))


def _items(answers: Iterable[Answer]) -> list[Object]:
    return [item for answer in answers for item in answer.items]


def _unread(answers: Iterable[Answer]) -> list[str]:
    """One line a kind: in many namespaces it is the same right that is missing."""
    refused = {answer.query.kind: answer.message for answer in reversed(list(answers)) if answer.status == "forbidden"}
    return [
        f"not looked at, so applications without preStop may be missing here: {message.rstrip('.')}"
        for message in refused.values()
    ]
