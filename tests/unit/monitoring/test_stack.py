"""Finding servers, where their files come from, and what operators' selectors take."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import helm_release_of
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.deliveries import delivery_for, detected
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.mounts import Source, rule_places, source_of
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.selectors import (
    not_taken_because,
    wanted_labels,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.server import (
    ALERTMANAGER,
    PROMETHEUS,
    Server,
    server_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.monitoring.stack import Stack, one_of

Object = dict[str, Any]
CONTAINER: Object = {
    "name": "server",
    "image": "registry.test:5000/prom/prometheus:v3.1.0@sha256:00",
    "args": ["--config.file=/etc/config/prometheus.yml", "--web.enable-lifecycle"],
    "ports": [{"name": "http", "containerPort": 9091}],
    "volumeMounts": [
        {"name": "config", "mountPath": "/etc/config"},
        {"name": "rules", "mountPath": "/etc/rules/"},
        {"name": "one", "mountPath": "/etc/one.yml", "subPath": "one.yml"},
        {"name": "all", "mountPath": "/etc/all"},
        {"name": "data", "mountPath": "/data"},
    ],
}
VOLUMES: list[Object] = [
    {"name": "config", "configMap": {"name": "prometheus-server"}},
    {"name": "rules", "configMap": {"name": "prometheus-rules", "optional": True}},
    {"name": "one", "secret": {"secretName": "single"}},
    {
        "name": "all",
        "projected": {
            "sources": [
                {"configMap": {"name": "first", "items": [{"key": "a", "path": "a.yml"}]}},
                {"secret": {"name": "second"}},
            ]
        },
    },
    {"name": "data", "emptyDir": {}},
]


def _pod(
    name: str = "prometheus-server-0", owner: str = "prometheus-server", kind: str = "StatefulSet", **container: Any
) -> Object:
    return {
        "metadata": {"name": name, "namespace": "monitoring", "ownerReferences": [{"kind": kind, "name": owner}]},
        "spec": {"containers": [{"name": "reloader", "image": "x/reload"}, CONTAINER | container], "volumes": VOLUMES},
        "status": {"phase": "Running"},
    }


def _server(**changes: Any) -> Server:
    found = server_of(_pod(**changes), PROMETHEUS)
    assert found is not None
    return found


def test_a_server_is_told_by_its_image() -> None:
    server = _server()
    assert (server.port, server.prefix, server.owner, server.container) == (9091, "", "prometheus-server", "server")
    assert server_of(_pod(), ALERTMANAGER) is None
    assert server_of(_pod(image="prom/prometheus-config-reloader:v1"), PROMETHEUS) is None
    assert server_of(_pod(image="x/bitnami-prometheus"), PROMETHEUS) is not None
    assert server_of(_pod() | {"status": {"phase": "Pending"}}, PROMETHEUS) is None
    assert _server(owner="prometheus-6d5f", kind="ReplicaSet").owner == "prometheus"


@pytest.mark.parametrize(
    ("args", "port", "prefix"),
    [
        (["--web.listen-address=:9999", "--web.route-prefix=/p/"], 9999, "/p"),
        (["--web.external-url=https://sites.test/prometheus"], 9091, "/prometheus"),
        (["--web.external-url=https://sites.test/prometheus", "--web.route-prefix=/"], 9091, ""),
    ],
)
def test_where_it_is_asked(args: list[str], port: int, prefix: str) -> None:
    server = _server(args=args)
    assert (server.port, server.prefix) == (port, prefix)


def test_several_are_not_guessed_among() -> None:
    replicas = [_server(name="prometheus-server-1"), _server()]
    assert [each.name for each in one_of(replicas, PROMETHEUS)[0]] == ["prometheus-server-0", "prometheus-server-1"]
    both, fault = one_of([*replicas, _server(name="other-0", owner="other")], PROMETHEUS)
    assert both == []
    assert "monitoring/other, monitoring/prometheus-server; say by namespace and label_selectors which" in fault
    assert "no pod of Prometheus runs here" in one_of([], PROMETHEUS)[1]


def _ref(kind: str, name: str) -> ObjectRef:
    return ObjectRef("v1", kind, name, "monitoring")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/etc/config/prometheus.yml", ("ConfigMap", "prometheus-server", "prometheus.yml", False)),
        ("/etc/one.yml", ("Secret", "single", "one.yml", True)),
        ("/etc/all/a.yml", ("ConfigMap", "first", "a", False)),
        ("/etc/all/b.yml", ("Secret", "second", "b.yml", False)),
    ],
)
def test_where_a_file_comes_from(path: str, source: tuple[str, str, str, bool]) -> None:
    kind, name, key, fixed = source
    assert source_of(_server(), path) == Source(_ref(kind, name), key, path, fixed)


def test_files_of_no_object() -> None:
    assert source_of(_server(), "/data/x.yml") is None
    assert source_of(_server(), "/etc/prometheus/prometheus.yml") is None


def test_where_a_rule_file_would_be_read() -> None:
    globs = ["/etc/rules/*.yml", "/etc/config/alerting_rules.yml", "/data/*.yml", "/etc/all/*.yml"]
    (place,) = rule_places(_server(), globs, "ours.yml")
    assert (place.ref, place.key) == (_ref("ConfigMap", "prometheus-rules"), "ours.yml")
    assert rule_places(_server(), ["/etc/rules/*.yaml"], "ours.yml") == []


def test_the_delivery_that_fits() -> None:
    server = _server()
    place = Source(_ref("ConfigMap", "prometheus-rules"), "k", "/etc/rules/k")
    operator = {"kind": "Prometheus", "metadata": {}, "spec": {}}
    released = {"monitoring/prometheus-server": "monitoring/prometheus"}
    assert detected(Stack(prometheus=[server], rule_kinds={"PrometheusRule"}), [place]) == "configmap"
    assert detected(Stack([server], rule_kinds={"PrometheusRule"}, prometheus_objects=[operator]), [place]) == (
        "prometheusrule"
    )
    assert detected(Stack(rule_kinds={"VMRule"}, vm_alerts=[operator]), []) == "vmrule"
    assert detected(Stack([server], releases=released), []) == "helm_values_prometheus"
    assert detected(Stack([server]), []) == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"delivery": "prometheusrule"}, "has no PrometheusRule (monitoring.coreos.com/v1): install the operator"),
        ({"delivery": "vmrule"}, "has no VMRule"),
        ({"delivery": "helm_values_kube_prometheus_stack"}, "was not brought by a Helm release"),
        ({"delivery": "files"}, "files_to: files are written for somebody else"),
        ({"delivery": "configmap"}, "no pod of Prometheus"),
        ({"delivery": "auto"}, "none fits what runs here"),
    ],
)
def test_deliveries_that_a_cluster_has_nothing_for(given: dict[str, str], words: str) -> None:
    """Told without asking anything more of the cluster: nothing answers here."""
    nobody = Client({"host": "https://127.0.0.1:1", "api_key": "none"})
    stack = Stack(faults={PROMETHEUS: "prometheus: no pod of Prometheus runs here"})
    params = {"name": "n", "labels": {}, "config_map": {"name": "", "key": "k"}, "rules_namespace": None} | given
    delivery = delivery_for(nobody, stack, params)
    assert words in " ".join(delivery.faults)


def _taker(kind: str = "Prometheus", **spec: Any) -> Object:
    return {"kind": kind, "metadata": {"namespace": "monitoring", "name": "k8s"}, "spec": spec}


RELEASE = {"matchLabels": {"release": "stack"}}


@pytest.mark.parametrize(
    ("taker", "words"),
    [
        (_taker(ruleSelector={}), ""),
        (_taker(ruleSelector=RELEASE), ""),
        (_taker(), "takes no rules at all"),
        (_taker(ruleSelector={"matchLabels": {"release": "x"}}), "takes rules with release=x"),
        (_taker(ruleSelector={"matchExpressions": [{"key": "a", "operator": "Exists"}]}), "takes rules with a"),
        (_taker(ruleSelector={"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}), ""),
        (_taker(ruleSelector={}, ruleNamespaceSelector={}), ""),
        (_taker(ruleSelector={}, ruleNamespaceSelector={"matchLabels": {"team": "b"}}), "namespaces with team=b"),
        (_taker(ruleSelector={}, ruleNamespaceSelector={"matchLabels": {"team": "a"}}), ""),
        (_taker("VMAlert"), "selectAllByDefault is off"),
        (_taker("VMAlert", selectAllByDefault=True), ""),
        (_taker("VMAlert", ruleNamespaceSelector={}), ""),
    ],
)
def test_what_an_operator_takes(taker: Object, words: str) -> None:
    reason = not_taken_because(taker, {"release": "stack"}, "monitoring", {"team": "a"})
    assert words in reason
    assert bool(words) is bool(reason)


def test_labels_and_namespace_that_an_operator_asks_for() -> None:
    assert wanted_labels(_taker(ruleSelector=RELEASE)) == {"release": "stack"}
    assert "its own namespace only" in not_taken_because(_taker(ruleSelector={}), {}, "elsewhere", {})


def test_the_release_of_an_object() -> None:
    annotations = {"meta.helm.sh/release-name": "prometheus", "meta.helm.sh/release-namespace": "monitoring"}
    assert helm_release_of({"metadata": {"annotations": annotations}}) == "monitoring/prometheus"
    assert helm_release_of({"metadata": {}}) == ""
