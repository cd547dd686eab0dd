"""Sites whose backend refuses connections, and what the tests of retrying ask them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.metrics import scrape, summary
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload
from tests.integration.http_in_pod import Door, ask
from tests.integration.lab_cluster import eventually

HTTPBIN = "localhost/lab/go-httpbin:2.26.0"


def deployment(namespace: str, name: str, port: int) -> Object:
    """A web server on the port; without a probe, so that it counts as ready whatever port is asked."""
    labels = {"app": name, "site": "yes"}
    arguments = ["-host", "0.0.0.0", "-port", str(port)]
    container = {"name": "web", "image": HTTPBIN, "imagePullPolicy": "IfNotPresent", "args": arguments}
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def service(namespace: str, name: str, **selector: str) -> Object:
    """A Service of port 80 for pods that listen on 8080."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": selector, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def app(name: str = "web") -> dict[str, Any]:
    """The services of a route to that Service."""
    return {"services": [{"name": name, "port": 80}]}


def await_router(door: Door, host: str) -> None:
    """Waits until the replica does not answer 404 by itself any more."""
    eventually(lambda: ask(door, host).status != 404, f"{door.pod} has a router of {host}")


def await_both_backends(door: Door, host: str) -> None:
    """Traefik uses the pod that serves and the one that refuses, in turn."""

    def both() -> bool:
        return {ask(door, host).status, ask(door, host).status} == {200, 502}

    eventually(both, f"{door.pod} uses both backends of {host}")


def statuses(door: Door, host: str, count: int, path: str = "/status/200") -> Counter[int]:
    """How often each status came for that many requests, one after the other."""
    return Counter(ask(door, host, path).status for _ in range(count))


def statuses_of_one_configuration(client: Client, door: Door, host: str, count: int) -> Counter[int]:
    """The same while Traefik takes up nothing new: with every change it begins anew with the first backend."""
    workload = find_workload(client, "traefik", "traefik")
    (replica,) = [replica for replica in workload.replicas if replica.name == door.pod]
    seen: list[Counter[int]] = []

    def undisturbed() -> bool:
        reloads = summary(scrape(client, workload, replica))["reloads"]
        seen.append(statuses(door, host, count))
        return bool(summary(scrape(client, workload, replica))["reloads"] == reloads)

    eventually(undisturbed, f"{door.pod} answers {count} requests without a change between them")
    return seen[-1]
