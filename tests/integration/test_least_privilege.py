"""The rights of docs/rbac.yaml are enough, and each of them is missed when it is taken away."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils import restore, run_lock, snapshot, tier_label
from ansible_collections.resilient.traefik.plugins.module_utils.kube import errors
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal import RUNS_KEPT, Journal, runs
from ansible_collections.resilient.traefik.plugins.module_utils.kube.lease import lease_ref
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.still_needed import still_needed
from tests.integration.support_account import ROLES, apply_and_await, rights_in, verbs_of
from tests.integration.support_account_fixture import Account, MakeAccount
from tests.integration.support_engine import config_map, namespace_object, remove

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_account_fixture"]
pytestmark = pytest.mark.alone

Params = Account
AT_ONCE = {"newer": "refuse", "wait": False, "wait_timeout": 5, "pause": 0, "as_run": None}


def _lock(params: Params, admin: Client, namespace: str) -> None:
    """Takes the lock, gives it back, and takes it once more. In the namespace of the account's own role."""
    lease = {"name": namespace, "namespace": "resilient-traefik", "holder": "me", "run_id": None, "keep": False}
    try:
        for state in ("held", "released", "held"):
            run_lock.run(
                Task(params | lease | {"state": state, "duration": 60, "force": False, "take_over_from": None})
            )
    finally:
        remove(admin, lease_ref(namespace, "resilient-traefik"))


def _journal(params: Params, admin: Client, namespace: str) -> None:
    """Keeps the state of an object and lists it. The journal is full, so the oldest run has to go."""
    absent = ObjectRef("v1", "ConfigMap", "none", namespace)
    while _kept(admin) < RUNS_KEPT:
        Journal(admin, _run_id()).record_states([(absent, None)])
    run_id = _run_id()
    Journal(Client(params), run_id).record_states([(absent, None)])
    listed = snapshot.run(Task(params | {"run_id": run_id, "objects": None, "states": False}))
    assert len(listed["runs"]) == 1
    assert _kept(admin) <= RUNS_KEPT


def _kept(admin: Client) -> int:
    """The number of recorded runs; rollbacks are kept beside them."""
    return len([run for run in runs(admin) if not run.undoes])


def _run_id() -> str:
    return f"test-{uuid4().hex[:8]}"


def _mark(params: Params, admin: Client, namespace: str) -> None:
    """Restores a run of which nothing is left to do."""
    run_id = _run_id()
    ref = ObjectRef("v1", "ConfigMap", "none", namespace)
    Journal(admin, run_id).record_states([(ref, None)])
    restore.run(Task(params | AT_ONCE | {"run_id": run_id}))


def _undo(params: Params, admin: Client, namespace: str) -> None:
    """Restores a run that changed an object, deleted one, and created one in a namespace of its own.

    The namespace stays: the account may not list Secrets there, and so cannot know that there are none.
    """
    run_id, more = _run_id(), f"{namespace}-{uuid4().hex[:4]}"
    setup = Writer(admin, check_mode=False)
    setup.apply([config_map(namespace, a="1"), config_map(namespace, "doomed", a="1")])
    run = Writer(admin, check_mode=False, journal=Journal(admin, run_id))
    seen = admin.get(ObjectRef("v1", "ConfigMap", "settings", namespace))
    run.patch([Patch(seen, {"data": {"a": "2"}})])
    run.delete([ObjectRef("v1", "ConfigMap", "doomed", namespace)])
    run.apply([namespace_object(more), config_map(more, a="1"), config_map(namespace, "fresh", a="1")])
    apply_and_await(admin, rights_in(more, params.name, ["objects-writing"]))
    try:
        undone = restore.run(Task(params | AT_ONCE | {"run_id": run_id}))
        (left,) = undone["left_alone"]
        assert (left["kind"], left["later"]) == ("Namespace", f"kubectl delete namespace {more}")
        assert "cannot be listed" in left["why"]
    finally:
        setup.delete([ObjectRef("v1", "Namespace", more)])
    assert admin.get(ObjectRef("v1", "ConfigMap", "settings", namespace))["data"] == {"a": "1"}


def _referrers(params: Params, _admin: Client, namespace: str) -> None:
    """Asks who refers to one object of each kind. Nobody does, so what stays does for lack of a right."""
    refs = [
        *(ObjectRef("v1", kind, "none", namespace) for kind in ("ConfigMap", "Secret", "ServiceAccount", "Service")),
        ObjectRef("apps/v1", "Deployment", "none", namespace),
        ObjectRef("rbac.authorization.k8s.io/v1", "Role", "none", namespace),
        ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", "none"),
        ObjectRef("traefik.io/v1alpha1", "Middleware", "none", namespace),
    ]
    doomed: dict[ObjectRef, Object] = {
        ref: {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "spec": {},
        }
        for ref in refs
    }
    kept = still_needed(Client(params), doomed, {})
    if kept:
        raise errors.ResilientError(f"{'. '.join(kept.values())}.")


def _tier(params: Params, admin: Client, namespace: str) -> None:
    """Moves a namespace with a workload of each kind. The label is none that the lab's policy knows."""
    limits = {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}
    metadata = {"namespace": namespace, "labels": {"rank": "low"}}
    Writer(admin, check_mode=False, force=True).apply(
        [
            namespace_object(namespace) | {"metadata": {"name": namespace, "labels": {"rank": "low"}}},
            {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata | {"name": "limits"}, "spec": limits},
            *(_workload(kind, metadata) for kind in tier_label.KINDS),
        ]
    )
    expect = {"limit_range": {"name": "limits", "max": {"memory": "1024Mi"}}, "priority_class": None}
    choice = {"namespaces": [namespace], "label": "rank", "from": "low", "to": "high", "workloads": None}
    rest = {"pod_template": False, "restart": "auto", "expect": expect, "wait_timeout": 30, "run_id": None}
    assert tier_label.run(Task(params | choice | rest))["changed"] is True


def _workload(kind: str, metadata: Object) -> Object:
    """One without pods."""
    container = {"name": "none", "image": "registry.test/none:1"}
    pod = {"containers": [container]} | ({"nodeSelector": {"no.test/node": "1"}} if kind == "DaemonSet" else {})
    labels = {"app": kind.lower()}
    spec: Object = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    spec |= {} if kind == "DaemonSet" else {"replicas": 0}
    spec |= {"serviceName": "none"} if kind == "StatefulSet" else {}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata | {"name": kind.lower()}, "spec": spec}


HTTP_ROUTES = ("httproutes", "list")
Scenario = Callable[[Params, Client, str], None]
OF_CONFIG_MAPS = [("configmaps", verb) for verb in ("get", "create", "patch", "delete")]
# The roles with which each scenario must do, and the rights of which each must be missed.
SCENARIOS: dict[str, tuple[Scenario, list[str], list[tuple[str, str]]]] = {
    "lock": (_lock, ["lock"], verbs_of("lock")),
    "journal": (_journal, ["journal"], [("secrets", verb) for verb in ("list", "create", "get", "delete")]),
    "mark": (_mark, ["journal", "objects"], [("secrets", "patch")]),
    "undo": (
        _undo,
        ["journal", "objects", "objects-writing", "tenants"],
        [*OF_CONFIG_MAPS, ("namespaces", "get")],
    ),
    # The lab has no Gateway API.
    "referrers": (_referrers, ["tenants"], [right for right in verbs_of("tenants") if right != HTTP_ROUTES]),
    "tier": (_tier, ["tier"], verbs_of("tier")),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_roles_are_enough(scenario: str, account: MakeAccount, admin: Client, namespace: str) -> None:
    play, roles, _rights = SCENARIOS[scenario]
    play(account(roles), admin, namespace)


@pytest.mark.parametrize(
    ("scenario", "resource", "verb"),
    [(scenario, *right) for scenario, (_play, _roles, rights) in SCENARIOS.items() for right in rights],
)
def test_each_right_is_missed(
    scenario: str, resource: str, verb: str, account: MakeAccount, admin: Client, namespace: str
) -> None:
    play, roles, _rights = SCENARIOS[scenario]
    params = account(roles, (resource, verb))
    with pytest.raises(errors.ResilientError) as failure:
        play(params, admin, namespace)
    words = str(failure.value)
    assert f'cannot {verb} resource "{resource}"' in words
    assert "Grant the verb to this user, see docs/rbac.md." in words


def test_no_right_of_these_roles_is_left_out() -> None:
    known = {*verbs_of("lock"), *verbs_of("journal"), *verbs_of("tier"), *verbs_of("tenants")} - {HTTP_ROUTES}
    missed = {right for _play, _roles, rights in SCENARIOS.values() for right in rights}
    assert known <= missed


def test_the_whole_account_may_do_what_it_should_and_no_more(
    account: MakeAccount, admin: Client, namespace: str
) -> None:
    client = Client(account(ROLES))
    writer = Writer(client, check_mode=False)
    assert writer.apply([config_map(namespace, a="1")]).changed
    with pytest.raises(errors.Forbidden, match='cannot patch resource "configmaps"'):
        writer.apply([config_map("default", a="1")])
    with pytest.raises(errors.Forbidden, match='cannot patch resource "namespaces"'):
        writer.patch([Patch(admin.get(ObjectRef("v1", "Namespace", "default")), {"metadata": {"labels": {"a": "1"}}})])
    with pytest.raises(errors.Forbidden, match='cannot get resource "persistentvolumes"'):
        client.get(ObjectRef("v1", "PersistentVolume", "any"))
    with pytest.raises(errors.Forbidden, match='cannot get resource "secrets"'):
        client.get(ObjectRef("v1", "Secret", "any", namespace))
    assert client.find(ObjectRef("v1", "Secret", "any", "traefik")) is None
