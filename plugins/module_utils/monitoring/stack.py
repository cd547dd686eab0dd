# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster has for monitoring: servers that run, operators' kinds, and who owns them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import helm_release_of, owner_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_all, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import (
    ALERTMANAGER,
    PROMETHEUS,
    VMALERT,
    Server,
    server_of,
)

OPERATOR, VICTORIA = "monitoring.coreos.com/v1", "operator.victoriametrics.com/v1beta1"
# What charts and operators write on these pods; without such a label all pods are looked through for the image.
_LABELS = {
    PROMETHEUS: "app.kubernetes.io/name=prometheus",
    ALERTMANAGER: "app.kubernetes.io/name=alertmanager",
    VMALERT: "app.kubernetes.io/name=vmalert",
}
PLACE_OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
}
STACK_OPTIONS: dict[str, dict[str, Any]] = {
    "prometheus": {"type": "dict", "options": PLACE_OPTIONS},
    "alertmanager": {"type": "dict", "options": PLACE_OPTIONS},
}


@dataclass
class Stack:
    """``prometheus`` and ``alertmanagers`` are the replicas of one each; ``faults`` say why there are none.

    ``several`` are the programs of which there is more than one. ``rule_kinds`` has the operators' kinds for rules that
    the API server serves, ``prometheus_objects`` and ``vm_alerts`` the operators' objects. ``releases`` says by
    namespace/name of a pod's owner which Helm release brought it.
    """

    prometheus: list[Server] = field(default_factory=list)
    alertmanagers: list[Server] = field(default_factory=list)
    vmalerts: list[Server] = field(default_factory=list)
    rule_kinds: set[str] = field(default_factory=set)
    prometheus_objects: list[Object] = field(default_factory=list)
    vm_alerts: list[Object] = field(default_factory=list)
    releases: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)

    @property
    def is_there(self) -> bool:
        """Whether there is anything that could take rules."""
        return bool(self.prometheus or self.vmalerts or self.prometheus_objects or self.vm_alerts)

    def release_of(self, server: Server) -> str:
        """The Helm release (NAMESPACE/NAME) that the server came with, empty when none did."""
        return self.releases.get(f"{server.namespace}/{server.owner}", "")

    def prometheus_object(self) -> Object | None:
        """The operator's object of the Prometheus that runs, or the only one."""
        labels = [(server.namespace, server.pod["metadata"].get("labels") or {}) for server in self.prometheus]
        owned = {(namespace, given.get(_INSTANCE)) for namespace, given in labels}
        mine = [each for each in self.prometheus_objects if _place(each) in owned]
        return next(iter(mine or self.prometheus_objects), None)


_INSTANCE = "operator.prometheus.io/name"


def find_stack(client: Client, params: Mapping[str, Any]) -> Stack:
    """Reads what is there; ``params`` has STACK_OPTIONS. Raises Forbidden, Unreachable."""
    stack = Stack()
    for program, option, servers in (
        (PROMETHEUS, "prometheus", stack.prometheus),
        (ALERTMANAGER, "alertmanager", stack.alertmanagers),
        (VMALERT, "", stack.vmalerts),
    ):
        place = params.get(option) or {}
        found = _servers(client, program, place.get("namespace") or "", place.get("label_selectors") or [])
        chosen, fault = one_of(found, program)
        servers += chosen
        if fault and option:
            stack.faults[program] = f"{option}: {fault}"
            stack.several |= {program} if found else set()
    _read_operators(client, stack)
    stack.releases = _releases(client, [*stack.prometheus, *stack.alertmanagers])
    return stack


def one_of(servers: Sequence[Server], program: str) -> tuple[list[Server], str]:
    """The replicas of the one that there is, and else why there is not one. Pure."""
    groups: dict[tuple[str, str], list[Server]] = {}
    for server in servers:
        # An operator makes a StatefulSet a shard, and all of them are one Prometheus.
        name = (server.pod["metadata"].get("labels") or {}).get(_INSTANCE, server.owner)
        groups.setdefault((server.namespace, name), []).append(server)
    if len(groups) == 1:
        return sorted(next(iter(groups.values())), key=lambda server: server.name), ""
    if not groups:
        return [], (
            f"no pod of {program} runs here, going by images named {program.lower()}; start one, or say by namespace "
            "and label_selectors where it is"
        )
    listed = ", ".join(f"{namespace}/{name}" for namespace, name in sorted(groups))
    return [], f"there is more than one {program}: {listed}; say by namespace and label_selectors which"


def _servers(client: Client, program: str, namespace: str, selectors: Sequence[str]) -> list[Server]:
    given = ",".join(selectors)
    # vmalert is its operator's, which labels it.
    usual = [_LABELS[program]] if program == VMALERT else [_LABELS[program], ""]
    for selector in [given] if given else usual:
        (answer,) = read_found(client, [Query("v1", "Pod", namespace=namespace, label_selector=selector)])
        found = [server for pod in answer.items if (server := server_of(pod, program))]
        if found:
            return found
    return []


def _read_operators(client: Client, stack: Stack) -> None:
    for api_version, kind in ((OPERATOR, "PrometheusRule"), (VICTORIA, "VMRule")):
        try:
            client.resource(api_version, kind)
        except errors.NotFound:
            continue
        stack.rule_kinds.add(kind)
    prometheus, vm_alerts = read_all(client, [Query(OPERATOR, "Prometheus"), Query(VICTORIA, "VMAlert")])
    stack.prometheus_objects, stack.vm_alerts = prometheus.items, vm_alerts.items


def _releases(client: Client, servers: Iterable[Server]) -> dict[str, str]:
    """By pod's owner. One that may not be read, or is an operator's, has no mark of Helm."""
    queries: dict[Query, str] = {}
    for server in servers:
        for kind in ("StatefulSet", "Deployment"):
            query = Query("apps/v1", kind, server.owner, server.namespace)
            queries[query] = f"{server.namespace}/{server.owner}"
    found: dict[str, str] = {}
    for answer in read_all(client, queries):
        for item in answer.items:
            release = helm_release_of(item)
            if release:
                found[queries[answer.query]] = release
    return found


def owner_words(item: Object) -> str:
    """Who would undo a change of the object, operators included; empty when nobody would. Pure."""
    controllers = [each for each in item["metadata"].get("ownerReferences") or [] if each.get("controller")]
    if controllers:
        return f"{controllers[0]['kind']} {controllers[0]['name']}"
    managed = (item["metadata"].get("labels") or {}).get("managed-by", "")
    return owner_of(item) or ("prometheus-operator" if managed == "prometheus-operator" else "")


def _place(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]
