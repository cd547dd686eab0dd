"""A second Traefik that serves the same routes: the run is refused until somebody says whether it may ask the proxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import eventually
from tests.integration.support_engine import Audited
from tests.integration.support_own_traefik import OwnTraefik, run, watching_only
from tests.integration.support_playbook import Player
from tests.integration.support_proxy_roles import AUTH, HOST, SPACE, ProxyLab

pytest_plugins = ["tests.integration.support_proxy_roles", "tests.integration.support_fixtures"]
MAY_ASK = " may ask the pods of Deployment proxy-roles/auth-proxy"


@pytest.fixture
def other(bare: ProxyLab, admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> Door:
    """The second one, beside the lab's, in a namespace of its own; strangers are led to the login through it."""
    traefik = OwnTraefik(namespace, watching_only(SPACE))
    cleaned(ref_of(traefik.binding()))
    Writer(admin, check_mode=False).apply([traefik.binding()])
    run(admin, traefik)

    def door() -> Door:
        (pod,) = bare.cluster.ready_pods(namespace, f"app={traefik.name}")
        return Door(bare.cluster, namespace, pod, 8000)

    eventually(lambda: ask(door(), HOST).status == 302, "the second Traefik has the routes", 60)
    return door()


def test_it_is_named_before_any_write_and_let_in_where_that_is_said(
    bare: ProxyLab, other: Door, audited: Audited, player: Player
) -> None:
    name = f"{other.namespace}/edge"
    refused = replace(bare.roles, connection=audited.options).play("auth_proxy", AUTH)
    assert refused.code != 0
    assert f"auth_proxy_other_traefiks: Deployment {name} serves 1 route ({HOST}) with" in refused.words
    assert f"say {{{name}: allow}} to let it ask the proxy" in refused.words
    assert not audited.writes()

    allowed = bare.auth(other_traefiks={name: "allow"})
    assert allowed.code == 0, allowed.output
    assert bare.address().startswith("http://auth-proxy.")
    assert [ask(other, HOST).status for _ in range(5)] == [302] * 5
    assert _let_in(bare) == ["traefik", other.namespace]
    assert _fenced(player) == []

    denied = bare.auth(other_traefiks={name: "deny"})
    assert denied.code == 0, denied.output
    assert f"Deployment {name} may not ask the proxy, as you said" in denied.words
    # The lab's network does not carry policies out: what verify says is by what they say.
    assert _let_in(bare) == ["traefik"]
    assert _fenced(player) == [f"Deployment {name}"]


def _let_in(lab: ProxyLab) -> list[str]:
    """The namespaces of the Traefiks that the proxy's NetworkPolicy lets in."""
    policy = lab.cluster.read(f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/networkpolicies/auth-proxy")
    spaces = [each["namespaceSelector"]["matchLabels"] for each in policy["spec"]["ingress"][0]["from"]]
    return [str(each["kubernetes.io/metadata.name"]) for each in spaces]


def _fenced(player: Player) -> list[str]:
    """Whom forward_auth_check finds kept out of the proxy, where nobody says that it is to be."""
    options = {"traefik": {"namespace": "traefik", "workload": "traefik"}, "required": "listed"}
    proxies = [{"middleware": {"namespace": SPACE, "name": "sso"}}]
    checks = player.task("forward_auth_check", options | {"proxies": proxies}).result["checks"]
    told = [each["name"] for each in checks if MAY_ASK in each["name"] and not each["passed"]]
    assert any(MAY_ASK in each["name"] and each["passed"] for each in checks)
    return sorted({name.split(": ")[1].removesuffix(MAY_ASK) for name in told})
