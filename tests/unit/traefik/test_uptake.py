"""The probe of changed Ingresses and IngressRoutes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.naming import CHAIN_ANNOTATION, CLASS_ANNOTATION
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probe import EXPIRES_LABEL, Probe, Setting
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.probing import Unprovable
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.uptake import probe_of_changes

SETTING = Setting("traefik", 99)
ROUTER = "traefik.ingress.kubernetes.io/router."


def _ingress(namespace: str, service: str = "web", **spec: Any) -> Object:
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": service}}}]
    rules = [{"host": "a.test", "http": {"paths": paths}}]
    metadata = {"name": "site", "namespace": namespace, "labels": {"app": "site"}}
    api_version = "networking.k8s.io/v1"
    return {"apiVersion": api_version, "kind": "Ingress", "metadata": metadata, "spec": {"rules": rules} | spec}


def _route(namespace: str) -> Object:
    metadata = {"name": "site", "namespace": namespace}
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": metadata, "spec": {"routes": []}}


def _probe(*changed: Object, **settings: str) -> Probe:
    return probe_of_changes(changed, {name.replace("_", "."): value for name, value in settings.items()}, "t", SETTING)


def _made(probe: Probe) -> list[str]:
    return [f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}" for item in probe.objects]


def test_one_watch_of_all_namespaces_needs_one_control() -> None:
    probe = _probe(_route("a"), _route("b"))
    assert _made(probe) == ["Middleware a/resilient-probe-t", "IngressRoute a/resilient-probe-t"]
    assert [question.about for question in probe.questions] == [None]


def test_each_watched_namespace_needs_its_own() -> None:
    probe = _probe(_route("a"), _route("b"), _route("a"), providers_kubernetescrd_namespaces="a,b")
    assert [name for name in _made(probe) if name.startswith("IngressRoute")] == [
        "IngressRoute a/resilient-probe-t",
        "IngressRoute b/resilient-probe-t",
    ]
    assert len({question.path for question in probe.questions}) == 1


def test_an_ingress_beside_the_changed_one_whose_requests_are_stopped() -> None:
    settings = {"providers_kubernetesingress_labelselector": "tier=a"}
    probe = _probe(_ingress("shop", ingressClassName="edge"), **settings)
    *_control, made = probe.objects
    assert made["metadata"]["labels"] == {
        "tier": "a",
        EXPIRES_LABEL: "99",
        "app.kubernetes.io/managed-by": "resilient.traefik",
    }
    assert made["metadata"]["annotations"] == {
        CHAIN_ANNOTATION: "shop-resilient-probe-t@kubernetescrd",
        f"{ROUTER}entrypoints": "traefik",
        f"{ROUTER}priority": "1000000000",
    }
    assert made["spec"]["ingressClassName"] == "edge"
    ((path,),) = [rule["http"]["paths"] for rule in made["spec"]["rules"]]
    assert path["backend"] == {"service": {"name": "web"}}
    assert (path["path"], path["pathType"]) == (probe.questions[-1].path, "Exact")


def test_the_class_may_be_an_annotation() -> None:
    item = _ingress("shop")
    item["metadata"]["annotations"] = {CLASS_ANNOTATION: "edge", "other": "1"}
    made = _probe(item).objects[-1]
    assert made["metadata"]["annotations"][CLASS_ANNOTATION] == "edge"
    assert "other" not in made["metadata"]["annotations"]
    assert "ingressClassName" not in made["spec"]


def test_a_few_backends_of_which_one_has_to_answer() -> None:
    items = [_ingress(f"n{number % 2}", f"web-{number}") for number in range(20)]
    probe = _probe(*items, *items, _ingress("n0", "web-0"))
    made = [item for item in probe.objects if item["kind"] == "Ingress"]
    assert len(made) == len({item["metadata"]["name"] for item in made}) == 5
    assert {question.group for question in probe.questions} == {"", "n0"}


def test_backends_of_each_watched_namespace() -> None:
    settings = {"providers_kubernetesingress_namespaces": "a,b"}
    probe = _probe(_ingress("a"), _ingress("b"), _route("c"), **settings)
    assert {question.group for question in probe.questions} == {"", "a", "b"}
    stops = {item["metadata"]["annotations"][CHAIN_ANNOTATION] for item in probe.objects if item["kind"] == "Ingress"}
    assert stops == {"c-resilient-probe-t@kubernetescrd"}, "one stopping middleware will do"


def test_labels_that_cannot_be_met() -> None:
    with pytest.raises(Unprovable, match="more than equalities"):
        _probe(_ingress("a"), providers_kubernetesingress_labelselector="tier in (a)")
