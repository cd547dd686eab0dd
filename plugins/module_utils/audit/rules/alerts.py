# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules on who is told: metrics that nobody takes, alerts that are not there, not loaded, or told to nobody."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.audit.cluster import Cluster, pod_spec
from ansible_collections.resilient.traefik.plugins.module_utils.audit.model import (
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    Hit,
    RuleBook,
    hit,
)
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.traefik import container_field
from ansible_collections.resilient.traefik.plugins.module_utils.audit.rules.words import counted, listed
from ansible_collections.resilient.traefik.plugins.module_utils.audit.traefiks import Traefik
from ansible_collections.resilient.traefik.plugins.module_utils.kube.label_selector import selects
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.selectors import not_taken_because
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import settings as static

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

BOOK = RuleBook()
_UNNOTICED = "an outage that lasts until somebody calls, for nobody is told"
_ABOUT = re.compile(r"traefik|forward_?auth|fallback_proxy", re.IGNORECASE)
_RULE_KINDS = {"PrometheusRule": "Prometheus", "VMRule": "VMAlert"}
_SCRAPES = ("ServiceMonitor", "PodMonitor", "VMServiceScrape", "VMPodScrape")
_SCRAPE_ANNOTATION = "prometheus.io/scrape"


def _alerts_of(item: Object) -> list[Mapping[str, Any]]:
    """The alerts of a rule object that are about Traefik or what it asks."""
    return [
        rule
        for group in item["spec"].get("groups") or []
        for rule in group.get("rules") or []
        if rule.get("alert") and _ABOUT.search(f"{rule['alert']} {rule.get('expr', '')}")
    ]


def _in_files(cluster: Cluster) -> list[Object]:
    """ConfigMaps that hold alerts about Traefik, in the form of Prometheus' rule files."""
    found = []
    for item in cluster.snapshot.of("ConfigMap"):
        for text in item["data"].values():
            if "groups" in text and "alert" in text and _ABOUT.search(text) and _has_alert(text):
                found.append(item)
                break
    return found


def _has_alert(text: str) -> bool:
    tree = _parsed(text)
    groups = tree.get("groups") if isinstance(tree, dict) else None
    for group in groups if isinstance(groups, list) else []:
        for rule in (group.get("rules") or []) if isinstance(group, dict) else []:
            if (
                isinstance(rule, dict)
                and rule.get("alert")
                and _ABOUT.search(f"{rule['alert']} {rule.get('expr', '')}")
            ):
                return True
    return False


def _parsed(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None


def _watches(cluster: Cluster) -> bool:
    """Whether anything of a monitoring was read: then what it does not have is not there."""
    kinds = ("Prometheus", "VMAlert", "PrometheusRule", "VMRule")
    return cluster.snapshot.complete and not any(kind in cluster.snapshot.unread for kind in kinds)


@BOOK.rule(
    "RT801",
    "alerts-absent",
    title="No alert is about Traefik or about what it asks",
    severity=(MEDIUM, INFO),
    visitors=_UNNOTICED,
    why="No PrometheusRule, VMRule or mounted rule file has an alert that mentions Traefik, ForwardAuth or the "
    "fallback.",
    remedy="ansible-playbook resilient.traefik.harden --tags alerts",
    tag="alerts",
)
def absent(cluster: Cluster) -> Iterator[Hit]:
    if not _watches(cluster):
        return
    found = [each for kind in _RULE_KINDS for each in cluster.snapshot.of(kind) if _alerts_of(each)]
    if not found and not _in_files(cluster):
        for traefik in cluster.real_traefiks:
            yield hit(traefik.item, "", "no rule that can be read has an alert about it", hosts=traefik.hosts)


@BOOK.rule(
    "RT802",
    "alerts-not-loaded",
    title="Alerts about Traefik are there, and nothing loads them",
    severity=(MEDIUM, LOW),
    visitors=_UNNOTICED,
    why="An operator takes the rule objects that its ruleSelector and ruleNamespaceSelector fit, and says nothing of "
    "the others.",
    remedy="Give the object the labels that ruleSelector wants, or widen the selector.",
    source="prometheus-operator, API reference",
)
def not_loaded(cluster: Cluster) -> Iterator[Hit]:
    namespaces = {each["metadata"]["name"]: each["metadata"]["labels"] for each in cluster.snapshot.of("Namespace")}
    for kind, taker_kind in _RULE_KINDS.items():
        takers = cluster.snapshot.of(taker_kind)
        # Without one of that kind another program may take them: the operator of VictoriaMetrics, or an agent.
        if not takers or not cluster.snapshot.knows(taker_kind, "Namespace"):
            continue
        for item in cluster.snapshot.of(kind):
            place, labels = item["metadata"]["namespace"], item["metadata"]["labels"]
            alerts = _alerts_of(item)
            reasons = [not_taken_because(each, labels, place, namespaces.get(place, {})) for each in takers]
            if alerts and all(reasons):
                told = f"{counted(len(alerts), 'alert')} about Traefik"
                yield hit(item, "metadata.labels", f"{told}: {reasons[0]}")


@BOOK.rule(
    "RT803",
    "alerts-to-nobody",
    title="Alertmanager tells nobody",
    severity=(HIGH, LOW),
    visitors=_UNNOTICED,
    why="The receiver of its first route has no integration: alerts fire and end in nothing.",
    remedy="Give the receiver a webhook, mail or chat, or name another one in route.receiver.",
    source="Alertmanager documentation, configuration",
)
def to_nobody(cluster: Cluster) -> Iterator[Hit]:
    for item in cluster.snapshot.of("ConfigMap"):
        for key, text in item["data"].items():
            receiver = _empty_receiver(text) if "receivers" in text and "route" in text else ""
            if receiver:
                yield hit(item, f"data[{key}]", f"receiver {receiver} of the first route has no integration")


def _empty_receiver(text: str) -> str:
    """The name of the first route's receiver when it tells nobody, and no other route leads elsewhere."""
    tree = _parsed(text)
    route = tree.get("route") if isinstance(tree, dict) else None
    receivers = tree.get("receivers") if isinstance(tree, dict) else None
    if not isinstance(route, dict) or not isinstance(receivers, list) or route.get("routes"):
        return ""
    name = str(route.get("receiver") or "")
    own = [each for each in receivers if isinstance(each, dict) and str(each.get("name") or "") == name]
    tells = any(value for each in own for key, value in each.items() if str(key).endswith("_configs"))
    return name if own and not tells else ""


@BOOK.rule(
    "RT804",
    "metrics-off",
    title="Traefik measures nothing",
    severity=(MEDIUM, LOW),
    visitors=_UNNOTICED,
    why="Without --metrics.prometheus there is nothing to see of errors, waits and reloads that failed.",
    remedy="Set --metrics.prometheus=true and --metrics.prometheus.entryPoint=metrics with an entry point of its own.",
    source="Traefik documentation, metrics",
)
def metrics_off(cluster: Cluster) -> Iterator[Hit]:
    for traefik in cluster.real_traefiks:
        others = any(
            traefik.is_on(f"metrics.{name}") for name in ("otlp", "datadog", "statsd", "influxdb2", "influxdb")
        )
        if traefik.settings and not traefik.is_on("metrics.prometheus") and not others:
            yield hit(traefik.item, f"{container_field(traefik)}.args", "metrics are off", hosts=traefik.hosts)


@BOOK.rule(
    "RT805",
    "metrics-not-scraped",
    title="Nobody takes Traefik's metrics",
    severity=(MEDIUM, LOW),
    visitors=_UNNOTICED,
    why="No PodMonitor, ServiceMonitor or scrape of VictoriaMetrics selects its pods or Services, and they have no "
    "annotation prometheus.io/scrape.",
    remedy="Bring a PodMonitor for its pods (chart: metrics.prometheus.serviceMonitor.enabled), or the annotation.",
)
def not_scraped(cluster: Cluster) -> Iterator[Hit]:
    # Without an operator's kinds a Prometheus may have a job of its own for it, which is not read.
    scrapes = cluster.snapshot.of(*_SCRAPES)
    if not scrapes or not cluster.snapshot.knows(*_SCRAPES):
        return
    for traefik in cluster.real_traefiks:
        if static.metrics_entry_point(dict(traefik.settings)) and not _is_scraped(traefik, scrapes):
            evidence = f"none of {counted(len(scrapes), 'scrape')} selects it"
            yield hit(traefik.item, "spec.template.metadata.labels", evidence, hosts=traefik.hosts)


def _is_scraped(traefik: Traefik, scrapes: list[Object]) -> bool:
    item = traefik.item
    template, place = item["spec"]["template"]["metadata"], item["metadata"]["namespace"]
    marks = [template["annotations"], *(each["metadata"]["annotations"] for each in traefik.services)]
    if any(each.get(_SCRAPE_ANNOTATION) == "true" for each in marks):
        return True
    labels = {"Pod": [template["labels"]], "Service": [each["metadata"]["labels"] for each in traefik.services]}
    for scrape in scrapes:
        where = scrape["spec"].get("namespaceSelector") or {}
        names = where.get("matchNames") or []
        reaches = where.get("any") or place in names or (not names and scrape["metadata"]["namespace"] == place)
        kind = "Pod" if "Pod" in scrape["kind"] else "Service"
        if reaches and any(selects(scrape["spec"].get("selector") or {}, each) for each in labels[kind]):
            return True
    return False


@BOOK.rule(
    "RT806",
    "monitoring-single",
    title="What would tell of an outage runs on the one node with everything else that it tells of",
    severity=(LOW, INFO),
    visitors=_UNNOTICED,
    why="Alertmanager as a single pod on a node that also has the only replica of Traefik goes with it.",
    remedy="Run two Alertmanagers on different nodes, or have an alert of an outside service that ends (dead man's "
    "switch).",
)
def monitoring_single(cluster: Cluster) -> Iterator[Hit]:
    traefik_nodes = {tuple(cluster.nodes_of(each.item)) for each in cluster.real_traefiks}
    alone = {nodes[0] for nodes in traefik_nodes if len(nodes) == 1}
    if len(cluster.nodes) < 2:
        return
    for item in cluster.snapshot.of("StatefulSet", "Deployment"):
        images = [each["image"] for each in pod_spec(item)["containers"]]
        nodes = cluster.nodes_of(item)
        if len(nodes) == 1 and nodes[0] in alone and any("alertmanager" in image for image in images):
            yield hit(item, "", f"its only node is {nodes[0]}, with all of Traefik: {listed(sorted(alone))}")
