"""NetworkPolicies of others on the way from Traefik over a proxy to its target."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import forward_auth_links as links
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_fences import fence_checks
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import Replica, Workload
from tests.unit.traefik.test_forward_auth_links import hardened

Object = dict[str, Any]


def workload() -> Workload:
    template = {"metadata": {"labels": {"app": "traefik"}}, "spec": {"containers": [{"name": "traefik"}]}}
    item = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "traefik", "namespace": "edge"},
        "spec": {"template": template},
    }
    ref = ObjectRef("apps/v1", "Deployment", "traefik", "edge")
    return Workload(ref, "3.7.9", [Replica("t1", "edge", "n1", "10.0.0.1", True)], {}, {}, "arguments", "", 1, item)


def policy(namespace: str, **spec: Any) -> Object:
    metadata = {"name": "of-others", "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def found(*policies: Object) -> list[tuple[str, bool, str]]:
    state = hardened()
    around = links.Surroundings(
        **{name: value for name, value in state.items() if name != "middleware"}, policies=policies
    )
    middleware = {"metadata": {"name": "login", "namespace": "edge"}, "spec": {"forwardAuth": state["middleware"]}}
    checks = fence_checks("login", workload(), links.proxy_behind(middleware, around), around)
    return [(check.name, check.passed, check.found) for check in checks]


TO_PROXY = "login: Traefik may ask the pods of Deployment traefik/auth-proxy"
TO_TARGET = "login: Deployment traefik/auth-proxy may ask the pods of its target"


def test_without_policies_both_stretches_are_open() -> None:
    assert [each[:2] for each in found()] == [(TO_PROXY, True), (TO_TARGET, True)]


@pytest.mark.parametrize(
    ("closed", "stretch"),
    [
        (policy("edge", podSelector={}, policyTypes=["Egress"]), TO_PROXY),
        (policy("traefik", podSelector={}, policyTypes=["Ingress"]), TO_PROXY),
        (policy("traefik", podSelector={}, policyTypes=["Egress"]), TO_TARGET),
        (policy("sso", podSelector={"matchLabels": {"app": "outpost"}}, policyTypes=["Ingress"]), TO_TARGET),
        (policy("sso", podSelector={}, ingress=[{"ports": [{"port": 9443}]}]), TO_TARGET),
    ],
    ids=["Traefik asks nobody", "nobody asks the proxy", "the proxy asks nobody", "its target", "another port"],
)
def test_what_closes_one_of_them_is_named(closed: Object, stretch: str) -> None:
    failed = [(name, words) for name, passed, words in found(closed) if not passed]
    assert [name for name, _words in failed] == [stretch]
    assert f"NetworkPolicy {closed['metadata']['namespace']}/of-others lets" in failed[0][1]


def test_only_the_port_that_is_asked_has_to_be_open() -> None:
    narrow = policy("sso", podSelector={}, ingress=[{"ports": [{"port": 9000}]}])
    assert all(passed for _name, passed, _words in found(narrow))
