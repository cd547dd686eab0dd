"""What the proxies' roles refuse, each in a sentence and before any write, and pods that never serve."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import eventually
from tests.integration.support_account import least_privilege_params
from tests.integration.support_engine import Audited
from tests.integration.support_even_load import EvenLoad
from tests.integration.support_fallback import basic
from tests.integration.support_playbook import Player
from tests.integration.support_proxy_roles import AUTH, BOTS, BOTS_SPACE, HOST, PROXY, SPACE, ProxyLab

pytest_plugins = ["tests.integration.support_proxy_roles", "tests.integration.support_fixtures"]
HOSTNAME = "kubernetes.io/hostname"


def quota(lab: ProxyLab, **hard: str) -> None:
    """A ResourceQuota in the proxy's namespace."""
    metadata = {"name": "small", "namespace": SPACE}
    item = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}
    lab.kubectl("apply", "-f", "-", text=json.dumps(item))
    path = f"/api/v1/namespaces/{SPACE}/resourcequotas/small"
    eventually(lambda: "used" in lab.cluster.read(path).get("status", {}), "the quota is counted", 30)


def test_everything_that_is_wrong_is_said_at_once(bare: ProxyLab, audited: Audited) -> None:
    quota(bare, pods="5")
    given: dict[str, Any] = {
        "replicas": 4,
        "fallback_policies": {"unheard.lab.test": "deny", "*.lab.test": "deny"},
        "htpasswd": "emergency:garbage",
        "priority_class": "none-such",
        "proxies": [
            {"name": "auth-proxy"},
            {"name": "second", "middleware": {"namespace": SPACE, "name": "none"}},
            {"name": "third", "middleware": {"namespace": SPACE, "name": "slow-down"}, "replcas": 3},
        ],
    }
    ended = replace(bare.roles, connection=audited.options).play("auth_proxy", AUTH | given)
    assert ended.code != 0
    for sentence in (
        "auth_proxy_replicas (auth-proxy): 4 replicas, one a node, need as many nodes that take pods, and there are 3",
        "set when_unsatisfiable: ScheduleAnyway",
        "auth_proxy_fallback_policies (auth-proxy): unheard.lab.test is an unknown host",
        "auth_proxy_fallback_policies (auth-proxy): '*.lab.test' is not a host name",
        "auth_proxy_htpasswd (auth-proxy): the text: line 1 is not an htpasswd entry",
        "auth_proxy_priority_class (auth-proxy): there is no PriorityClass none-such",
        "ResourceQuota small leaves",
        "auth_proxy_middleware (second): there is no ForwardAuth middleware named none in namespace proxy-roles",
        "(third): Middleware proxy-roles/slow-down is not a ForwardAuth middleware, it has rateLimit",
        "auth_proxy_proxies (third): replcas is no setting of a proxy",
    ):
        assert sentence in ended.words
    assert "garbage" not in ended.output
    assert not audited.writes()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"traefik_namespace": SPACE}, "auth_proxy_traefik_name: no Deployment or DaemonSet with"),
        (
            {"target": {"namespace": SPACE, "service": "site"}},
            "(Service proxy-roles/ak-outpost-authentik-embedded-outpost), which is neither the target nor this proxy",
        ),
        ({"namespace": "none-such"}, "auth_proxy_namespace: there is no namespace none-such"),
    ],
)
def test_a_wrong_place_is_one_sentence(bare: ProxyLab, audited: Audited, given: dict[str, Any], words: str) -> None:
    ended = replace(bare.roles, connection=audited.options).play("auth_proxy", AUTH | given)
    assert ended.code != 0
    assert words in ended.words
    assert not audited.writes()


def test_a_proxy_that_does_not_reach_its_target_is_not_taken_for_one_that_does(bare: ProxyLab) -> None:
    """Its fallback lets everybody in, as the blocker does with people, so the status alone tells nothing."""
    ended = bare.roles.play("bot_block_proxy", BOTS | {"dns": "192.0.2.53", "bot_user_agent": ""})
    assert ended.code != 0
    assert "header X-Auth-Fallback should be absent" in ended.words
    assert bare.address(BOTS_SPACE, "block").startswith("http://poison-fountain.")


@pytest.mark.variation("a single node, which molecule's scenario has too")
def test_a_single_node_is_refused_or_shared(bare: ProxyLab) -> None:
    node = bare.cluster.read("/api/v1/nodes")["items"][-1]["metadata"]["name"]
    ended = bare.auth(node_selector={HOSTNAME: node})
    assert "2 replicas, one a node, need as many nodes that take pods, and there is 1" in ended.words
    ended = bare.auth(node_selector={HOSTNAME: node}, when_unsatisfiable="ScheduleAnyway")
    assert ended.code == 0, ended.output
    assert {pod["spec"]["nodeName"] for pod in bare.cluster.pods(SPACE, PROXY)} == {node}


def test_somebody_elses_proxy_is_named(bare: ProxyLab) -> None:
    address = f"http://site.{SPACE}.svc.cluster.local:80/outpost.goauthentik.io/auth/traefik"
    change = json.dumps({"spec": {"forwardAuth": {"address": address}}})
    bare.kubectl("patch", "middleware", "-n", SPACE, "sso", "--type", "merge", "-p", change)
    ended = bare.auth()
    assert ended.code != 0
    assert f"asks {address}, and Service {SPACE}/site is not authentik's: somebody else's proxy" in ended.words


def test_rights_that_are_missing_are_named(bare: ProxyLab) -> None:
    account = {"impersonate_user": "nobody", "impersonate_groups": ["system:authenticated"]}
    connection = dict(bare.roles.connection) | account
    ended = replace(bare.roles, connection=connection).play("auth_proxy", AUTH)
    assert ended.code != 0
    assert 'cannot list resource "middlewares"' in ended.words
    assert "no right to get, create and patch deployments.apps in namespace proxy-roles" in ended.words


def test_the_account_of_the_docs_lacks_nothing(bare: ProxyLab, admin: Client) -> None:
    proxy = {"name": "auth-proxy-try", "namespace": "traefik", "middleware": AUTH["middleware"], "users": AUTH["users"]}
    played = Player(least_privilege_params(admin, namespaces=("traefik", SPACE))).task(
        "forward_auth_info", {"proxies": [proxy]}
    )
    assert played.outcome == "ok", played.message
    assert played.result["findings"] == []
    assert played.result["proxies"][0]["target"]["namespace"] == SPACE


def test_an_api_that_does_not_answer_is_one_error(bare: ProxyLab) -> None:
    connection = dict(bare.roles.connection) | {"host": "https://127.0.0.1:1"}
    ended = replace(bare.roles, connection=connection).play("auth_proxy", AUTH)
    assert ended.code != 0
    assert "no answer from the API server https://127.0.0.1:1" in ended.words


def test_a_bad_configuration_never_replaces_a_good_pod(hardened: ProxyLab, traefik_doors: list[Door]) -> None:
    good = hardened.cluster.ready_pods(SPACE, PROXY)
    ended = hardened.auth(image_modules=["/nowhere/module.so"], wait_timeout=20)
    assert ended.code != 0
    assert "(check-proxy)" in ended.words
    assert 'dlopen() "/nowhere/module.so" failed' in ended.words
    assert hardened.cluster.ready_pods(SPACE, PROXY) == good
    assert {ask(door, HOST, "/").status for door in traefik_doors} == {302}
    mended = hardened.auth()
    assert mended.code == 0, mended.output


# Beside three workers 66 of 4,822 requests met a target that got no time.
@pytest.mark.quiet
@pytest.mark.slow
@pytest.mark.variation(
    "5,000 requests while pods are replaced; test_drill.py and molecule's drills replace some each time"
)
def test_no_request_is_lost_while_pods_are_replaced(hardened: ProxyLab, record_property: Any) -> None:
    load = EvenLoad(hardened.nodes(), HOST, {"stranger": {}}, 50)
    with load.running():
        for mark in ("one", "two"):
            change = {"spec": {"template": {"metadata": {"annotations": {"lab.test/roll": mark}}}}}
            hardened.kubectl(
                "patch", "deployment", "-n", SPACE, "auth-proxy", "--type", "merge", "-p", json.dumps(change)
            )
            hardened.kubectl("rollout", "status", "-n", SPACE, "deployment/auth-proxy", "--timeout=60s")
            eventually(lambda: len(hardened.cluster.all_pods(SPACE, PROXY)) == 2, "old pods are gone", 60)
        gone = hardened.cluster.ready_pods(SPACE, PROXY)[0]
        hardened.kubectl("delete", "pod", "-n", SPACE, gone)
    answers = load.statuses(0, float("inf"))
    record_property("answers", answers)
    # A pod that goes too early shows as no answer, 500 or 502. A target that gets no time on a loaded machine means an
    # error of the request's own (504), or the fallback: no fault of the replacing.
    assert not [status for status in answers if status == 0 or (status >= 500 and status != 504)], answers
    assert answers[302] > 0.99 * sum(answers.values()), answers


@pytest.mark.slow
def test_no_login_is_lost_while_pods_are_replaced_in_the_fallback(hardened: ProxyLab) -> None:
    load = EvenLoad(hardened.nodes(), HOST, {"stranger": {}, "emergency": basic()}, 20)
    with hardened.target.failing("503"), load.running():
        hardened.kubectl("rollout", "restart", "-n", SPACE, "deployment/auth-proxy")
        hardened.kubectl("rollout", "status", "-n", SPACE, "deployment/auth-proxy", "--timeout=60s")
        eventually(lambda: len(hardened.cluster.all_pods(SPACE, PROXY)) == 2, "old pods are gone", 60)
    ever = float("inf")
    assert set(load.statuses(0, ever, "stranger")) == {401}
    assert set(load.statuses(0, ever, "emergency")) == {200}
