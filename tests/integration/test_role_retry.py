"""The role retry on the lab: what it changes, what it leaves alone, what a retry covers, and the way back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.http_in_pod import Door, ask
from tests.integration.support_engine import Audited, namespace_object
from tests.integration.support_own_traefik import OwnTraefik, run, watching_only
from tests.integration.support_retry import statuses, statuses_of_one_configuration
from tests.integration.support_role import RolePlayer, new_run, printed
from tests.integration.support_traefik import CHAIN, TRAEFIK, route

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_retry_fixture"]

KINDS = ((TRAEFIK, "Middleware"), (TRAEFIK, "IngressRoute"), ("networking.k8s.io/v1", "Ingress"))


@pytest.fixture
def role(shop: str, audited: Audited, tmp_path: Path) -> RolePlayer:
    settings = {"retry_namespaces": [shop], "retry_namespace": shop}
    return RolePlayer("retry", tmp_path, audited.options, settings, new_run())


def _state(admin: Client, namespace: str) -> dict[str, Any]:
    answers = read_found(admin, [Query(*kind, namespace=namespace) for kind in KINDS])
    return {
        f"{item['kind']} {item['metadata']['name']}": {
            "spec": item["spec"],
            **{name: item["metadata"].get(name) or {} for name in ("annotations", "labels")},
        }
        for answer in answers
        for item in answer.items
    }


def _chain(state: dict[str, Any], name: str) -> str:
    return str(state[f"Ingress {name}"]["annotations"].get(CHAIN, ""))


@contextmanager
def _asking(doors: list[Door], host: str) -> Iterator[list[tuple[str, int]]]:
    """Asks every door all the time; what was answered, by replica."""
    answers: list[tuple[str, int]] = []
    over = threading.Event()

    def go_on(door: Door) -> None:
        while not over.is_set():
            answers.append((door.pod, ask(door, host).status))

    threads = [threading.Thread(target=go_on, args=(door,)) for door in doors]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.variation("molecule's scenario default plays it with all the others")
def test_plan_apply_again_and_back(
    shop: str, role: RolePlayer, admin: Client, audited: Audited, traefik_doors: list[Door]
) -> None:
    before = _state(admin, shop)
    planned = role.play("--check", "--diff").well()
    assert planned.changed == 2, "the middleware and the chains, although the middleware is not there yet"
    assert f"+{shop}-retry@kubernetescrd" in planned.output
    assert "does not exist yet" not in planned.output
    assert audited.writes() == []

    with _asking(traefik_doors, f"chained.{shop}.test") as answers:
        applied = role.play(facts="retry_verified").well()
    assert {status for _pod, status in answers} <= {200, 502}, Counter(answers)
    assert applied.changed == 2
    checks = printed(applied)["checks"]
    assert len(checks) == 3
    assert all(check["passed"] for check in checks)
    after, retried = _state(admin, shop), f"{shop}-retry@kubernetescrd"
    assert after["Middleware retry"]["spec"] == {"retry": {"attempts": 8, "initialInterval": "100ms"}}
    assert _chain(after, "plain") == retried
    assert _chain(after, "chained") == f"{retried},{shop}-marked@kubernetescrd"
    assert after["IngressRoute routed"]["spec"]["routes"][0]["middlewares"][0] == {"name": "retry"}
    assert _chain(after, "foreign") == ""
    assert after["Ingress broken"] == before["Ingress broken"], "a chain that is broken is left alone"
    assert "Middleware" in applied.output
    for name in ("well", "refusing"):
        assert f"Deployment {shop}/{name}: no preStop in container web: when a pod ends" in applied.output
    assert f"{shop}/gone does not exist" in applied.output or "no object makes this name" in applied.output

    audited.writes()
    assert role.play().well().changed == 0
    assert role.play("--check").well().changed == 0
    assert audited.writes() == []

    with _asking(traefik_doors, f"chained.{shop}.test") as answers:
        role.roll_back()
    assert _state(admin, shop) == before
    assert {status for _pod, status in answers} <= {200, 502}, Counter(answers)


def test_refused_connections_are_502_before_and_none_after(
    shop: str, role: RolePlayer, admin: Client, traefik_doors: list[Door]
) -> None:
    """One of two backends refuses: half of the requests fail, through each replica and for each kind of object."""
    hosts = [f"{name}.{shop}.test" for name in ("plain", "routed")]
    for host in hosts:
        for door in traefik_doors:
            seen = statuses_of_one_configuration(admin, door, host, 12)
            assert seen[502] == 6, seen
    role.play().well()
    for host in hosts:
        for door in traefik_doors:
            assert statuses(door, host, 12) == {200: 12}


def test_every_bad_input_is_told_before_any_write(shop: str, role: RolePlayer, admin: Client, audited: Audited) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        (
            {"retry_attempts": 1, "retry_initial_interval": "soon", "retry_traefik_namespace": shop},
            [
                "retry_attempts: is the total number of tries, so 1 never retries",
                "retry_initial_interval: 'soon' is no duration",
                "retry_traefik_namespace: no Deployment",
            ],
        ),
        ({"retry_names": ["nobody"]}, ["retry_names: no Ingress or IngressRoute"]),
        (
            {"retry_names": ["broken", "foreign"]},
            [
                f"retry_names: Ingress {shop}/broken would be dropped",
                f"retry_names: Ingress {shop}/foreign would be dropped or is not served",
            ],
        ),
        ({"retry_name": "marked"}, ["marked is there already and is no retry middleware (headers)"]),
        ({"retry_more": {"often": True}}, ["unknown field"]),
        ({"retry_chains": "entry_points", "retry_entry_points": ["nowhere"]}, ["has no nowhere; it has"]),
        ({"retry_chains": "entry_points", "retry_entry_points": []}, ["name some of those"]),
        ({"retry_namespaces": []}, ["retry_namespaces: choose"]),
        ({"retry_namespace": "no-such-namespace"}, ["not found"]),
    ]
    told = role.parts("preflight", "retry_preflight.findings", [settings for settings, _words in cases])
    for findings, (settings, words) in zip(told, cases, strict=True):
        assert bool(findings) is bool(words), (settings, findings)
        assert all(each in " ".join(findings) for each in words), (settings, findings)
    refused = role.with_settings(retry_attempts=1).play()
    assert refused.code != 0
    assert "1 never retries" in refused.output
    assert audited.writes() == []


def test_verification_fails_before_the_change(role: RolePlayer) -> None:
    verified = role.with_settings(retry_wait_timeout=1).part("verify", "retry_verified")
    assert verified["failed"]
    assert [check["passed"] for check in verified["checks"]] == [False, False, True]


def test_as_files(shop: str, role: RolePlayer, audited: Audited, tmp_path: Path) -> None:
    role.play(render_to=tmp_path / "files").well()
    written = {path.name.lower() for path in (tmp_path / "files").rglob("*.yaml")}
    assert len(written) == 4, written
    assert audited.writes() == []


# --- another Traefik ---------------------------------------------------------------------------------------------


@pytest.fixture
def edge(namespace: str, admin: Client, cleaned: Any) -> OwnTraefik:
    """A Traefik of two namespaces that does not allow references across them."""
    other = f"{namespace}-apps"
    writer = Writer(admin, check_mode=False)
    writer.apply([namespace_object(other)])
    cleaned(ObjectRef("v1", "Namespace", other))
    arguments = watching_only(f"{namespace},{other}", "--providers.kubernetesingress=true")
    readiness = {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 1}
    traefik = OwnTraefik(namespace, arguments, readiness=readiness)
    writer.apply([traefik.binding()])
    cleaned(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"{namespace}-{traefik.name}"))
    run(admin, traefik)
    return traefik


@pytest.fixture
def edge_role(edge: OwnTraefik, audited: Audited, tmp_path: Path) -> RolePlayer:
    settings = {
        "retry_traefik_namespace": edge.namespace,
        "retry_traefik_name": edge.name,
        "retry_namespaces": [edge.namespace, f"{edge.namespace}-apps"],
    }
    return RolePlayer("retry", tmp_path, audited.options, settings, new_run())


def test_a_route_that_may_not_refer_to_it_is_left_alone(edge: OwnTraefik, edge_role: RolePlayer, admin: Client) -> None:
    other = f"{edge.namespace}-apps"
    Writer(admin, check_mode=False).apply([route(edge.namespace, "here"), route(other, "there")])
    before = _state(admin, other)
    ended = edge_role.play(facts="retry_preflight.left_alone").well()
    (left,) = printed(ended)
    assert (left["namespace"], left["name"]) == (other, "there")
    assert "allowCrossNamespace is off" in left["reason"]
    assert _state(admin, other) == before
    (first,) = _state(admin, edge.namespace)["IngressRoute here"]["spec"]["routes"][0]["middlewares"]
    assert first == {"name": "retry"}


def test_at_the_entry_points_once_for_all(edge: OwnTraefik, edge_role: RolePlayer, admin: Client) -> None:
    def arguments() -> list[str]:
        return list(admin.get(edge.ref)["spec"]["template"]["spec"]["containers"][0]["args"])

    role, before = edge_role.with_settings(retry_chains="entry_points", retry_entry_points=["web"]), arguments()
    planned = role.play("--check", "--diff").well()
    assert planned.changed == 2
    applied = role.play(facts="retry_verified").well()
    assert all(check["passed"] for check in printed(applied)["checks"])
    wanted = f"--entryPoints.web.http.middlewares={edge.namespace}-retry@kubernetescrd"
    assert arguments() == [*before, wanted]
    assert role.play().well().changed == 0
    role.roll_back()
    assert arguments() == before


def test_settings_of_a_release_are_left_to_traefik_ha(edge: OwnTraefik, edge_role: RolePlayer, admin: Client) -> None:
    marks = {"meta.helm.sh/release-name": "edge", "meta.helm.sh/release-namespace": edge.namespace}
    seen = admin.get(edge.ref)
    Writer(admin, check_mode=False).patch([Patch(seen, {"metadata": {"annotations": marks}})])
    role = edge_role.with_settings(retry_chains="entry_points", retry_entry_points=["web"])
    found = role.part("preflight", "retry_preflight")
    assert (found["findings"], found["entry_points_by"]) == ([], "traefik_ha")
    wanted = f"--entryPoints.web.http.middlewares={edge.namespace}-retry@kubernetescrd"
    assert found["chart_values"] == {"additionalArguments": [wanted]}
