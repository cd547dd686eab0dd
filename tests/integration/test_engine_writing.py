"""The one writer against the real API server: order, conflicts, stops, and values that must not show as a change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_gone
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.lab_cluster import eventually
from tests.integration.support_engine import Audited, config_map, namespace_object, remove

pytest_plugins = ["tests.integration.support_fixtures"]


def _silent(line: str) -> None:
    del line


def _changes(writer: Writer, *objects: Object) -> list[str]:
    return [change.change for change in writer.apply(copy.deepcopy(list(objects))).changes]


def _as_other_manager(admin: Client, item: Object, manager: str) -> None:
    query = {"fieldManager": manager, "force": "true"}
    admin.request(
        "PATCH", admin.path(ref_of(item)), query=query, body=item, content_type="application/apply-patch+yaml"
    )


def _definition(group: str) -> Object:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"},
            "versions": [version],
        },
    }


def _gadget(group: str, namespace: str, **spec: Any) -> Object:
    metadata = {"name": "one", "namespace": namespace}
    return {"apiVersion": f"{group}/v1", "kind": "Gadget", "metadata": metadata, "spec": spec}


@pytest.fixture
def group(cleaned: Callable[[ObjectRef], None]) -> str:
    """An API group of the test's own; its definition is removed in the end."""
    name = f"g{uuid4().hex[:8]}.test"
    cleaned(ref_of(_definition(name)))
    return name


def test_a_namespace_and_its_objects_come_in_one_set(
    admin: Client, writer: Writer, cleaned: Callable[[ObjectRef], None]
) -> None:
    namespace = f"engine-{uuid4().hex[:8]}"
    cleaned(ObjectRef("v1", "Namespace", namespace))
    objects = [config_map(namespace, greeting="hello"), namespace_object(namespace)]
    assert _changes(Writer(admin, check_mode=True), *objects) == ["created", "created"]
    assert admin.find(ref_of(objects[1])) is None
    assert _changes(writer, *objects) == ["created", "created"]
    assert _changes(writer, *objects) == ["unchanged", "unchanged"]


def test_a_definition_and_its_custom_resource_come_in_one_set(
    admin: Client, writer: Writer, namespace: str, group: str
) -> None:
    objects = [_gadget(group, namespace, size=1), _definition(group)]
    assert _changes(Writer(admin, check_mode=True), *objects) == ["created", "created"]
    assert _changes(writer, *objects) == ["created", "created"]
    assert _changes(Writer(admin, check_mode=False), *objects) == ["unchanged", "unchanged"]


def test_a_missing_definition_is_named(writer: Writer, namespace: str, group: str) -> None:
    with pytest.raises(errors.NotFound, match=r"Gadget.*serves no such kind.*CustomResourceDefinition"):
        writer.apply([_gadget(group, namespace)])


def test_another_managers_field_is_left_alone_until_forced(admin: Client, writer: Writer, namespace: str) -> None:
    _as_other_manager(admin, config_map(namespace, greeting="theirs"), "gitops")
    ours = config_map(namespace, greeting="ours", own="yes")
    with pytest.raises(errors.Conflict) as raised:
        writer.apply([ours])
    message = str(raised.value)
    assert f"ConfigMap {namespace}/settings" in message
    assert ".data.greeting" in message
    assert "gitops" in message
    assert "on_conflict: force" in message
    found = admin.get(ref_of(ours))
    assert found["data"] == {"greeting": "theirs"}

    assert _changes(Writer(admin, check_mode=False, force=True), ours) == ["updated"]
    assert admin.get(ref_of(ours))["data"] == {"greeting": "ours", "own": "yes"}
    assert _changes(writer, ours) == ["unchanged"]


def test_a_field_that_is_no_longer_given_goes_and_others_stay(admin: Client, writer: Writer, namespace: str) -> None:
    _as_other_manager(admin, config_map(namespace, theirs="stays"), "gitops")
    writer.apply([config_map(namespace, ours="goes", kept="yes")])
    assert _changes(writer, config_map(namespace, kept="yes")) == ["updated"]
    assert admin.get(ObjectRef("v1", "ConfigMap", "settings", namespace))["data"] == {"theirs": "stays", "kept": "yes"}


def test_a_refused_object_stops_the_set_before_its_first_write(audited: Audited, namespace: str) -> None:
    good, bad = config_map(namespace), config_map(namespace, "Not_A_Name")
    with pytest.raises(errors.Invalid, match="Not_A_Name"):
        Writer(audited.client(), check_mode=False).apply([good, bad])
    assert audited.writes() == []


def test_an_unknown_field_is_refused_at_once_with_its_path(audited: Audited, namespace: str) -> None:
    """The API server answers 500, as if it might go another time."""
    service = _service(namespace, "one")
    service["spec"]["prots"] = []
    with pytest.raises(
        errors.Invalid, match=rf"Service {namespace}/one: .*\.spec\.prots: field not declared in schema"
    ):
        Writer(audited.client(), check_mode=False).apply([service])
    assert audited.writes() == []


def test_the_first_failing_write_stops_and_says_what_was_written(
    admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]
) -> None:
    """A quota lets every dry run pass (they count nothing) and refuses the real writes from the third on."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": namespace},
        "spec": {"hard": {"services": "2"}},
    }
    writer = Writer(admin, check_mode=False)
    writer.apply([quota])
    eventually(lambda: admin.get(ref_of(quota)).get("status", {}).get("hard"), "the quota is counted")
    services = [_service(namespace, f"service-{number}") for number in range(4)]
    with pytest.raises(errors.WriteFailed) as raised:
        writer.apply([config_map(namespace), *services, _ingress(namespace)])
    results = {result["name"]: result for result in raised.value.results}
    assert results["settings"]["written"]
    assert not results["shop"]["written"], "an Ingress comes after the Services that it needs"
    assert sum(results[service["metadata"]["name"]]["written"] for service in services) == 2
    assert [result for result in raised.value.results if "exceeded quota" in result.get("error", "")]
    assert "3 objects were written and 3 were not" in str(raised.value)
    assert admin.find(ObjectRef("networking.k8s.io/v1", "Ingress", "shop", namespace)) is None


def test_a_terminating_namespace_is_said_to_be_one(admin: Client, writer: Writer, namespace: str) -> None:
    held = config_map(namespace, "held")
    held["metadata"]["finalizers"] = ["engine.test/hold"]
    writer.apply([held])
    remove(admin, ObjectRef("v1", "Namespace", namespace))
    try:
        with pytest.raises(errors.Forbidden, match="being terminated"):
            writer.apply([config_map(namespace, "late")])
        with pytest.raises(errors.WaitTimeout, match=f"Namespace {namespace}: still there"):
            wait_until_gone(admin, [ObjectRef("v1", "Namespace", namespace)], 0.3, _silent)
    finally:
        admin.request(
            "PATCH",
            admin.path(ref_of(held)),
            body={"metadata": {"finalizers": None}},
            content_type="application/merge-patch+json",
        )


def test_objects_of_900_kilobytes(admin: Client, writer: Writer, namespace: str) -> None:
    large = config_map(namespace, text="x" * 900_000)
    assert _changes(writer, large) == ["created"]
    assert _changes(writer, large) == ["unchanged"]
    assert len(admin.get(ref_of(large))["data"]["text"]) == 900_000
    with pytest.raises(errors.Invalid, match=f"ConfigMap {namespace}/larger"):
        writer.apply([config_map(namespace, "larger", text="x" * 1_100_000)])


def test_large_numbers_and_empty_values_stay_what_they_are(
    admin: Client, writer: Writer, namespace: str, group: str
) -> None:
    spec = {"large": 2**63 - 1, "negative": -(2**63), "half": 0.5, "empty": {}, "list": [], "text": "", "no": False}
    writer.apply([_definition(group), _gadget(group, namespace, **spec)])
    assert admin.get(ref_of(_gadget(group, namespace)))["spec"] == spec
    assert _changes(writer, _gadget(group, namespace, **spec)) == ["unchanged"]


def test_defaults_and_quantities_are_no_change(writer: Writer, namespace: str) -> None:
    def deployment(cpu: str, memory: str) -> Object:
        container = {
            "name": "main",
            "image": "nothing.test/none",
            "resources": {"requests": {"cpu": cpu, "memory": memory}},
            "ports": [{"containerPort": 80}],
            "env": [],
        }
        labels = {"app": "none"}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "none", "namespace": namespace, "annotations": {}, "labels": {}},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [container], "nodeSelector": {}, "securityContext": {}},
                },
            },
        }

    assert _changes(writer, deployment("1", "1Gi")) == ["created"]
    assert _changes(writer, deployment("1", "1Gi")) == ["unchanged"]
    assert _changes(writer, deployment("1000m", "1024Mi")) == ["unchanged"]
    assert _changes(writer, deployment("1001m", "1024Mi")) == ["updated"]


def test_names_that_are_no_dns_labels(admin: Client, writer: Writer, cleaned: Callable[[ObjectRef], None]) -> None:
    name = f"engine:{uuid4().hex[:8]}"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
    }
    cleaned(ref_of(role))
    assert _changes(writer, role) == ["created"]
    assert _changes(writer, role) == ["unchanged"]
    assert admin.get(ref_of(role))["metadata"]["name"] == name
    assert admin.find(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "system:node")) is not None
    assert [change.change for change in writer.delete([ref_of(role)]).changes] == ["deleted"]


def test_a_scope_that_does_not_fit_is_an_argument_error(writer: Writer, namespace: str) -> None:
    homeless = config_map(namespace)
    del homeless["metadata"]["namespace"]
    with pytest.raises(errors.BadArgument, match="lives in a namespace"):
        writer.apply([homeless])
    nested = namespace_object("inner") | {"metadata": {"name": "inner", "namespace": namespace}}
    with pytest.raises(errors.BadArgument, match="cluster-wide"):
        writer.apply([nested])


def test_the_same_object_twice_in_a_set_is_refused(audited: Audited, namespace: str) -> None:
    with pytest.raises(errors.BadArgument, match=f"ConfigMap {namespace}/settings: given more than once"):
        Writer(audited.client(), check_mode=False).apply([config_map(namespace), config_map(namespace, a="b")])
    assert audited.writes() == []


def test_deleting_what_is_not_there_is_no_failure(admin: Client, writer: Writer, namespace: str, group: str) -> None:
    present, absent = config_map(namespace, "present"), config_map(namespace, "absent")
    writer.apply([present])
    refs = [ref_of(present), ref_of(absent), ref_of(_gadget(group, namespace))]
    assert [change.change for change in Writer(admin, check_mode=True).delete(refs).changes] == [
        "deleted",
        "absent",
        "absent",
    ]
    assert admin.find(ref_of(present)) is not None
    writer.delete(refs)
    assert [change.change for change in writer.delete(refs).changes] == ["absent"] * 3


def _service(namespace: str, name: str) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def _ingress(namespace: str) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"defaultBackend": {"service": {"name": "service-0", "port": {"number": 80}}}},
    }


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_patch_of_an_outdated_object_is_worked_out_anew(check_mode: bool, admin: Client, namespace: str) -> None:
    Writer(admin, check_mode=False).apply([config_map(namespace, a="1")])
    ref = ref_of(config_map(namespace))
    outdated = admin.get(ref)
    Writer(admin, check_mode=False).apply([config_map(namespace, a="2")])

    def patch(seen: Object) -> Patch:
        return Patch(seen, {"data": {"a": seen["data"]["a"] + " and more"}}, again=patch)

    outcome = Writer(admin, check_mode=check_mode).patch([patch(outdated)])
    assert [change.change for change in outcome.changes] == ["updated"]
    assert admin.get(ref)["data"] == {"a": "2" if check_mode else "2 and more"}

    with pytest.raises(errors.Conflict):
        Writer(admin, check_mode=check_mode).patch([Patch(outdated, {"data": {"a": "3"}})])
