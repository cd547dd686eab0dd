"""The fixture of sites whose backend refuses connections."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.http_in_pod import Door
from tests.integration.support_retry import app, await_both_backends, deployment, service
from tests.integration.support_traefik import ingress, middleware, route


@pytest.fixture
def shop(namespace: str, admin: Client, traefik_doors: list[Door]) -> str:
    """Sites on a Service of two ready pods, one of which refuses connections, and sites that nobody can retry."""
    Writer(admin, check_mode=False).apply(
        [
            deployment(namespace, "well", 8080),
            deployment(namespace, "refusing", 9090),
            service(namespace, "web", site="yes"),
            service(namespace, "alone", app="well"),
            middleware(namespace, "marked", headers={"customResponseHeaders": {"X-Marked": "yes"}}),
            ingress(namespace, "plain"),
            ingress(namespace, "chained", f"{namespace}-marked@kubernetescrd"),
            ingress(namespace, "broken", f"{namespace}-gone@kubernetescrd"),
            ingress(namespace, "foreign", ingress_class="nginx"),
            route(namespace, "routed", {"name": "marked"}, **app()),
        ]
    )
    refs = [ObjectRef("apps/v1", "Deployment", name, namespace) for name in ("well", "refusing")]
    wait_until_ready(admin, refs, 120, print)
    for door in traefik_doors:
        for name in ("plain", "routed"):
            await_both_backends(door, f"{name}.{namespace}.test")
    return namespace
