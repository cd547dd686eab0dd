"""The proxies' roles: planned, played, played again, undone, killed, and put back where a switch fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.http_in_pod import Door, ask
from tests.integration.support_engine import Audited
from tests.integration.support_fallback import basic
from tests.integration.support_proxy_roles import (
    AUTH,
    BOTS,
    BOTS_HOST,
    BOTS_SPACE,
    HOST,
    INTERN,
    PROXY,
    SPACE,
    ProxyLab,
    Roles,
)
from tests.integration.support_role import at_its_turn

pytest_plugins = ["tests.integration.support_proxy_roles", "tests.integration.support_fixtures"]
AT_ANOTHER_TASK = pytest.mark.variation("SIGKILL at every kind of task")
OURS = "http://auth-proxy.proxy-roles.svc.cluster.local.:9000/outpost.goauthentik.io/auth/traefik"


def audited_roles(lab: ProxyLab, audited: Audited) -> Roles:
    """The roles, played by a user whose writes are told."""
    return replace(lab.roles, connection=audited.options)


def test_check_apply_check_apply(bare: ProxyLab, audited: Audited) -> None:
    roles = audited_roles(bare, audited)
    before = bare.state(SPACE)
    planned = roles.play("auth_proxy", AUTH, "--check", "--diff")
    assert planned.code == 0, planned.output
    # The users' Secret, the neighbours' Secret, the proxy's objects, and the switch.
    assert planned.changed == 4, planned.output
    assert not audited.writes()
    assert bare.state(SPACE) == before
    for shown in ("Deployment proxy-roles/auth-proxy", "PodDisruptionBudget", "NetworkPolicy", f"+    address: {OURS}"):
        assert shown in planned.output
    assert "$2" not in planned.output, "no hash is shown"
    played = roles.play("auth_proxy", AUTH)
    assert (played.code, played.changed) == (0, 4), played.output
    assert bare.address() == OURS
    audited.writes()
    for options in (("--check", "--diff"), ()):
        again = roles.play("auth_proxy", AUTH, *options)
        assert (again.code, again.changed) == (0, 0), again.output
        assert not audited.writes()


def test_what_stands_is_as_it_should_be(hardened: ProxyLab) -> None:
    deployment = hardened.cluster.deployment(SPACE, "auth-proxy")
    pod = deployment["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["initContainers"]] == ["check-proxy", "check-login", "check-quit"]
    for container in pod["containers"] + pod["initContainers"]:
        assert "cpu" not in container["resources"]["limits"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    configuration = next(volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume)
    maps = hardened.cluster.read(f"/api/v1/namespaces/{SPACE}/configmaps", labelSelector=PROXY)["items"]
    assert [(item["metadata"]["name"], item.get("immutable")) for item in maps] == [(configuration, True)]
    nodes = [each["spec"]["nodeName"] for each in hardened.cluster.pods(SPACE, PROXY)]
    assert len(set(nodes)) == len(nodes) == 2
    service = hardened.cluster.read(f"/api/v1/namespaces/{SPACE}/services/auth-proxy")
    assert service["spec"]["trafficDistribution"] == "PreferSameNode"
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{SPACE}/endpointslices"
    (found,) = hardened.cluster.read(slices, labelSelector="kubernetes.io/service-name=auth-proxy")["items"]
    hinted = {each["nodeName"]: each["hints"]["forNodes"] for each in found["endpoints"]}
    assert hinted == {node: [{"name": node}] for node in nodes}


def test_verify_can_be_played_alone(hardened: ProxyLab) -> None:
    ended = hardened.roles.play("auth_proxy", AUTH, tasks_from="verify")
    assert (ended.code, ended.changed) == (0, 0), ended.output
    with hardened.target.failing("503"):
        fallen = hardened.roles.play("auth_proxy", AUTH, tasks_from="verify")
    assert fallen.code == 0, fallen.output


def test_nobody_passes_an_identity_of_his_own(hardened: ProxyLab, traefik_doors: list[Door]) -> None:
    forged = {"X-authentik-username": "admin", "X_authentik_username": "admin", "X-authentik-new": "admin"}
    forged |= {"X-Auth-Fallback": "forged", "X-authentik-groups": "admins"}
    with hardened.target.failing("503"):
        seen = ask(traefik_doors[0], HOST, "/headers", headers=forged | basic())
    assert seen.status == 200
    headers = {name.lower(): "".join(value) for name, value in json.loads(seen.body)["headers"].items()}
    assert headers["x-authentik-username"] == "emergency"
    assert headers["x-auth-fallback"] == "true"
    assert not [name for name, value in headers.items() if "admin" in value or "forged" in value]
    assert "authorization" not in headers, "the emergency login is for the proxy alone"


def test_another_setting_rolls_the_pods_and_old_configurations_go(hardened: ProxyLab) -> None:
    ended = hardened.auth(retry_after=77)
    assert ended.code == 0, ended.output
    maps = hardened.cluster.read(f"/api/v1/namespaces/{SPACE}/configmaps", labelSelector=PROXY)["items"]
    assert len(maps) == 1
    assert "77" in maps[0]["data"]["settings.js"]


def test_several_proxies_each_with_its_middleware(bare: ProxyLab, traefik_doors: list[Door]) -> None:
    intern = {"namespace": SPACE, "name": "sso-intern"}
    proxies = [
        {"name": "auth-proxy"},
        {"name": "intern-proxy", "middleware": intern, "fallback_policy": "deny", "replicas": 1},
    ]
    ended = bare.auth(proxies=proxies)
    assert ended.code == 0, ended.output
    assert bare.address() == OURS
    assert bare.address(middleware="sso-intern").startswith("http://intern-proxy.proxy-roles.svc.cluster.local.:9000/")
    with bare.target.failing("503"):
        assert ask(traefik_doors[0], HOST, "/").status == 401
        assert ask(traefik_doors[0], INTERN, "/").status == 503
    again = bare.auth(proxies=proxies)
    assert (again.code, again.changed) == (0, 0), again.output


def test_the_blocker_answers_as_before_and_lets_pass_when_it_is_gone(bare: ProxyLab, traefik_doors: list[Door]) -> None:
    ended = bare.roles.play("bot_block_proxy", BOTS)
    assert ended.code == 0, ended.output
    assert bare.address(BOTS_SPACE, "block").startswith(
        "http://bot-block-proxy.proxy-roles-bots.svc.cluster.local.:8080/"
    )
    forged = {"X-authentik-username": "admin", "X_authentik_username": "admin", "User-Agent": "Mozilla/5.0"}
    for door in traefik_doors:
        assert ask(door, BOTS_HOST, "/get", headers={"User-Agent": "GPTBot/1.2"}).status == 403
        seen = ask(door, BOTS_HOST, "/headers", headers=forged)
        assert seen.status == 200
        assert "admin" not in seen.body
    with bare.bots.failing("reset"):
        assert {ask(door, BOTS_HOST, "/get", headers=forged).status for door in traefik_doors} == {200}
    again = bare.roles.play("bot_block_proxy", BOTS)
    assert (again.code, again.changed) == (0, 0), again.output


@pytest.mark.variation("the way back of one role; that of all of them is tried with harden")
def test_rollback_gives_the_state_before(bare: ProxyLab) -> None:
    before = bare.state(SPACE)
    run_id = f"proxy-roles-{uuid4().hex[:8]}"
    roles = replace(bare.roles, run={"run_id": run_id})
    assert roles.play("auth_proxy", AUTH).code == 0
    assert roles.play("auth_proxy", AUTH | {"retry_after": 55}).code == 0, "a configuration of the run is removed again"
    # Sites of other tests come and go meanwhile.
    given = {"resilient_traefik_run_id": run_id, "resilient_traefik_sites": [HOST]}
    undone = at_its_turn(lambda: roles.playbook("rollback.yml", **given))
    assert undone.code == 0, undone.output
    assert bare.state(SPACE) == before


@pytest.mark.parametrize(
    "task",
    [
        pytest.param("Apply the proxy, and wait", marks=AT_ANOTHER_TASK),
        "Switch the middleware's address",
        pytest.param("must answer as before", marks=AT_ANOTHER_TASK),
    ],
)
def test_a_killed_controller_leaves_what_another_run_completes(bare: ProxyLab, task: str) -> None:
    bare.roles.kill_at(task, "auth_proxy", AUTH)
    completed = bare.auth()
    assert completed.code == 0, completed.output
    assert bare.address() == OURS
    again = bare.auth()
    assert (again.code, again.changed) == (0, 0), again.output


def test_the_disease_is_cured_while_it_lasts(bare: ProxyLab, traefik_doors: list[Door]) -> None:
    with bare.target.failing("500"):
        assert ask(traefik_doors[0], HOST, "/").status == 500
        ended = bare.auth()
        assert ended.code == 0, ended.output
        assert {ask(door, HOST, "/").status for door in traefik_doors} == {401}
        assert {ask(door, HOST, "/get", headers=basic()).status for door in traefik_doors} == {200}


def half_reachable(lab: ProxyLab) -> None:
    """Somebody has the proxy's Service lead to pods on the caller's own node alone, and one node has none."""
    labels = {"app.kubernetes.io/name": "auth-proxy", "app.kubernetes.io/part-of": "resilient-traefik"}
    ports = [{"name": "http", "port": 9000, "targetPort": "http"}]
    spec: dict[str, Any] = {"internalTrafficPolicy": "Local", "ports": ports}
    metadata = {"name": "auth-proxy", "namespace": SPACE, "labels": labels}
    item = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    lab.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(item))


def test_a_switch_that_fails_at_one_replica_is_taken_back(bare: ProxyLab, traefik_doors: list[Door]) -> None:
    asked = bare.address()
    half_reachable(bare)
    ended = bare.auth()
    assert ended.code != 0
    assert bare.address() == asked
    assert f"asks {asked} as before, because this failed" in ended.words
    assert "1 of 3 answers are not as expected" in ended.words
    assert "was 302" in ended.words
    assert {ask(door, HOST, "/").status for door in traefik_doors} == {302}
