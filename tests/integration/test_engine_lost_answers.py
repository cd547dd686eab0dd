"""A write that the API server did and whose answer was lost is recognised as done, and never done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import Journal, runs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.own_namespace import NAMESPACE
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.support_engine import config_map, namespace_object, remove, secret
from tests.integration.support_proxy import LOST, Injected, Seen, answering

pytest_plugins = ["tests.integration.support_fixtures"]

Losing = Callable[..., Any]


@pytest.fixture
def losing(admin: Client, tmp_path: Path) -> Losing:
    """Makes a client whose first request by a method, dry runs left out, is carried out and never answered.

    ``meanwhile`` is called once that was done.
    """

    @contextmanager
    def make(method: str, meanwhile: Callable[[], None] = lambda: None) -> Iterator[tuple[Client, list[Seen]]]:
        lost: list[str] = []

        def inject(_number: int, seen_method: str, path: str) -> Injected | None:
            if seen_method != method or "dryRun" in path:
                return None
            lost.append(path)
            if len(lost) == 2:
                meanwhile()
            return LOST if len(lost) == 1 else None

        with answering(admin, inject, tmp_path) as (url, seen):
            yield Client({"host": url, "api_key": "not-looked-at", "validate_certs": False}), seen

    return make


def _sent(seen: list[Seen], method: str) -> list[int]:
    return [each.status for each in seen if each.method == method and "dryRun" not in each.path]


def _patched_by(admin: Client, ref: ObjectRef, change: Object) -> None:
    Writer(admin, check_mode=False).patch([Patch(admin.get(ref), change)])


def test_a_created_object_is_taken_for_what_was_sent(admin: Client, namespace: str, losing: Losing) -> None:
    for item in (config_map(namespace, greeting="hello"), secret(namespace, password="p"), _service(namespace)):
        with losing("POST") as (client, seen):
            (change,) = Writer(client, check_mode=False).create(item).changes
        assert _sent(seen, "POST") in ([201, 409], [201, 422])
        assert change.written
        assert change.after == admin.get(ref_of(item))


def _service(namespace: str) -> Object:
    """One whose port of the nodes is taken by itself the second time."""
    metadata = {"name": "web", "namespace": namespace}
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 31987}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def test_an_object_of_somebody_else_is_not_taken_for_ours(admin: Client, namespace: str, losing: Losing) -> None:
    item = config_map(namespace, greeting="hello")
    ref = ref_of(item)
    with (
        losing("POST", lambda: _patched_by(admin, ref, {"data": {"greeting": "bye"}})) as (client, _seen),
        pytest.raises(errors.WriteFailed, match="already exists"),
    ):
        Writer(client, check_mode=False).create(item)
    assert admin.get(ref)["data"] == {"greeting": "bye"}


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"greeting": "bye", "old": None}},
        [{"op": "replace", "path": "/data/greeting", "value": "bye"}, {"op": "remove", "path": "/data/old"}],
    ],
    ids=["merge patch", "JSON patch"],
)
def test_a_patched_object_has_what_the_patch_wants(admin: Client, namespace: str, losing: Losing, body: Any) -> None:
    item = config_map(namespace, greeting="hello", old="x")
    ref = ref_of(item)
    Writer(admin, check_mode=False).apply([item])
    seen_before = admin.get(ref)

    def others_write() -> None:
        _patched_by(admin, ref, {"data": {"other": "1"}})

    with losing("PATCH", others_write) as (client, seen):
        (change,) = Writer(client, check_mode=False).patch([Patch(seen_before, body)]).changes
    # What a JSON patch removes is missing the second time, and that is seen before the version.
    assert _sent(seen, "PATCH") in ([200, 409], [200, 422])
    assert change.written
    assert admin.get(ref)["data"] == {"greeting": "bye", "other": "1"}


def test_a_patch_that_others_undid_since_is_a_conflict(admin: Client, namespace: str, losing: Losing) -> None:
    item = config_map(namespace, greeting="hello")
    ref = ref_of(item)
    Writer(admin, check_mode=False).apply([item])
    with (
        losing("PATCH", lambda: _patched_by(admin, ref, {"data": {"greeting": "no"}})) as (client, _seen),
        pytest.raises(errors.WriteFailed, match="the object has been modified"),
    ):
        Writer(client, check_mode=False).patch([Patch(admin.get(ref), {"data": {"greeting": "bye"}})])
    assert admin.get(ref)["data"] == {"greeting": "no"}


def test_an_applied_object_is_applied_once_more(admin: Client, namespace: str, losing: Losing) -> None:
    item = config_map(namespace, greeting="hello")
    with losing("PATCH") as (client, seen):
        Writer(client, check_mode=False).apply([item])
    assert _sent(seen, "PATCH") == [201, 200]
    assert admin.get(ref_of(item))["data"] == {"greeting": "hello"}


def test_a_deleted_object_is_not_deleted_again(admin: Client, namespace: str, losing: Losing) -> None:
    item = config_map(namespace, greeting="hello")
    ref = ref_of(item)
    Writer(admin, check_mode=False).apply([item])
    with losing("DELETE") as (client, seen):
        Writer(client, check_mode=False).delete([ref])
    assert _sent(seen, "DELETE") == [200, 404]
    Writer(admin, check_mode=False).apply([item])
    anew: list[str] = []

    def somebody_creates_it() -> None:
        Writer(admin, check_mode=False).apply([item])
        anew.append(admin.get(ref)["metadata"]["uid"])

    with losing("DELETE", somebody_creates_it) as (client, seen):
        Writer(client, check_mode=False).delete([ref])
    assert _sent(seen, "DELETE") == [200, 409]
    assert [admin.get(ref)["metadata"]["uid"]] == anew, "the one that came since"


def test_a_namespace_on_its_way_out_is_deleted(admin: Client, namespace: str, losing: Losing) -> None:
    item = namespace_object(f"{namespace}-more")
    Writer(admin, check_mode=False).apply([item])
    with losing("DELETE") as (client, seen):
        Writer(client, check_mode=False).delete([ref_of(item)])
    assert _sent(seen, "DELETE")[0] == 200
    assert len(_sent(seen, "DELETE")) == 2


def test_a_pod_is_evicted_once(admin: Client, namespace: str, losing: Losing) -> None:
    """A pod that was never scheduled goes at once, and one of the same name comes in its place."""
    spec = {
        "nodeSelector": {"no.test/node": "1"},
        "containers": [{"name": "none", "image": "registry.test/none:1"}],
        "automountServiceAccountToken": False,
    }
    metadata = {"name": "only", "namespace": namespace}
    item: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    ref = ref_of(item)
    Writer(admin, check_mode=False).create(item)
    anew: list[str] = []

    def its_controller_creates_it() -> None:
        Writer(admin, check_mode=False).create(item)
        anew.append(admin.get(ref)["metadata"]["uid"])

    with losing("POST", its_controller_creates_it) as (client, seen):
        Writer(client, check_mode=False).evict([ref])
    assert _sent(seen, "POST") == [201, 409]
    assert [admin.get(ref)["metadata"]["uid"]] == anew


def test_a_part_of_the_journal_is_stored_once(admin: Client, namespace: str, losing: Losing) -> None:
    run_id = f"lost-{namespace}"[:50].rstrip("-")
    ref = ref_of(config_map(namespace))
    with losing("POST") as (client, seen):
        Journal(client, run_id).record_states([(ref, None)])
    try:
        assert _sent(seen, "POST") == [201, 409]
        (run,) = runs(admin, run_id)
        assert [entry.records for entry in run.entries] == [1]
        assert admin.find(ObjectRef("v1", "Secret", f"journal-{run_id}-1", NAMESPACE)) is None
    finally:
        remove(admin, ObjectRef("v1", "Secret", f"journal-{run_id}-0", NAMESPACE))
