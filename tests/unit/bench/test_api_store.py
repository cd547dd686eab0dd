"""The bench's API server answers as a real one: what is measured beside it must have all that it asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.api_store import Store
from tests.unit.audit.well import well

SERVICES = "/api/v1/services"


@pytest.fixture(scope="module")
def store() -> Store:
    return Store(well().objects.values())


def _of(store: Store, target: str) -> Any:
    code, body = store.answer(target)
    assert code == 200
    return json.loads(body)


def test_a_list_comes_in_pages_that_make_the_whole(store: Store) -> None:
    whole = _of(store, SERVICES)
    assert "continue" not in whole["metadata"]
    first = _of(store, f"{SERVICES}?limit=4")
    following = _of(store, f"{SERVICES}?limit=500&continue={first['metadata']['continue']}")
    assert first["metadata"]["remainingItemCount"] == len(following["items"])
    assert [*first["items"], *following["items"]] == whole["items"]


def test_a_namespace_and_labels_choose(store: Store) -> None:
    chosen = _of(store, "/api/v1/namespaces/traefik/pods?labelSelector=app%3Dtraefik")["items"]
    assert [each["metadata"]["name"] for each in chosen] == [f"traefik-abc12-{number}" for number in range(3)]


def test_one_object_has_what_an_api_server_adds(store: Store) -> None:
    found = _of(store, "/apis/traefik.io/v1alpha1/namespaces/traefik/middlewares/retry")
    assert found["spec"]["retry"]["attempts"] == 8
    assert found["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:retry"]["f:attempts"] == {}


def test_discovery_names_the_kinds_that_are_there(store: Store) -> None:
    kinds = {each["kind"]: each["name"] for each in _of(store, "/apis/monitoring.coreos.com/v1")["resources"]}
    assert kinds["Prometheus"] == "prometheuses"
    assert "traefik.io" in {each["name"] for each in _of(store, "/apis")["groups"]}


@pytest.mark.parametrize("target", ["/apis/traefik.containo.us/v1alpha1", f"{SERVICES[:-1]}x", "/api/v1/nodes/none"])
def test_what_is_not_there_is_not_found(store: Store, target: str) -> None:
    code, body = store.answer(target)
    assert code == 404
    assert json.loads(body)["kind"] == "Status"
