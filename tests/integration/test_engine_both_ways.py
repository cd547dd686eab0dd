"""One body, two ways to run: the same task in the controller's process and as a module gives the same result."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.support_engine import config_map, secret
from tests.integration.support_playbook import AS_MODULE, IN_PROCESS, Play, Player

pytest_plugins = ["tests.integration.support_fixtures"]

# Ansible itself adds these to what a module prints in a process of its own.
ADDED = {"invocation", "ansible_facts", "_ansible_parsed", "_ansible_no_log", "_ansible_verbose_override"}

# How many of the tasks below are meant to fail.
FAILING = 16

Task = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """How a task is asked for."""

    check: bool = False
    diff: bool = False


def _tasks(namespace: str) -> list[Task]:
    """Successes, failures and argument errors. They leave the namespace as they found it."""
    objects = [config_map(namespace, greeting="hello"), secret(namespace, password="first-value")]
    changed = [config_map(namespace, greeting="again"), secret(namespace, password="second-value")]
    unknown = config_map(namespace) | {"kind": "NoSuchKind"}
    refused = config_map(namespace, "Not_A_Name")
    many = [
        {"kind": "ConfigMap", "namespace": namespace, "name": "settings"},
        {"kind": "Secret", "namespace": namespace},
    ]
    return [
        _apply(objects=objects),
        _apply(objects=objects),
        _apply(objects=changed),
        _apply(objects="kind: [never closed"),
        _apply(objects=["text"]),
        _apply(objects=[unknown]),
        _apply(objects=[refused]),
        _apply(objects=[config_map(namespace, nested="1") | {"data": {"a": {"b": 1}}}]),
        _apply(),
        _apply(objects=objects, state="sideways"),
        _apply(objects=objects, no_such_option=1),
        _apply(objects=objects, wait_timeout="soon"),
        _apply(objects=objects, impersonate_groups=["nobodies"]),
        _apply(objects=objects, impersonate_user="nobody"),
        _apply(objects=objects, kubeconfig="/nowhere/kubeconfig"),
        _apply(objects=objects, run_id="Not an id"),
        _read(queries=many),
        _read(queries=[{"kind": "ConfigMap", "namespace": namespace, "name": "absent"}]),
        _read(queries=[{"kind": "NoSuchKind"}]),
        _read(queries=[{"kind": "Secret", "namespace": namespace}], impersonate_user="nobody"),
        _read(queries=[{"kind": "Secret", "namespace": namespace}], impersonate_user="nobody", on_forbidden="report"),
        _read(queries=[{"name": "no-kind"}]),
        _read(queries=[{"kind": "Pod", "name": "one", "label_selectors": ["a=b"]}]),
        _apply(objects=objects, state="absent"),
        _apply(objects=objects, state="absent"),
    ]


def _apply(**arguments: Any) -> Task:
    return {"resilient.traefik.apply": arguments}


def _read(**arguments: Any) -> Task:
    return {"resilient.traefik.read": arguments}


@pytest.mark.parametrize(
    "way",
    [Way(diff=True), pytest.param(Way(check=True), marks=pytest.mark.variation("the same in check mode"))],
    ids=str,
)
def test_results_are_the_same_both_ways(way: Way, namespace: str, player: Player) -> None:
    tasks = _tasks(namespace)
    here = _played(player, tasks, way, IN_PROCESS)
    elsewhere = _played(player, tasks, way, AS_MODULE)
    compared = zip(tasks, _comparable(here), _comparable(elsewhere), strict=True)
    assert [(task, one, other) for task, one, other in compared if one != other] == []
    outcomes = [played.outcome for played in here.tasks]
    assert outcomes.count("failed") == FAILING, outcomes


def test_async_tasks_run_the_module(namespace: str, player: Player) -> None:
    task = _apply(objects=[config_map(namespace, greeting="hello")])
    in_background, here = player.play(task | {"async": 60, "poll": 1}, task).tasks
    assert in_background.changed
    assert not here.changed
    assert in_background.result["results"][0]["change"] == "created"


def _played(player: Player, tasks: list[Task], way: Way, connection: str) -> Play:
    return player.play(*tasks, way=connection, check=way.check, diff=way.diff)


def _comparable(play: Play) -> list[dict[str, Any]]:
    comparable = []
    for played in play.tasks:
        result = {key: value for key, value in copy.deepcopy(played.result).items() if key not in ADDED}
        _without_times(result)
        comparable.append({"outcome": played.outcome} | result)
    return comparable


def _without_times(value: Any) -> None:
    """What the API server numbers anew with every object."""
    if isinstance(value, dict):
        for name in ("resourceVersion", "uid", "creationTimestamp"):
            value.pop(name, None)
        for inner in value.values():
            _without_times(inner)
    elif isinstance(value, list):
        for inner in value:
            _without_times(inner)
