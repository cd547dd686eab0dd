"""Every module, with the rights of docs/rbac.yaml: check, apply, check, apply.

The first two change, the last two do not, and the API server agrees.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_account import NAMESPACE, ROLES, TRAEFIK, apply_and_await, made_account, rights_in
from tests.integration.support_audit import Write
from tests.integration.support_engine import Audited, audited_user, namespace_object
from tests.integration.support_modules import MODULES, SAMPLES, Sample
from tests.integration.support_playbook import AS_MODULE, IN_PROCESS, Played, Player

pytest_plugins = ["tests.integration.support_fixtures"]

# What differs from one run to the next, whichever way it runs: times, and what other tests have in the cluster.
VARYING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?|\b\d+(\.\d+)? m?s\b|there are Middleware [\w/, -]+")
TIMES = {"resourceVersion", "uid", "creationTimestamp", "seconds", "slowest_seconds"}
ADDED = {"invocation", "ansible_facts"}


@dataclass(frozen=True)
class Step:
    """What every module returned in one play of all of them, and what the API server saw written."""

    played: dict[str, Played]
    writes: list[Write]

    def writes_for(self, namespace: str) -> list[Write]:
        """Those in the namespace, to it, or to the journal of its run."""
        return [write for write in self.writes if write.namespace == namespace or namespace in write.name]


@dataclass(frozen=True)
class Cycle:
    """Check, apply, check, apply. ``namespaces`` by module."""

    namespaces: dict[str, str]
    steps: list[Step]


@pytest.fixture(scope="module")
def cycle(kubeconfig: Path, admin: Client) -> Iterator[Cycle]:
    """Each module in a namespace of its own, all of them in one play a step: to start plays takes longest.

    As a ServiceAccount with the rights of docs/rbac.yaml and no others. What the manifest grants in single namespaces
    (Secrets, the lock) it has in the samples'.
    """
    account = f"least-{uuid4().hex[:8]}"
    namespaces = {module: f"{account}-{module.replace('_', '-')}" for module in SAMPLES}
    with audited_user(kubeconfig, admin) as user, _prepared(admin, namespaces):
        refs = made_account(admin, account, ROLES, ("", ""), [*TRAEFIK, *namespaces.values()])
        for namespace in namespaces.values():
            apply_and_await(admin, rights_in(namespace, account, ["lock", "secrets"]))
        options = user.options | {"impersonate_user": f"system:serviceaccount:{NAMESPACE}:{account}"}
        options.pop("impersonate_groups")
        limited = Audited(options["impersonate_user"], options, user.log)
        yield Cycle(namespaces, [_step(limited, namespaces, check) for check in (True, False, True, False)])
        Writer(admin, check_mode=False).delete(refs)


def _step(limited: Audited, namespaces: Mapping[str, str], check: bool) -> Step:
    tasks = [_task(module, namespace) for module, namespace in namespaces.items()]
    played = limited.player().play(*tasks, check=check, diff=True).tasks
    return Step(dict(zip(namespaces, played, strict=True)), limited.writes())


def _task(module: str, namespace: str, **more: Any) -> dict[str, Any]:
    return {f"resilient.traefik.{module}": SAMPLES[module].arguments(namespace) | more}


@contextmanager
def _prepared(admin: Client, namespaces: Mapping[str, str]) -> Iterator[None]:
    """The namespaces with what the samples need; gone afterwards, with the journal of the samples' runs."""
    writer = Writer(admin, check_mode=False)
    writer.apply([namespace_object(name) for name in namespaces.values()])
    try:
        for module, namespace in namespaces.items():
            SAMPLES[module].prepare(admin, namespace)
        yield
    finally:
        for module, namespace in namespaces.items():
            _forget(admin, SAMPLES[module], namespace)
        writer.delete([ref_of(namespace_object(name)) for name in namespaces.values()])


def test_every_module_is_here() -> None:
    assert set(SAMPLES) == MODULES


@pytest.mark.parametrize("module", SAMPLES)
def test_check_apply_check_apply(module: str, cycle: Cycle) -> None:
    sample, namespace = SAMPLES[module], cycle.namespaces[module]
    check, first, *again = cycle.steps
    for step, changed in ((check, sample.changes), (first, sample.changes), *((step, False) for step in again)):
        assert (step.played[module].outcome, step.played[module].changed) == ("ok", changed), step.played[module]
    assert (first.writes_for(namespace) != []) is sample.changes


def test_only_the_first_apply_writes_and_only_what_was_told(cycle: Cycle) -> None:
    check, first, *again = cycle.steps
    assert [step.writes for step in (check, *again)] == [[], [], []]
    told = [write for namespace in cycle.namespaces.values() for write in first.writes_for(namespace)]
    assert [write for write in first.writes if write not in told and not makes_room(write)] == []


def makes_room(write: Write) -> bool:
    """Whether it makes room in the journal, which keeps ten runs: the oldest takes in others that tests recorded."""
    journal = write.namespace == NAMESPACE and write.name.startswith("journal-")
    return journal and (write.verb, write.kind) in (("create", "secrets"), ("delete", "secrets"))


Kinds = Callable[[str, str], list[dict[str, Any]]]
# By way and module what came of each task.
Results = dict[str, dict[str, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def both_ways(kubeconfig: Path, admin: Client) -> Results:
    """What came of ``_few``: a process of its own takes 2 s of the processor each time."""
    return _played_both_ways(kubeconfig, admin, _few)


@pytest.fixture(scope="module")
def every_kind_both_ways(kubeconfig: Path, admin: Client) -> Results:
    """What came of ``_all``."""
    return _played_both_ways(kubeconfig, admin, _all)


def _few(module: str, namespace: str) -> list[dict[str, Any]]:
    """Check and apply. What changes nothing does in check mode what it does without."""
    task = _task(module, namespace)
    return [task | {"check_mode": True}, task] if SAMPLES[module].changes else [task]


def _all(module: str, namespace: str) -> list[dict[str, Any]]:
    """Check, apply, apply again, and an argument that does not exist."""
    task = _task(module, namespace)
    return [task | {"check_mode": True}, task, task, _task(module, namespace, no_such_option=1)]


def _played_both_ways(kubeconfig: Path, admin: Client, kinds: Kinds) -> Results:
    player = Player({"kubeconfig": str(kubeconfig)})
    return {way: _played(player, admin, way, kinds) for way in (IN_PROCESS, AS_MODULE)}


def _played(player: Player, admin: Client, way: str, kinds: Kinds) -> dict[str, list[dict[str, Any]]]:
    # Each time in new namespaces: the last ones may still be going.
    namespaces = {module: f"engine-{module.replace('_', '-')}-{uuid4().hex[:8]}" for module in SAMPLES}
    tasks = {module: kinds(module, namespace) for module, namespace in namespaces.items()}
    with _prepared(admin, namespaces):
        played = iter(player.play(*(task for each in tasks.values() for task in each), way=way, diff=True).tasks)
    return {
        module: [_comparable(next(played), namespaces[module], SAMPLES[module]) for _task in each]
        for module, each in tasks.items()
    }


@pytest.mark.parametrize("module", SAMPLES)
def test_both_ways_give_the_same_result(module: str, both_ways: Results) -> None:
    here, elsewhere = both_ways[IN_PROCESS][module], both_ways[AS_MODULE][module]
    assert here == elsewhere
    assert {result["outcome"] for result in here} == {"ok"}


@pytest.mark.variation("a second apply, and an argument that does not exist")
@pytest.mark.parametrize("module", SAMPLES)
def test_both_ways_give_the_same_results_of_every_kind(module: str, every_kind_both_ways: Results) -> None:
    here, elsewhere = every_kind_both_ways[IN_PROCESS][module], every_kind_both_ways[AS_MODULE][module]
    assert here == elsewhere
    assert [result["outcome"] for result in here] == ["ok", "ok", "ok", "failed"]


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
