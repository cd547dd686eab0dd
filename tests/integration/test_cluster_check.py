"""The module cluster_check, through ansible-playbook."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils import cluster_check
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from tests.integration.support_engine import Audited, config_map, secret
from tests.integration.support_playbook import AS_MODULE, BOTH_WAYS, IN_PROCESS, WAYS, Played, Player
from tests.integration.support_rights import May, rule

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_rights_fixtures"]

IMAGE = "localhost/lab/go-httpbin:2.26.0"
PASSWORD = "b3Blbi1zZXNhbWUtOQ=="


def item(proved: str, expect: dict[str, Any], **chosen: Any) -> dict[str, Any]:
    """One item of ``checks``."""
    return {"name": proved, "object": chosen, "expect": expect}


def check(player: Player, *items: dict[str, Any], **more: Any) -> Played:
    """One task of the module. Ways of playing are told from options by their names."""
    ways = {name: more.pop(name) for name in ("way", "check", "options") if name in more}
    return player.task("cluster_check", {"checks": list(items), **more}, **ways)


def deployment(namespace: str, name: str, replicas: int, node: str) -> Object:
    """Pods on one node. All carry the label app=pair, which other Deployments select too."""
    labels = {"app": "pair"}
    container = {"name": "web", "image": IMAGE}
    pod = {
        "nodeSelector": {"kubernetes.io/hostname": node},
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def budget(namespace: str, minimum: int) -> Object:
    """A PodDisruptionBudget for all of these pods."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "pair", "namespace": namespace},
        "spec": {"minAvailable": minimum, "selector": {"matchLabels": {"app": "pair"}}},
    }


@pytest.fixture
def nodes(admin: Client) -> list[str]:
    """The lab's nodes by name."""
    (answer,) = read_found(admin, [Query("v1", "Node")])
    return sorted(node["metadata"]["name"] for node in answer.items)


def test_pods_are_counted_by_node_and_workload(
    player: Player, writer: Writer, namespace: str, nodes: list[str]
) -> None:
    writer.apply(
        [
            deployment(namespace, "one", 2, nodes[0]),
            deployment(namespace, "two", 1, nodes[1]),
            budget(namespace, 2),
        ]
    )
    of_apps: dict[str, Any] = {"api_version": "apps/v1", "kind": "Deployment", "namespace": namespace}
    of_pods: dict[str, Any] = {"kind": "Pod", "namespace": namespace, "label_selectors": ["app=pair"]}
    of_budget = {"api_version": "policy/v1", "kind": "PodDisruptionBudget", "namespace": namespace, "name": "pair"}
    serving = [item("ready", {"ready": True}, **each) for each in (of_apps, of_budget)]
    assert check(player, *serving, wait_timeout=90).outcome == "ok"
    played = check(
        player,
        item("first", {"ready": True, "nodes_at_least": 1}, **of_apps, name="one"),
        item("not spread", {"nodes_at_least": 2}, **of_apps, name="one"),
        item("all together", {"ready": True, "nodes_at_least": 2}, **of_pods),
        item("not so many", {"nodes_at_least": 3}, **of_pods),
        item("drain", {"disruptions_allowed_at_least": 1, "ready": True}, **of_budget),
        item("drain twice", {"disruptions_allowed_at_least": 2}, **of_budget),
        item("each", {"nodes_at_least": 1, "labels": {"app": None}}, **of_apps),
        item("the image", {"fields": {"spec.template.spec.containers[name=web].image": IMAGE}}, **of_apps),
    )
    assert played.outcome == "failed"
    found = [(told["name"], told["passed"], told["found"]) for told in played.result["checks"]]
    assert found == [
        ("first", True, f"ready, Ready pods on 1 node ({nodes[0]})"),
        ("not spread", False, f"Ready pods on 1 node ({nodes[0]})"),
        ("all together", True, f"ready (all 3), Ready pods on 2 nodes ({nodes[0]}, {nodes[1]})"),
        ("not so many", False, f"Ready pods on 2 nodes ({nodes[0]}, {nodes[1]})"),
        ("drain", True, "ready, allows 1 disruption (3 of 3 pods healthy, 2 must be)"),
        ("drain twice", False, "allows 1 disruption (3 of 3 pods healthy, 2 must be)"),
        (
            "each",
            True,
            f"no label app (all 2), Ready pods on 1 node ({nodes[0]}) (one); Ready pods on 1 node ({nodes[1]}) (two)",
        ),
        ("the image", True, f"spec.template.spec.containers[name=web].image is {IMAGE} (all 2)"),
    ]
    assert played.message.splitlines() == [
        "3 of 8 checks did not pass:",
        f"- not spread: expected Deployment {namespace}/one: Ready pods on at least 2 nodes; "
        f"found Ready pods on 1 node ({nodes[0]})",
        f"- not so many: expected Pod {namespace}/* (app=pair): Ready pods on at least 3 nodes; "
        f"found Ready pods on 2 nodes ({nodes[0]}, {nodes[1]})",
        f"- drain twice: expected PodDisruptionBudget {namespace}/pair: allows at least 2 disruptions; "
        "found allows 1 disruption (3 of 3 pods healthy, 2 must be)",
    ]


def test_what_is_there_and_what_is_not(player: Player, writer: Writer, namespace: str) -> None:
    writer.apply([config_map(namespace, "one", a="1"), config_map(namespace, "two", a="2")])
    maps: dict[str, Any] = {"kind": "ConfigMap", "namespace": namespace}
    checks = [
        item("there", {"exists": True, "fields": {"data.a": 1}}, **maps, name="one"),
        item("none", {"absent": True}, **maps, name="three"),
        item("no namespace", {"absent": True}, kind="ConfigMap", namespace="no-such-namespace", name="one"),
        item("no kind", {"absent": True}, api_version="none.test/v1", kind="None", name="x"),
        item("no such label", {"absent": True}, **maps, label_selectors=["team=nobody"]),
        item("cluster-wide", {"ready": True}, kind="Namespace", name=namespace),
    ]
    played = check(player, *checks)
    assert (played.outcome, played.changed, played.result["rounds"]) == ("ok", False, 1), played.message
    assert [told["passed"] for told in played.result["checks"]] == [True] * len(checks)
    assert played.result["checks"][0]["expected"] == f"ConfigMap {namespace}/one: data.a is 1"
    wrong = check(
        player,
        item("there", {"absent": True}, **maps, name="one"),
        item("none", {"exists": True}, **maps, name="three"),
        item("no such label", {"ready": True}, **maps, label_selectors=["team=nobody"]),
        item("no kind", {"exists": True}, api_version="none.test/v1", kind="None", name="x"),
    )
    assert [told["found"] for told in wrong.result["checks"]] == ["still there: one", "absent", "absent", "absent"]


@pytest.mark.parametrize("way", WAYS)
def test_values_of_secrets_are_nowhere(player: Player, writer: Writer, namespace: str, way: str) -> None:
    writer.apply([secret(namespace, password="open-sesame-9")])
    chosen = {"kind": "Secret", "namespace": namespace, "name": "credentials"}
    play = player.play(
        {
            "resilient.traefik.cluster_check": {
                "checks": [
                    item("right", {"fields": {"data.password": PASSWORD}}, **chosen),
                    item("wrong", {"fields": {"data.password": "d3Jvbmctb25l"}}, **chosen),
                    item("whole", {"fields": {"data": {}}}, **chosen),
                ]
            }
        },
        way=way,
        options=("-vvv",),
    )
    told = play.tasks[0].result["checks"]
    assert [each["passed"] for each in told] == [True, False, False]
    for text in (PASSWORD, "d3Jvbmctb25l", "open-sesame-9"):
        assert text not in str(play.tasks[0].result), text
    assert PASSWORD not in play.output.replace(str(play.tasks[0].result.get("invocation", "")), "")


def test_it_waits_until_all_is_as_expected(player: Player, admin: Client, namespace: str) -> None:
    """What is missing is made when the task says that it waits."""
    said = list[str]()

    def make(line: str) -> None:
        said.append(line)
        Writer(admin, check_mode=False).apply([config_map(namespace, "late", a="1")])

    chosen = {"api_version": "v1", "kind": "ConfigMap", "namespace": namespace, "name": "late", "label_selectors": []}
    expect = dict.fromkeys(("nodes_at_least", "disruptions_allowed_at_least")) | {"absent": False, "ready": False}
    expect |= {"exists": True, "labels": {}, "fields": {}, "contains": {}}
    wanted = {"name": "it comes", "object": chosen, "expect": expect}
    result = cluster_check.run(Task(player.defaults | {"checks": [wanted], "wait_timeout": 30.0}, progress=make))
    assert result["rounds"] > 1
    assert result["checks"][0]["found"] == "there: late"
    assert said[0].startswith("1 of 1 checks do not pass yet: it comes: expected ConfigMap")


def test_a_missing_right_is_no_absence(player: Player, may: May, namespace: str) -> None:
    user = may([rule("", "configmaps", "get")], namespace)
    maps: dict[str, Any] = {"kind": "ConfigMap", "namespace": namespace}
    played = check(
        player,
        item("may be read", {"absent": True}, **maps, name="none"),
        item("may not", {"absent": True}, **maps),
        **user,
        wait_timeout=60,
    )
    assert played.outcome == "failed"
    assert [told["passed"] for told in played.result["checks"]] == [True, False]
    assert 'cannot list resource "configmaps"' in played.result["checks"][1]["found"]
    assert "Grant the verb to this user" in played.message
    assert played.result["rounds"] == 1, "waiting grants nothing"


def test_the_documented_rights_are_enough(player: Player, may: May) -> None:
    traefik = {"api_version": "apps/v1", "kind": "Deployment", "namespace": "traefik", "name": "traefik"}
    wanted = item("it serves", {"ready": True, "nodes_at_least": 1}, **traefik)
    user = may([rule("apps", "deployments", "get")])
    short = check(player, wanted, **user)
    assert 'cannot list resource "pods"' in short.result["checks"][0]["found"]
    may([rule("apps", "deployments", "get"), rule("", "pods", "list")], "traefik", user["impersonate_user"])
    assert check(player, wanted, **user, wait_timeout=10).outcome == "ok"


# Item of checks, and what the message tells.
WRONG: list[tuple[dict[str, Any], str]] = [
    (item("x", {}, kind="Pod"), "checks: item 1 expect: nothing is expected"),
    (item("x", {"exists": True}, kind="Pod", name="a"), "checks: item 1 object: a Pod is in a namespace; say in which"),
    (
        item("x", {"exists": True}, kind="Pod", name="a", namespace="b", label_selectors=["c"]),
        "checks: item 1 object: has a name and selectors",
    ),
    (item("x", {"exists": True, "absent": True}, kind="Pod"), "expect: absent goes with nothing else"),
    (item("x", {"nodes_at_least": 1}, kind="Service"), "expect.nodes_at_least: a Service has no pods"),
    (item("x", {"fields": {"a[": 1}}, kind="Pod"), "expect.fields: 'a[' is no path"),
    ({"name": "x", "object": {"kind": "Pod"}}, "missing required arguments: expect found in checks"),
    (item("x", {"redy": True}, kind="Pod"), "redy"),
]


def test_what_cannot_be_is_said(player: Player) -> None:
    tasks = [{"resilient.traefik.cluster_check": {"checks": [given]}} for given, _told in WRONG]
    empty: dict[str, Any] = {"resilient.traefik.cluster_check": {"checks": []}}
    play = player.play(*tasks, empty)
    for played, told in zip(play.tasks, [*(told for _given, told in WRONG), "give at least one"], strict=True):
        assert played.outcome == "failed"
        assert told in played.message


@BOTH_WAYS
def test_it_writes_nothing_either_way(audited: Audited, namespace: str) -> None:
    wanted = item("there", {"ready": True}, kind="Namespace", name=namespace)
    results = [
        check(audited.player(), wanted, check=checking, way=way)
        for checking in (True, False)
        for way in (IN_PROCESS, AS_MODULE)
    ]
    assert {(played.outcome, played.changed) for played in results} == {("ok", False)}
    assert len({str(played.result["checks"]) for played in results}) == 1
    assert audited.writes() == []


def test_an_object_that_goes_is_waited_for(player: Player, writer: Writer, namespace: str) -> None:
    writer.apply([config_map(namespace, "doomed", a="1")])
    writer.delete([ObjectRef("v1", "ConfigMap", "doomed", namespace)])
    gone = item("gone", {"absent": True}, kind="ConfigMap", namespace=namespace, name="doomed")
    assert check(player, gone, wait_timeout=30).outcome == "ok"
