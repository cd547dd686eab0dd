"""What a retry covers, on the lab: connections that cannot be made, and nothing else unless it is told a status."""

from __future__ import annotations

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_retry import app, await_router, service, statuses
from tests.integration.support_traefik import middleware, route

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_retry_fixture"]


def lines(cluster: LabCluster, namespace: str, selector: str, text: str) -> int:
    """How many lines of the pod's log have the text: one is a request."""
    (pod,) = cluster.pods(namespace, selector)
    return sum(text in line for line in cluster.log(namespace, pod["metadata"]["name"]).splitlines())


@pytest.fixture
def guarded(shop: str, admin: Client, cluster: LabCluster, traefik_doors: list[Door]) -> str:
    """Sites behind a retry and then a ForwardAuth that answers 500, or 200; and one whose backend just hangs up."""
    address = f"http://alone.{shop}.svc.cluster.local/status"
    Writer(admin, check_mode=False).apply(
        [
            middleware(shop, "retry", retry={"attempts": 2, "initialInterval": "10ms"}),
            middleware(shop, "retry-503", retry={"attempts": 2, "initialInterval": "10ms", "status": ["500", "503"]}),
            middleware(shop, "refuses", forwardAuth={"address": f"{address}/500"}),
            middleware(shop, "allows", forwardAuth={"address": f"{address}/204"}),
            route(shop, "refused", {"name": "retry"}, {"name": "refuses"}, **app("alone")),
            route(shop, "refused-503", {"name": "retry-503"}, {"name": "refuses"}, **app("alone")),
            route(shop, "allowed-503", {"name": "retry-503"}, {"name": "allows"}, **app("alone")),
            route(shop, "allowed", {"name": "retry"}, {"name": "allows"}, **app("alone")),
        ]
    )
    for name in ("refused", "refused-503", "allowed-503", "allowed"):
        await_router(traefik_doors[0], f"{name}.{shop}.test")
    return shop


def _calls(cluster: LabCluster, namespace: str, door: Door, host: str, path: str, counted: str) -> tuple[int, set[int]]:
    """How many requests with that path the backend saw for ten of ours, and how they were answered."""
    before = lines(cluster, namespace, "app=well", counted)
    seen = statuses(door, f"{host}.{namespace}.test", 10, path)
    # The log may come a moment later than the answer.
    eventually(lambda: lines(cluster, namespace, "app=well", counted) >= before + 10, "the calls are logged", 10)
    return lines(cluster, namespace, "app=well", counted) - before, set(seen)


def test_a_failing_forward_auth_is_not_retried(guarded: str, cluster: LabCluster, traefik_doors: list[Door]) -> None:
    calls, statuses = _calls(cluster, guarded, traefik_doors[0], "refused", "/", "/status/500")
    assert (calls, statuses) == (10, {500})


def test_a_retry_on_status_asks_the_forward_auth_again(
    guarded: str, cluster: LabCluster, traefik_doors: list[Door]
) -> None:
    door = traefik_doors[0]
    calls, statuses = _calls(cluster, guarded, door, "allowed-503", "/status/503", "/status/204")
    assert (calls, statuses) == (20, {503})
    calls, statuses = _calls(cluster, guarded, door, "allowed", "/status/503", "/status/204")
    assert (calls, statuses) == (10, {503}), "without status an answer is an answer"
    calls, statuses = _calls(cluster, guarded, door, "refused-503", "/", "/status/500")
    assert (calls, statuses) == (20, {500})


CLOSES = """
daemon off;
pid /tmp/pid;
events {}
http {
    access_log /dev/stdout;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    keepalive_timeout 0;
    server {
        listen 8080;
        location / { return 444; }
    }
}
"""


@pytest.fixture
def closing(namespace: str, admin: Client, traefik_doors: list[Door]) -> str:
    """A backend that reads the request and hangs up, behind a retry, and behind one that retries on 502 too."""
    metadata = {"name": "closes", "namespace": namespace}
    container = {
        "name": "web",
        "image": "localhost/lab/nginx:1.31.3",
        "imagePullPolicy": "IfNotPresent",
        "args": ["-p", "/tmp", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"],
        "volumeMounts": [{"name": "conf", "mountPath": "/etc/nginx"}],
    }
    spec = {
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
        "volumes": [{"name": "conf", "configMap": {"name": "closes"}}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"labels": {"app": "closes"}}, "spec": spec}
    Writer(admin, check_mode=False).apply(
        [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"nginx.conf": CLOSES}},
            pod,
            service(namespace, "closes", app="closes"),
            middleware(namespace, "retry", retry={"attempts": 2, "initialInterval": "10ms"}),
            middleware(namespace, "retry-502", retry={"attempts": 2, "initialInterval": "10ms", "status": ["502"]}),
            route(namespace, "closed", {"name": "retry"}, **app("closes")),
            route(namespace, "closed-502", {"name": "retry-502"}, **app("closes")),
        ]
    )
    wait_until_ready(admin, [ObjectRef("v1", "Pod", "closes", namespace)], 60, print)
    for name in ("closed", "closed-502"):
        _await_502(traefik_doors[0], f"{name}.{namespace}.test")
    return namespace


def _await_502(door: Door, host: str) -> None:
    eventually(lambda: ask(door, host).status == 502, f"{host} is routed")


def test_what_broke_off_is_retried_only_as_a_status(
    closing: str, cluster: LabCluster, traefik_doors: list[Door]
) -> None:
    """The application may have done its work already: Traefik repeats such a request only when told to."""
    for name, tries in (("closed", 1), ("closed-502", 2)):
        path = f"/{name}-counted"
        assert ask(traefik_doors[0], f"{name}.{closing}.test", path).status == 502
        counted = [0]

        def logged(path: str = path, tries: int = tries, counted: list[int] = counted) -> bool:
            counted[0] = lines(cluster, closing, "app=closes", path)
            return counted[0] >= tries

        eventually(logged, f"{tries} tries of {path}", 10)
        assert counted[0] == tries
