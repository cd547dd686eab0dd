# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules in the form that each delivery takes. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import OUR_LABELS, is_ours
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring import inhibition
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import Groups, alerts_of
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.rules import is_ours as is_our_rule

with contextlib.suppress(ImportError):  # the SPEC names it, so a missing one is reported before
    import yaml

# In the values of kube-prometheus-stack, and as the name of objects.
NAME = "resilient-traefik"
PROMETHEUS_CHART, STACK_CHART = "prometheus", "kube-prometheus-stack"


def rules_text(groups: Groups) -> str:
    """A rule file."""
    return as_yaml({"groups": groups})


def as_yaml(value: Any) -> str:
    """YAML in the order given, in block style."""
    return str(yaml.safe_dump(value, sort_keys=False, width=4096, allow_unicode=True))


def rule_object(ref: ObjectRef, groups: Groups, labels: Mapping[str, str]) -> Object:
    """A PrometheusRule or VMRule."""
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace, "labels": {**OUR_LABELS, **labels}},
        "spec": {"groups": groups},
    }


def rule_file(ref: ObjectRef, key: str, text: str, labels: Mapping[str, str], present: Object | None) -> Object:
    """A ConfigMap with the rules as one key. One that is there and is somebody else's gets the key and no labels."""
    ours = present is None or is_ours(present)
    marks = {**OUR_LABELS, **labels} if ours else dict(labels)
    metadata = {"name": ref.name, "namespace": ref.namespace} | ({"labels": marks} if marks else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: text}}


def rules_in_values(chart: str, groups: Groups, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that bring the rules with a chart's release. ``given`` are the values that it has: a list replaces.

    Chart prometheus reads serverFiles, kube-prometheus-stack additionalPrometheusRulesMap.
    """
    if chart == STACK_CHART:
        return {"additionalPrometheusRulesMap": {NAME: {"groups": groups}}}
    theirs = [group for group in _at(given, "serverFiles", "alerting_rules.yml", "groups") or [] if not _ours(group)]
    return {"serverFiles": {"alerting_rules.yml": {"groups": [*theirs, *groups]}}}


def inhibition_in_values(
    chart: str, wanted: Sequence[Mapping[str, Any]], given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """The values that bring inhibition rules with a chart's release, beside those that it has.

    Charts of prometheus before 16 keep Alertmanager's configuration in alertmanagerFiles, all newer ones and
    kube-prometheus-stack in alertmanager.config.
    """
    old = chart == PROMETHEUS_CHART and ("alertmanagerFiles" in defaults or "alertmanagerFiles" in given)
    path = ("alertmanagerFiles", "alertmanager.yml") if old else ("alertmanager", "config")
    has = _at(given, *path, inhibition.KEY)
    # A release without a list of its own has the chart's, which ours would replace.
    present = has if has is not None else _at(defaults, *path, inhibition.KEY) or []
    theirs = [rule for rule in present if not inhibition.is_ours(rule)]
    return {path[0]: {path[1]: {inhibition.KEY: [*theirs, *map(dict, wanted)]}}}


def _at(values: Any, *path: str) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _ours(group: Mapping[str, Any]) -> bool:
    return any(is_our_rule(rule.get("labels")) for rule in alerts_of([group]))
