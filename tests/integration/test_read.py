"""The module read, through ansible-playbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_engine import config_map
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]


@pytest.fixture
def labelled(writer: Writer, namespace: str) -> str:
    """A namespace with three ConfigMaps, two of them of the team shop."""
    objects = [config_map(namespace, name) for name in ("one", "two", "three")]
    for item in objects[:2]:
        item["metadata"]["labels"] = {"team": "shop", "tier": item["metadata"]["name"]}
    writer.apply(objects)
    return namespace


def _names(result: dict[str, Any]) -> set[str]:
    return {item["metadata"]["name"] for item in result["objects"]} - {"kube-root-ca.crt"}


def test_many_questions_get_their_answers_in_order(player: Player, labelled: str) -> None:
    here = {"kind": "ConfigMap", "namespace": labelled}
    queries = [
        here,
        here | {"name": "three"},
        here | {"label_selectors": ["team=shop"]},
        here | {"label_selectors": ["team=shop", "tier in (two)"]},
        here | {"field_selectors": ["metadata.name=three"]},
        here | {"label_selectors": ["team=nobody"]},
        here | {"name": "four"},
        {"kind": "Namespace", "name": labelled},
        {"api_version": "none.test/v1", "kind": "None"},
    ]
    played = player.task("read", {"queries": queries})
    assert (played.outcome, played.changed) == ("ok", False), played
    results = played.result["results"]
    assert [_names(result) for result in results[:6]] == [
        {"one", "two", "three"},
        {"three"},
        {"one", "two"},
        {"two"},
        {"three"},
        set(),
    ]
    assert [result["status"] for result in results] == ["found"] * 6 + ["missing", "found", "missing"]
    assert "not found" in results[6]["message"]
    assert results[0]["objects"][0]["kind"] == "ConfigMap", "items of a list name their kind too"
    assert "managedFields" not in str(results)


def test_a_missing_permission_fails_or_is_reported(player: Player, labelled: str) -> None:
    arguments = {"queries": [{"kind": "ConfigMap", "namespace": labelled}], "impersonate_user": "nobody-at-all"}
    failing, reporting = player.play(
        {"resilient.traefik.read": arguments}, {"resilient.traefik.read": arguments | {"on_forbidden": "report"}}
    ).tasks
    assert failing.outcome == "failed"
    assert "nobody-at-all" in failing.message
    assert [result["status"] for result in reporting.result["results"]] == ["forbidden"]


def test_lists_longer_than_a_page_are_whole(writer: Writer, player: Player, namespace: str) -> None:
    wanted = [config_map(namespace, f"map-{number}", text="x" * 100) for number in range(620)]
    writer.apply(wanted)
    played = player.task("read", {"queries": [{"kind": "ConfigMap", "namespace": namespace}]})
    assert _names(played.result["results"][0]) == {item["metadata"]["name"] for item in wanted}


def test_names_that_are_no_dns_labels(writer: Writer, player: Player, cleaned: Callable[[ObjectRef], None]) -> None:
    role: Object = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"engine:{uuid4().hex[:8]}:read"},
        "rules": [],
    }
    cleaned(ref_of(role))
    writer.apply([role])
    query = {"api_version": role["apiVersion"], "kind": "ClusterRole", "name": role["metadata"]["name"]}
    played = player.task("read", {"queries": [query]})
    assert _names(played.result["results"][0]) == {role["metadata"]["name"]}
