"""The module access_info, through ansible-playbook."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.access import Right, missing_rights, rights
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from tests.integration.support_account import least_privilege_client, manifest
from tests.integration.support_engine import Audited
from tests.integration.support_playbook import AS_MODULE, BOTH_WAYS, IN_PROCESS, Played, Player
from tests.integration.support_rights import May, rule

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_rights_fixtures"]

REMEDY = "add it to the account's Role, docs/rbac.yaml has all"


def ask(player: Player, *items: dict[str, Any], **more: Any) -> Played:
    """One task of the module. Ways of playing are told from options by their names."""
    ways = {name: more.pop(name) for name in ("way", "check") if name in more}
    return player.task("access_info", {"rights": list(items), **more}, **ways)


def settled(client: Client, *present: Right) -> None:
    """Returns once the authorizer has seen what was granted: it follows the API with some delay."""
    assert any(not missing_rights(client, present) for _left in tries(30)), "the rights were never granted"


def test_an_account_with_all_rights_lacks_nothing(player: Player) -> None:
    played = ask(player, {"verbs": ["get", "patch"], "resources": ["nodes", "deployments.apps", "pods/portforward"]})
    assert (played.outcome, played.changed) == ("ok", False), played
    assert (played.result["allowed"], played.result["findings"], played.result["missing"]) == (True, [], [])


def test_what_is_missing_is_named_with_its_place(player: Player, may: May, namespace: str) -> None:
    granted = [rule("apps", "deployments", "get patch"), rule("", "pods/log", "get")]
    user = may(granted, namespace)
    settled(Client(player.defaults | user), Right("get", "pods/log", namespace))
    played = ask(
        player,
        {"verbs": ["get", "patch", "delete"], "resources": ["deployments.apps"], "namespace": namespace},
        {"verbs": ["get"], "resources": ["pods/log", "pods"], "namespace": namespace},
        {"verbs": ["get", "patch"], "resources": ["deployments.apps"], "namespace": "traefik"},
        {"verbs": ["list"], "resources": ["nodes"]},
        {"verbs": ["get"], "resources": ["secrets"], "namespace": namespace, "name": "users"},
        **user,
    )
    assert played.outcome == "ok", played.message
    assert played.result["allowed"] is False
    assert played.result["findings"] == [
        f"no right to delete deployments.apps in namespace {namespace}: {REMEDY}",
        f"no right to get pods in namespace {namespace}: {REMEDY}",
        f"no right to get and patch deployments.apps in namespace traefik: {REMEDY}",
        f"no right to list nodes in the whole cluster: {REMEDY}",
        f"no right to get secrets users in namespace {namespace}: {REMEDY}",
    ]
    assert played.result["missing"][0] == {
        "verb": "delete",
        "resource": "deployments.apps",
        "namespace": namespace,
        "name": "",
    }


def test_the_account_of_the_documentation_has_what_its_manifest_says(admin: Client) -> None:
    """The questions are read from the manifest, and every one is answered with yes in its place."""
    client = least_privilege_client(admin)
    items = manifest()
    rules = {item["metadata"]["name"]: item["rules"] for item in items if "rules" in item}
    wanted = [
        right
        for item in items
        if "roleRef" in item
        for given in rules[item["roleRef"]["name"]]
        for group in given["apiGroups"]
        for name in given.get("resourceNames", [""])
        for right in rights(
            given["verbs"],
            [_with_group(resource, group) for resource in given["resources"]],
            item["metadata"].get("namespace", ""),
            name,
        )
    ]
    assert len(wanted) > 50
    settled(client, *wanted)
    assert missing_rights(client, [*wanted, Right("delete", "nodes")]) == [Right("delete", "nodes")]


def _with_group(resource: str, group: str) -> str:
    plural, slash, subresource = resource.partition("/")
    return (f"{plural}.{group}" if group else plural) + slash + subresource


@BOTH_WAYS
def test_it_writes_nothing_and_answers_the_same_either_way(audited: Audited, namespace: str) -> None:
    wanted = {"verbs": ["get"], "resources": ["configmaps"], "namespace": namespace}
    results = [
        ask(audited.player(), wanted, check=checking, way=way)
        for checking in (True, False)
        for way in (IN_PROCESS, AS_MODULE)
    ]
    assert {(played.outcome, played.changed, played.result["allowed"]) for played in results} == {("ok", False, True)}
    assert audited.writes() == []


def test_what_cannot_be_is_said(player: Player) -> None:
    cases: list[tuple[list[dict[str, Any]], str]] = [
        ([], "rights: give at least one"),
        ([{"verbs": [], "resources": ["pods"]}], "rights: item 1 has no verbs"),
        ([{"verbs": ["get"], "resources": []}], "rights: item 1 has no resources"),
        ([{"verbs": ["get"], "resources": [".apps"]}], "'.apps' is no resource such as"),
        ([{"verbs": ["get"]}], "missing required arguments: resources found in rights"),
    ]
    play = player.play(*({"resilient.traefik.access_info": {"rights": given}} for given, _told in cases))
    for played, (given, told) in zip(play.tasks, cases, strict=True):
        assert played.outcome == "failed", given
        assert told in played.message
