"""The rules in the form of each delivery, beside what users have there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.chart_release import write_values
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.forms import (
    inhibition_in_values,
    rule_file,
    rule_object,
    rules_in_values,
    rules_text,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.subjects import targets

GROUPS: list[dict[str, Any]] = [
    {"name": "traefik", "rules": [{"alert": "Down", "expr": "up == 0", "labels": {"resilient_traefik": "true"}}]}
]
THEIRS = {"name": "theirs", "rules": [{"alert": "Theirs", "expr": "x"}]}
RULE = {"source_matchers": ["resilient_traefik=true"], "target_matchers": ["resilient_traefik=true"]}
OTHER = {"source_matchers": ["a=b"], "target_matchers": ["c=d"]}
PART_OF = {"app.kubernetes.io/part-of": "resilient-traefik"}
REF = ObjectRef("v1", "ConfigMap", "prometheus-rules", "monitoring")


def test_a_rule_file_and_objects() -> None:
    text = rules_text(GROUPS)
    assert yaml.safe_load(text) == {"groups": GROUPS}
    ours = rule_file(REF, "k.yml", text, {"a": "b"}, None)
    assert ours["metadata"]["labels"] == {**PART_OF, "a": "b"}
    assert ours["data"] == {"k.yml": text}
    theirs = rule_file(REF, "k.yml", text, {}, {"metadata": {"labels": {"x": "y"}}, "data": {"other": "z"}})
    assert "labels" not in theirs["metadata"]
    rule = rule_object(ObjectRef("monitoring.coreos.com/v1", "PrometheusRule", "n", "m"), GROUPS, {"release": "s"})
    assert (rule["kind"], rule["spec"]) == ("PrometheusRule", {"groups": GROUPS})
    assert rule["metadata"]["labels"] == {**PART_OF, "release": "s"}


def test_values_keep_what_the_release_has() -> None:
    stale = [{"name": "old", "rules": GROUPS[0]["rules"]}]
    given = {"serverFiles": {"alerting_rules.yml": {"groups": [THEIRS, *stale]}, "prometheus.yml": {"x": 1}}}
    values = rules_in_values("prometheus", GROUPS, given)
    assert values == {"serverFiles": {"alerting_rules.yml": {"groups": [THEIRS, *GROUPS]}}}
    stack = rules_in_values("kube-prometheus-stack", GROUPS, given)
    assert stack == {"additionalPrometheusRulesMap": {"resilient-traefik": {"groups": GROUPS}}}


def test_inhibition_in_values_keeps_the_lists_that_it_would_replace() -> None:
    defaults = {"alertmanager": {"config": {"inhibit_rules": [OTHER]}}}
    assert inhibition_in_values("kube-prometheus-stack", [RULE], {}, defaults) == {
        "alertmanager": {"config": {"inhibit_rules": [OTHER, RULE]}}
    }
    given = {"alertmanager": {"config": {"inhibit_rules": [RULE | {"equal": ["old"]}]}}}
    assert inhibition_in_values("prometheus", [RULE], given, defaults) == {
        "alertmanager": {"config": {"inhibit_rules": [RULE]}}
    }
    old = {"alertmanagerFiles": {"alertmanager.yml": {"inhibit_rules": [OTHER]}}}
    assert inhibition_in_values("prometheus", [RULE], {}, old) == {
        "alertmanagerFiles": {"alertmanager.yml": {"inhibit_rules": [OTHER, RULE]}}
    }


def test_values_of_one_release_end_up_in_one_file(tmp_path: Path) -> None:
    name = "values/monitoring-prometheus.yaml"
    assert write_values(tmp_path, name, {"a": {"b": 1}}, check_mode=True) is not None
    assert not (tmp_path / name).exists()
    write_values(tmp_path, name, {"a": {"b": 1}}, check_mode=False)
    diff = write_values(tmp_path, name, {"a": {"c": [2]}}, check_mode=False)
    assert diff is not None
    assert "c:" in diff["after"]
    assert yaml.safe_load((tmp_path / name).read_text()) == {"a": {"b": 1, "c": [2]}}
    assert write_values(tmp_path, name, {"a": {"c": [2]}}, check_mode=False) is None


def _service(namespace: str, name: str, labels: dict[str, str], **more: Any) -> dict[str, Any]:
    selector = {"app.kubernetes.io/name": name}
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": labels, **more},
        "spec": {"selector": selector},
    }


def _deployment(namespace: str, name: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name}
    return {
        "metadata": {"namespace": namespace, "name": f"{name}-dep"},
        "spec": {"template": {"metadata": {"labels": labels}}},
    }


def test_what_alerts_are_about() -> None:
    authentik = _service("authentik", "authentik", {"app.kubernetes.io/name": "authentik"})
    blocker = _service("bots", "fountain", {})
    proxy = _service(
        "traefik", "auth-proxy", PART_OF, annotations={"resilient.traefik/target": "authentik/authentik:80"}
    )
    middlewares: list[dict[str, Any]] = [
        {"spec": {"forwardAuth": {"address": "http://auth-proxy.traefik.svc.cluster.local:9000/x"}}},
        {"spec": {"forwardAuth": {"address": "http://fountain.bots:80/"}}},
        {"spec": {"forwardAuth": {"address": "http://nobody.bots:80/"}}},
        {"spec": {"headers": {}}},
    ]
    services = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in (authentik, blocker, proxy)}
    deployments = [
        _deployment("authentik", "authentik"),
        _deployment("bots", "fountain"),
        _deployment("traefik", "auth-proxy"),
    ]
    found = targets(middlewares, services, deployments, [])
    assert found == [
        {
            "role": "auth",
            "namespace": "authentik",
            "deployment": "authentik-dep",
            "proxy_namespace": "traefik",
            "proxy_name": "auth-proxy",
        },
        {
            "role": "bot_block",
            "namespace": "bots",
            "deployment": "fountain-dep",
            "proxy_namespace": "",
            "proxy_name": "",
        },
    ]
    planned = [
        {"name": "bot-block-proxy", "namespace": "traefik", "target": {"namespace": "bots", "service": "fountain"}}
    ]
    assert targets(middlewares, services, deployments, planned)[1]["proxy_name"] == "bot-block-proxy"
