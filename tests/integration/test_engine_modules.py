"""Every module, with the rights of docs/rbac.yaml: check, apply, check, apply.

The first two change, the last two do not, and the API server agrees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_account import NAMESPACE, ROLES, apply_and_await, made_account, rights_in
from tests.integration.support_engine import Audited, namespace_object
from tests.integration.support_modules import MODULES, SAMPLES, Sample
from tests.integration.support_playbook import AS_MODULE, IN_PROCESS, Played, Player

pytest_plugins = ["tests.integration.support_fixtures"]

# What differs from one run to the next, whichever way it runs.
VARYING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?|\b\d+(\.\d+)? m?s\b")
TIMES = {"resourceVersion", "uid", "creationTimestamp", "seconds", "slowest_seconds"}
ADDED = {"invocation", "ansible_facts"}


@pytest.fixture
def limited(audited: Audited, admin: Client, namespace: str) -> Iterator[Audited]:
    """A ServiceAccount with the rights of docs/rbac.yaml and no others.

    What the manifest grants in single namespaces (Secrets, the lock) it has in the test's.
    """
    name = f"least-{uuid4().hex[:8]}"
    refs = made_account(admin, name, ROLES, without=("", ""))
    apply_and_await(admin, rights_in(namespace, name, ["lock", "secrets"]))
    options = audited.options | {"impersonate_user": f"system:serviceaccount:{NAMESPACE}:{name}"}
    options.pop("impersonate_groups")
    yield Audited(options["impersonate_user"], options, audited.log)
    Writer(admin, check_mode=False).delete(refs)


def test_every_module_is_here() -> None:
    assert set(SAMPLES) == MODULES


@pytest.mark.parametrize("module", SAMPLES)
def test_check_apply_check_apply(module: str, namespace: str, limited: Audited, admin: Client) -> None:
    sample, player, audited = SAMPLES[module], limited.player(), limited
    sample.prepare(admin, namespace)
    arguments = sample.arguments(namespace)
    try:
        check = player.task(module, arguments, check=True, diff=True)
        assert (check.outcome, check.changed) == ("ok", sample.changes), check
        assert audited.writes() == []

        first = player.task(module, arguments, diff=True)
        assert (first.outcome, first.changed) == ("ok", sample.changes), first
        assert (audited.writes() != []) is sample.changes

        for checking in (True, False):
            again = player.task(module, arguments, check=checking, diff=True)
            assert (again.outcome, again.changed) == ("ok", False), again
            assert audited.writes() == []
    finally:
        _forget(admin, sample, namespace)


@pytest.mark.parametrize("module", SAMPLES)
def test_both_ways_give_the_same_result(module: str, player: Player, admin: Client) -> None:
    results = {}
    for way in (IN_PROCESS, AS_MODULE):
        name = f"engine-{module.replace('_', '-')}-{way}"
        results[way] = [
            _comparable(played, name, SAMPLES[module]) for played in _cycle(player, admin, module, name, way)
        ]
    assert results[IN_PROCESS] == results[AS_MODULE]
    assert [result["outcome"] for result in results[IN_PROCESS]] == ["ok", "ok", "ok", "failed"]


def _cycle(player: Player, admin: Client, module: str, name: str, way: str) -> list[Played]:
    """Check, apply, apply again, and an argument that does not exist: in a namespace of that name."""
    sample, writer = SAMPLES[module], Writer(admin, check_mode=False)
    writer.apply([namespace_object(name)])
    try:
        sample.prepare(admin, name)
        arguments = sample.arguments(name)
        task = {f"resilient.traefik.{module}": arguments}
        bad = {f"resilient.traefik.{module}": arguments | {"no_such_option": 1}}
        return player.play(task | {"check_mode": True}, task, task, bad, way=way, diff=True).tasks
    finally:
        _forget(admin, sample, name)
        writer.delete([ref_of(namespace_object(name))])


def _forget(admin: Client, sample: Sample, namespace: str) -> None:
    """Removes the journal that the sample's run left."""
    if sample.run is None:
        return
    run = Query(
        "v1", "Secret", namespace="resilient-traefik", label_selector=f"resilient.traefik/run={sample.run(namespace)}"
    )
    for answer in read_found(admin, [run]):
        Writer(admin, check_mode=False).delete([ref_of(item) for item in answer.items])


def _comparable(played: Played, namespace: str, sample: Sample) -> dict[str, Any]:
    result = {key: value for key, value in played.result.items() if key not in ADDED}
    if sample.stable and played.outcome == "ok":
        result = {key: result[key] for key in sample.stable}
    settled: dict[str, Any] = _settled(result, namespace)
    return {"outcome": played.outcome} | settled


def _settled(value: Any, namespace: str) -> Any:
    if isinstance(value, dict):
        return {key: _settled(inner, namespace) for key, inner in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [_settled(inner, namespace) for inner in value]
    return VARYING.sub("VARYING", value.replace(namespace, "NAMESPACE")) if isinstance(value, str) else value
