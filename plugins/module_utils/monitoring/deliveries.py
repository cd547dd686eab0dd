# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How rules get to the Prometheus that a cluster has: which way fits, and what stands against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import helm_release_of, is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import prometheus
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.chart_release import (
    ChartRelease,
    read_release,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.forms import NAME
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.loaded import OwnFile
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.mounts import Source, rule_places
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.selectors import (
    not_taken_because,
    wanted_labels,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import Api
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import (
    OPERATOR,
    VICTORIA,
    Stack,
    owner_words,
)

AUTO, PROMETHEUS_RULE, VM_RULE, CONFIG_MAP, FILES = "auto", "prometheusrule", "vmrule", "configmap", "files"
VALUES_PROMETHEUS, VALUES_STACK = "helm_values_prometheus", "helm_values_kube_prometheus_stack"
DELIVERIES = (AUTO, PROMETHEUS_RULE, VM_RULE, CONFIG_MAP, VALUES_PROMETHEUS, VALUES_STACK, FILES)
DEFAULT_CONFIG_MAP = "prometheus-rules"
# Named where none of them fits, so that the remedy is at hand.
_MOUNT = (
    "mount a ConfigMap {name} with optional: true in its pods and add its folder to rule_files, or choose another "
    "delivery"
)


@dataclass
class Delivery:
    """The way that was chosen. ``ref`` is the object to write, None where files are written for somebody else.

    ``key`` is the ConfigMap's, ``labels`` those that the object needs to be taken, ``present`` the object as it is,
    ``release`` the Helm release whose values are written. ``mounted`` is whether servers read it as a file.
    """

    kind: str
    ref: ObjectRef | None = None
    key: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    present: Object | None = None
    release: ChartRelease | None = None
    mounted: bool = False
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        key = f", key {self.key}" if self.key else ""
        return f"{self.ref}{key}" if self.ref else str(self.release or "files")

    def own_file(self) -> OwnFile:
        """Whether a server's rule file is the one that this delivery makes."""
        ref, key = self.ref, self.key
        if self.kind == CONFIG_MAP:
            return lambda file: file.endswith(f"/{key}")
        if self.kind in (PROMETHEUS_RULE, VM_RULE) and ref is not None:
            # Both operators name the file by namespace and name; what they add depends on their version.
            return lambda file: f"{ref.namespace}-{ref.name}" in file
        if self.kind == VALUES_PROMETHEUS:
            return lambda file: file.endswith("/alerting_rules.yml")
        if self.kind == VALUES_STACK:
            return lambda file: NAME in file
        return lambda file: True


def detected(stack: Stack, candidates: list[Source]) -> str:
    """The delivery that fits what is there, empty when none does. Pure.

    An operator's object comes first: it needs no change of anybody else's. Where Helm brought Prometheus, its values
    are the way, unless it has a ConfigMap mounted for rules of others.
    """
    if stack.prometheus_objects and "PrometheusRule" in stack.rule_kinds:
        return PROMETHEUS_RULE
    if stack.vm_alerts and "VMRule" in stack.rule_kinds:
        return VM_RULE
    if candidates:
        return CONFIG_MAP
    if any(stack.release_of(server) for server in stack.prometheus):
        return VALUES_PROMETHEUS
    return ""


def delivery_for(client: Client, stack: Stack, params: Mapping[str, Any]) -> Delivery:
    """The delivery with everything that stands against it. Raises Forbidden, NoAnswer, Unreachable."""
    wanted = params["delivery"]
    candidates = _free_places(client, stack, params) if wanted in (AUTO, CONFIG_MAP) else []
    kind = detected(stack, candidates) if wanted == AUTO else wanted
    if kind in (PROMETHEUS_RULE, VM_RULE):
        return _operators(client, stack, params, kind)
    if kind == CONFIG_MAP or (not kind and stack.prometheus):
        return _config_map(client, stack, params, candidates)
    if kind in (VALUES_PROMETHEUS, VALUES_STACK):
        return _values(client, stack, params, kind)
    if kind == FILES:
        return Delivery(kind, faults=_needs_folder(params, "files"))
    return Delivery(kind, faults=["delivery: none fits what runs here: choose one"])


def _needs_folder(params: Mapping[str, Any], what: str) -> list[str]:
    if params.get("render_to") or params.get("files_to"):
        return []
    return [f"files_to: {what} are written for somebody else to bring in: name the folder, or set render_to"]


# --- operators ---------------------------------------------------------------------------------------------------


def _operators(client: Client, stack: Stack, params: Mapping[str, Any], kind: str) -> Delivery:
    api_version, name = (OPERATOR, "PrometheusRule") if kind == PROMETHEUS_RULE else (VICTORIA, "VMRule")
    if name not in stack.rule_kinds:
        fault = (
            f"delivery: the cluster has no {name} ({api_version}): install the operator with its "
            "CustomResourceDefinitions, or choose another delivery"
        )
        return Delivery(kind, faults=[fault])
    taker = stack.prometheus_object() if kind == PROMETHEUS_RULE else next(iter(stack.vm_alerts), None)
    servers = stack.prometheus if kind == PROMETHEUS_RULE else stack.vmalerts
    place = taker["metadata"]["namespace"] if taker else (servers[0].namespace if servers else "")
    namespace = params.get("rules_namespace") or place
    if not namespace:
        return Delivery(kind, faults=[f"rules_namespace: nothing says where a {name} is read: name the namespace"])
    ref = ObjectRef(api_version, name, params["name"], namespace)
    result = Delivery(kind, ref, labels=dict(wanted_labels(taker) if taker else {}) | dict(params["labels"]))
    result.present = client.find(ref)
    if result.present and not is_ours(result.present):
        result.faults.append(f"name: {ref} is there already and is not of this collection: choose another name")
    if taker is None:
        result.notes.append(f"no object of the operator says which {name} it takes, so that was not looked at")
        return result
    of_namespace = (client.find(ObjectRef("v1", "Namespace", namespace)) or {"metadata": {}})["metadata"].get("labels")
    reason = not_taken_because(taker, result.labels, namespace, of_namespace or {})
    if reason:
        result.faults.append(f"labels: {reason}; set labels or rules_namespace so that it takes them")
    return result


# --- a ConfigMap that is mounted ---------------------------------------------------------------------------------


def _free_places(client: Client, stack: Stack, params: Mapping[str, Any]) -> list[Source]:
    """The mounted ConfigMaps that may get a rule file: the named one, or those that nobody else looks after."""
    if not stack.prometheus:
        return []
    name = params["config_map"]["name"]
    with Api(client, stack.prometheus[0]) as api:
        places = rule_places(stack.prometheus[0], prometheus.rule_files(api), params["config_map"]["key"])
    if name:
        return [place for place in places if place.ref.name == name]
    found = [(place, client.find(place.ref)) for place in places]
    free = [place for place, item in found if item is None or is_ours(item) or not owner_words(item)]
    usual = [place for place in free if place.ref.name == DEFAULT_CONFIG_MAP]
    return usual or free


def _config_map(client: Client, stack: Stack, params: Mapping[str, Any], places: list[Source]) -> Delivery:
    name = params["config_map"]["name"] or DEFAULT_CONFIG_MAP
    if not stack.prometheus:
        return Delivery(CONFIG_MAP, faults=list(stack.faults.values())[:1])
    server = stack.prometheus[0]
    if len({place.ref for place in places}) != 1:
        listed = ", ".join(sorted({place.ref.name for place in places}))
        why = f"rules could be put into any of {listed}: name one" if places else _MOUNT.format(name=name)
        fault = f"config_map: {server} reads no rule file from a ConfigMap {name}: {why}"
        return Delivery(CONFIG_MAP, faults=[f"config_map: {why}" if places else fault])
    place = places[0]
    result = Delivery(CONFIG_MAP, place.ref, place.key, dict(params["labels"]), mounted=True)
    result.present = client.find(place.ref)
    release = helm_release_of(result.present) if result.present else ""
    if release and not is_ours(result.present):
        result.notes.append(f"{place.ref} is of Helm release {release}, whose next upgrade may take the rules out")
    for each in stack.prometheus:
        with Api(client, each) as api:
            if not (prometheus.takes_reloads(api) or prometheus.reloads_by_itself(each)):
                result.faults.append(
                    f"{each}: it reads new rules at its start only: run it with --web.enable-lifecycle, or beside a "
                    "config reloader"
                )
            elif api.metric(prometheus.RELOADED) == 0:
                result.faults.append(f"{each}: it does not load its present configuration: correct that first")
    return result


# --- values of a chart -------------------------------------------------------------------------------------------


def _values(client: Client, stack: Stack, params: Mapping[str, Any], kind: str) -> Delivery:
    releases = {name for server in stack.prometheus if (name := stack.release_of(server))}
    if not releases:
        objects = {helm_release_of(item) for item in stack.prometheus_objects} - {""}
        releases = objects if len(objects) == 1 else set()
    if not releases:
        fault = "delivery: Prometheus was not brought by a Helm release, whose values could be written: choose another"
        return Delivery(kind, faults=[fault])
    release = read_release(client, sorted(releases)[0])
    result = Delivery(kind, release=release, faults=_needs_folder(params, f"the values of {release}"))
    result.notes += [release.note] if release.note else []
    return result


def deliverable(client: Client, stack: Stack, params: Mapping[str, Any]) -> Delivery:
    """As ``delivery_for``, with what cannot be found out as a fault."""
    try:
        return delivery_for(client, stack, params)
    except errors.ResilientError as error:
        return Delivery(params["delivery"], faults=[str(error).rstrip(".")])
