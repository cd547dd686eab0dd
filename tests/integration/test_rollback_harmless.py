"""A rollback takes nothing away that something else needs, and ends well whatever is gone by then."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import runs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.support_engine import config_map, namespace_object, secret
from tests.integration.support_restore import MERGE_PATCH, Site, deployment, ingress

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.alone

TRAEFIK = "traefik.io/v1alpha1"


@pytest.fixture
def site(kubeconfig: Path, admin: Client, namespace: str) -> Site:
    """A namespace with a middleware that asks a Service of somebody else's, and an Ingress."""
    made = Site(admin, {"kubeconfig": str(kubeconfig)}, namespace)
    made.as_other("kubectl", _middleware(namespace, "login", "http://outpost.shop.svc:9000/auth"))
    made.as_other("kubectl", config_map(namespace, a="1", b="1"))
    made.as_other("helm", ingress(namespace, chain="a"))
    return made


@pytest.fixture
def run_id() -> str:
    """A run of the test's own."""
    return f"test-{uuid4().hex[:8]}"


def _middleware(namespace: str, name: str, address: str) -> Object:
    return {
        "apiVersion": TRAEFIK,
        "kind": "Middleware",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"forwardAuth": {"address": address}},
    }


def _proxy(namespace: str) -> list[Object]:
    """A proxy as a run brings it: what it needs it names, or is named by."""
    metadata = {"namespace": namespace}
    proxy = deployment(namespace)
    proxy["metadata"] = metadata | {"name": "proxy"}
    proxy["spec"]["template"]["spec"] |= {
        "serviceAccountName": "proxy",
        "volumes": [
            {"name": "files", "configMap": {"name": "proxy"}},
            {"name": "users", "projected": {"sources": [{"secret": {"name": "users"}}]}},
        ],
    }
    service = {"selector": {"app": "web"}, "ports": [{"port": 8080}]}
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata | {"name": "proxy"}},
        config_map(namespace, "proxy", conf="1"),
        config_map(namespace, "unused", conf="1"),
        secret(namespace, password="1") | {"metadata": metadata | {"name": "users"}},
        proxy,
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata | {"name": "proxy"}, "spec": service},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata | {"name": "proxy"},
            "spec": budget,
        },
    ]


def _harden(site: Site, run_id: str) -> str:
    run = site.run(run_id)
    run.apply(_proxy(site.namespace))
    address = f"http://proxy.{site.namespace}.svc.cluster.local:8080/auth"
    login = site.client.get(site.ref("Middleware", "login", TRAEFIK))
    run.patch([Patch(login, {"spec": {"forwardAuth": {"address": address}}})])
    return address


def _address(site: Site) -> str:
    return str(site.client.get(site.ref("Middleware", "login", TRAEFIK))["spec"]["forwardAuth"]["address"])


def test_an_address_that_was_changed_and_changed_back_is_put_back(site: Site, run_id: str) -> None:
    state, before = site.state(), _address(site)
    address = _harden(site, run_id)
    for wanted in ("http://elsewhere.test/auth", address):
        site.as_other("kubectl-patch", _middleware(site.namespace, "login", wanted), MERGE_PATCH)
    result = site.restore(run_id)
    assert result["left_alone"] == []
    assert _address(site) == before
    assert site.state() == state


def test_a_proxy_that_somebody_elses_middleware_asks_stays_whole(site: Site, run_id: str) -> None:
    before, address = _address(site), _harden(site, run_id)
    site.as_other("kubectl", _middleware(site.namespace, "another", address))
    result = site.restore(run_id)
    assert _address(site) == before
    stays = {f"{each['kind']} {each['name']}": each for each in result["left_alone"]}
    assert stays.keys() == {
        "ConfigMap proxy",
        "Deployment proxy",
        "PodDisruptionBudget proxy",
        "Secret users",
        "Service proxy",
        "ServiceAccount proxy",
    }
    service = stays["Service proxy"]
    assert service["why"] == f"is needed by Middleware {site.namespace}/another (spec.forwardAuth.address)"
    assert service["later"] == f"kubectl delete service proxy --namespace {site.namespace}"
    assert site.client.find(site.ref("ConfigMap", "unused")) is None
    assert site.client.find(site.ref("Deployment", "proxy", "apps/v1")) is not None


def test_an_address_that_somebody_changed_stays_with_what_it_needs(site: Site, run_id: str) -> None:
    address = _harden(site, run_id)
    site.as_other("editor", _middleware(site.namespace, "login", address + "?theirs=1"), MERGE_PATCH)
    result = site.restore(run_id)
    assert _address(site) == address + "?theirs=1"
    changed = f"Middleware {site.namespace}/login: spec.forwardAuth.address was changed by editor since: left as it is"
    assert changed in result["warnings"]
    assert site.client.find(site.ref("Service", "proxy")) is not None


def test_a_middleware_that_an_ingress_names_stays(site: Site, run_id: str) -> None:
    retry = {"apiVersion": TRAEFIK, "kind": "Middleware", "metadata": {"name": "retry", "namespace": site.namespace}}
    site.run(run_id).apply([retry | {"spec": {"retry": {"attempts": 2}}}])
    theirs = ingress(site.namespace)
    name = f"{site.namespace}-retry@kubernetescrd"
    theirs["metadata"]["annotations"] = {"traefik.ingress.kubernetes.io/router.middlewares": f"x@file, {name}"}
    site.as_other("editor", theirs, MERGE_PATCH)
    (left,) = site.restore(run_id)["left_alone"]
    assert left["why"].startswith(f"is needed by Ingress {site.namespace}/web")
    assert site.client.find(site.ref("Middleware", "retry", TRAEFIK)) is not None


ANOTHER_KIND = pytest.mark.variation("another kind")


@pytest.mark.parametrize(
    "kind",
    ["Secret", *(pytest.param(each, marks=ANOTHER_KIND) for each in ("ServiceAccount", "Middleware"))],
)
def test_a_namespace_in_which_somebody_keeps_anything_stays(site: Site, run_id: str, kind: str, admin: Client) -> None:
    name = f"{site.namespace}-more"
    site.run(run_id).apply([namespace_object(name), config_map(name, a="1")])
    visitor = {
        "Secret": secret(name, a="1"),
        "ServiceAccount": {"apiVersion": "v1", "kind": kind, "metadata": {"name": "visitor", "namespace": name}},
        "Middleware": _middleware(name, "visitor", "http://x.y.svc/"),
    }[kind]
    Writer(admin, check_mode=False).apply([visitor])
    (left,) = site.restore(run_id)["left_alone"]
    assert left["why"].startswith(f"is in use by others ({kind} ")
    Writer(admin, check_mode=False).delete([ObjectRef("v1", "Namespace", name)])


def test_a_namespace_with_nothing_of_others_goes(site: Site, run_id: str, admin: Client) -> None:
    name = f"{site.namespace}-more"
    site.run(run_id).apply([namespace_object(name), *_proxy(name)])
    assert site.restore(run_id)["left_alone"] == []
    wait_until_gone(admin, [ObjectRef("v1", "Namespace", name)], 60, print)


def test_what_is_gone_is_passed_over(site: Site, run_id: str, admin: Client) -> None:
    """A namespace in which the run deleted, kept, changed and created objects."""
    name = f"{site.namespace}-gone"
    there = Writer(admin, check_mode=False)
    there.apply([namespace_object(name), config_map(name, "doomed", a="1"), config_map(name, "kept", a="1")])
    run = site.run(run_id)
    run.apply([config_map(site.namespace, a="2"), config_map(name, "kept", a="2"), config_map(name, "fresh", a="1")])
    run.delete([ObjectRef("v1", "ConfigMap", "doomed", name)])
    site.snapshot(run_id, [ObjectRef("v1", "Service", "whole", name), ObjectRef("v1", "ConfigMap", "kept", name)])
    run.apply([namespace_object(name) | {"metadata": {"name": name, "labels": {"tier": "1"}}}])
    there.delete([ObjectRef("v1", "Namespace", name)])
    wait_until_gone(admin, [ObjectRef("v1", "Namespace", name)], 60, print)
    result = site.restore(run_id)
    assert {each["name"] for each in result["left_alone"]} == {"doomed", "kept", name}
    assert f"cannot come back, its namespace {name} is gone" in {each["why"] for each in result["left_alone"]}
    assert site.state()["ConfigMap settings"]["data"] == {"a": "1", "b": "1"}
    assert site.snapshot(run_id)["runs"][0]["restored"] != ""


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(each, marks=() if each in ((1, 3, 2), (3, 1, 2)) else pytest.mark.variation("another order"))
        for each in permutations((1, 2, 3))
    ],
)
def test_runs_go_back_in_any_order(site: Site, run_id: str, order: tuple[int, ...]) -> None:
    """Shared fields, an object that one creates and the next changes, one that the last deletes."""
    state, owners = site.state(), site.owners()
    names = {number: f"{run_id}-{number}" for number in order}
    site.run(names[1]).apply([config_map(site.namespace, a="2", b="2"), config_map(site.namespace, "fresh", a="1")])
    site.run(names[2]).apply([config_map(site.namespace, a="3", c="1"), config_map(site.namespace, "fresh", a="2")])
    site.run(names[3]).apply([config_map(site.namespace, a="4", c="2")])
    site.run(names[3]).delete([site.ref("Ingress", "web", "networking.k8s.io/v1"), site.ref("ConfigMap", "fresh")])
    for number in order:
        site.restore(names[number], newer="keep")
    assert site.state() == state
    assert site.owners() == owners


def test_a_rollback_is_led_forward_again(site: Site, run_id: str, admin: Client) -> None:
    start = site.state()
    _harden(site, run_id)
    hardened, owners = site.state(), site.owners()
    address, rollback = _address(site), f"back-{run_id}"
    site.restore(run_id, as_run=rollback)
    assert site.state() == start
    assert next(run for run in runs(admin) if run.run_id == rollback).undoes == (run_id,)

    assert site.restore(rollback)["left_alone"] == []
    assert (_address(site), site.owners()) == (address, owners)
    assert _without_addresses(site.state()) == _without_addresses(hardened)
    assert site.snapshot(run_id)["runs"][0]["restored"] == ""
    # It is a run like any other again, and the rollback is over.
    assert site.restore(run_id)["left_alone"] == []
    assert site.state() == start


def _without_addresses(state: dict[str, Object]) -> dict[str, Object]:
    return {
        name: item | {"spec": {key: value for key, value in item.get("spec", {}).items() if "lusterIP" not in key}}
        for name, item in state.items()
    }
