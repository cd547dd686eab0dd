"""The module apply, through ansible-playbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from tests.integration.support_engine import Audited, config_map, namespace_object, secret
from tests.integration.support_playbook import AS_MODULE, Player

pytest_plugins = ["tests.integration.support_fixtures"]

FINALIZER = "engine.test/hold"


def _deployment(namespace: str, replicas: int) -> Object:
    labels = {"app": "none"}
    pod = {"containers": [{"name": "main", "image": "nothing.test/none"}], "nodeSelector": {"engine.test/no": "node"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "none", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def test_objects_in_every_form(admin: Client, player: Player, namespace: str) -> None:
    homeless = [config_map(namespace, name, greeting="hello") for name in ("one", "two")]
    for item in homeless:
        del item["metadata"]["namespace"]
    forms: list[Any] = [
        homeless,
        homeless[0],
        {"apiVersion": "v1", "kind": "List", "items": homeless},
        yaml.safe_dump_all([*homeless, None]),
    ]
    tasks = [{"resilient.traefik.apply": {"objects": form, "namespace": namespace}} for form in forms]
    played = player.play(*tasks).tasks
    assert [task.outcome for task in played] == ["ok"] * 4, played
    assert [len(task.result["results"]) for task in played] == [2, 1, 2, 2]
    assert [task.changed for task in played] == [True, False, False, False]
    assert admin.get(ref_of(config_map(namespace, "two")))["data"] == {"greeting": "hello"}


def test_the_namespace_option_leaves_cluster_wide_objects_alone(player: Player, namespace: str) -> None:
    objects = [namespace_object(namespace), {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "one"}}]
    played = player.task("apply", {"objects": objects, "namespace": namespace})
    assert [result["namespace"] for result in played.result["results"]] == ["", namespace], played


def test_results_tell_what_became_of_every_object(player: Player, namespace: str) -> None:
    first = [config_map(namespace, "stays", a="1"), config_map(namespace, "changes", a="1")]
    second = [first[0], config_map(namespace, "changes", a="2"), config_map(namespace, "comes")]
    third = {"objects": [*second, config_map(namespace, "never-was")], "state": "absent"}
    tasks = [{"resilient.traefik.apply": {"objects": objects}} for objects in (first, second)]
    played = player.play(*tasks, {"resilient.traefik.apply": third}).tasks
    told = [[(result["change"], result["written"]) for result in task.result["results"]] for task in played]
    assert told == [
        [("created", True), ("created", True)],
        [("unchanged", False), ("updated", True), ("created", True)],
        [("deleted", True), ("deleted", True), ("deleted", True), ("absent", False)],
    ]


def test_a_conflict_is_a_result_one_can_work_with(admin: Client, player: Player, namespace: str) -> None:
    theirs = config_map(namespace, greeting="theirs")
    query = {"fieldManager": "gitops"}
    admin.request(
        "PATCH", admin.path(ref_of(theirs)), query=query, body=theirs, content_type="application/apply-patch+yaml"
    )
    ours = {"objects": [config_map(namespace, greeting="ours")]}
    refused, forced = player.play(
        {"resilient.traefik.apply": ours}, {"resilient.traefik.apply": ours | {"on_conflict": "force"}}
    ).tasks
    (conflict,) = refused.result["conflicts"]
    assert conflict["object"] == f"ConfigMap {namespace}/settings"
    assert conflict["field"] == ".data.greeting"
    assert "gitops" in conflict["message"]
    assert (forced.outcome, forced.changed) == ("ok", True)


def test_an_owners_mark_warns(player: Player, namespace: str) -> None:
    marked = config_map(namespace, a="1")
    marked["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "edge"}
    changed = config_map(namespace, a="2") | {"metadata": marked["metadata"]}
    created, updated, again = player.play(
        *({"resilient.traefik.apply": {"objects": [item]}} for item in (marked, changed, changed))
    ).tasks
    assert "warnings" not in created.result
    (warning,) = updated.result["warnings"]
    assert f"ConfigMap {namespace}/settings belongs to Helm release edge/shop" in str(warning)
    assert "warnings" not in again.result


def test_waiting_ends_when_everything_serves_or_says_what_lacks(player: Player, namespace: str) -> None:
    ready = {"objects": [_deployment(namespace, 0)], "wait": True, "wait_timeout": 60}
    never = {"objects": [_deployment(namespace, 1)], "wait": True, "wait_timeout": 2}
    good, bad = player.play({"resilient.traefik.apply": ready}, {"resilient.traefik.apply": never}).tasks
    assert good.outcome == "ok", good
    assert bad.outcome == "failed"
    assert "not ready after 2 s" in bad.message
    assert f"Deployment {namespace}/none: 0 of 1 replicas" in bad.message
    assert bad.result["not_ready"][0]["name"] == "none"


def test_waiting_for_an_end_names_what_holds_it(admin: Client, player: Player, namespace: str) -> None:
    held = config_map(namespace, "held")
    held["metadata"]["finalizers"] = [FINALIZER]
    gone = {"objects": [held], "state": "absent", "wait": True, "wait_timeout": 1}
    played = player.play({"resilient.traefik.apply": {"objects": [held]}}, {"resilient.traefik.apply": gone}).tasks
    assert f"held by finalizers {FINALIZER}" in played[1].message, played[1]
    release = {"metadata": {"finalizers": None}}
    admin.request("PATCH", admin.path(ref_of(held)), body=release, content_type="application/merge-patch+json")


def test_check_mode_does_not_wait_and_creates_nothing(audited: Audited, namespace: str) -> None:
    arguments = {"objects": [_deployment(namespace, 1)], "wait": True, "wait_timeout": 600}
    played = audited.player().task("apply", arguments, check=True, diff=True)
    assert (played.outcome, played.changed) == ("ok", True)
    assert [result["written"] for result in played.result["results"]] == [False]
    assert audited.writes() == []


def test_a_run_is_recorded_before_its_first_write(audited: Audited, admin: Client, namespace: str) -> None:
    run = f"run-{namespace}"
    arguments = {"objects": [secret(namespace, password="value")], "run_id": run}
    assert audited.player().task("apply", arguments, check=True).changed
    assert audited.writes() == []
    assert audited.player().task("apply", arguments).changed
    written = [(write.kind, write.namespace) for write in audited.writes() if write.kind == "secrets"]
    assert written[0] == ("secrets", "resilient-traefik")
    assert written[-1] == ("secrets", namespace)
    journal = f"/api/v1/namespaces/resilient-traefik/secrets?labelSelector=resilient.traefik/run%3D{run}"
    for part in admin.request("GET", journal)["items"]:
        admin.request("DELETE", admin.path(ObjectRef("v1", "Secret", part["metadata"]["name"], "resilient-traefik")))


def test_variables_of_the_environment_lead_to_the_cluster(kubeconfig: Path, namespace: str) -> None:
    player = Player({})
    task = {"resilient.traefik.apply": {"objects": [config_map(namespace)]}}
    variables = {"environment": {"K8S_AUTH_KUBECONFIG": str(kubeconfig)}}
    assert player.play(task | variables).tasks[0].outcome == "ok"
    assert player.play(task | variables, way=AS_MODULE).tasks[0].outcome == "ok"
    assert player.play(task, environment={"K8S_AUTH_KUBECONFIG": str(kubeconfig)}).tasks[0].outcome == "ok"
    nowhere = player.play(task, environment={"K8S_AUTH_KUBECONFIG": "/nowhere/kubeconfig"}).tasks[0]
    assert nowhere.message.startswith("kubeconfig: /nowhere/kubeconfig is not a file")
