"""An application of two pods behind a Traefik of its own, restarted again and again under an even load."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.retry import middleware
from tests.integration.lab_cluster import eventually
from tests.integration.support_even_load import EvenLoad
from tests.integration.support_own_traefik import OwnTraefik, run, watching_only
from tests.integration.support_retry import HTTPBIN, service
from tests.integration.support_traefik import TRAEFIK

HOST = "leaving.route.test"
NAME = "web"


@dataclass(frozen=True)
class Restarted:
    """What became of the requests while the application was restarted that often."""

    restarts: int
    statuses: dict[int, int]
    longest: float

    @property
    def lost(self) -> int:
        """Requests that were not answered by the application."""
        return sum(times for status, times in self.statuses.items() if status != 200)


@dataclass(frozen=True)
class Leaving:
    """The application in a namespace with its Traefik. ``addresses`` are where the nodes answer for that."""

    client: Client
    namespace: str
    addresses: list[str]

    def bring(self, attempts: int, pre_stop: int) -> None:
        """Brings it: with so many tries of a request (0: no retry), and seconds of sleep before its pods end."""
        objects = [application(self.namespace, pre_stop), service(self.namespace, NAME, app=NAME)]
        if attempts:
            objects.append(middleware(self.namespace, "retry", attempts, "100ms", {}))
        Writer(self.client, check_mode=False).apply([*objects, routed(self.namespace, bool(attempts))])
        self.wait()

    def wait(self) -> None:
        """Until all of its pods are ready, and no other ones are left."""
        wait_until_ready(self.client, [ref_of(application(self.namespace, 0))], 120, print)

    def restart(self) -> None:
        """As kubectl rollout restart does it."""
        now = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
        body: dict[str, Any] = {"spec": {"template": {"metadata": {"annotations": now}}}}

        def again(newer: Object) -> Patch:
            return Patch(newer, body, again=again)

        seen = self.client.get(ref_of(application(self.namespace, 0)))
        Writer(self.client, check_mode=False).patch([again(seen)])
        self.wait()

    def restarted(self, rate: float, requests: int) -> Restarted:
        """Restarts it again and again while so many requests a second are sent, until there are enough of them."""
        load = EvenLoad(self.addresses, HOST, {"visitor": {}}, rate, paths={"visitor": "/status/200"})
        warm = EvenLoad(self.addresses, HOST, {"visitor": {}}, 10, paths={"visitor": "/status/200"})
        with warm.running():
            eventually(lambda: _all_well(warm), "every replica leads to the application", 60)
        restarts = 0
        with load.running():
            load.sent_until(time.monotonic() + 1)
            while len(load.replies) < requests:
                self.restart()
                restarts += 1
            # The last pod may still be on its way out.
            load.sent_until(time.monotonic() + 8)
        longest = max(reply.seconds for reply in load.replies)
        return Restarted(restarts, load.statuses(0, float("inf")), longest)


def _all_well(load: EvenLoad) -> bool:
    newest = load.replies[-30:]
    return len(newest) == 30 and all(reply.status == 200 for reply in newest)


def application(namespace: str, pre_stop: int) -> Object:
    """Two pods of a program that closes its port when it is told to end, and ends what it has begun."""
    container: dict[str, Any] = {
        "name": "web",
        "image": HTTPBIN,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-host", "0.0.0.0", "-port", "8080"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/status/200", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 2},
    }
    if pre_stop:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": pre_stop}}}
    labels = {"app": NAME}
    spec = {
        "replicas": 2,
        # A new pod serves for a while before the next one goes.
        "minReadySeconds": 3,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    metadata = {"name": NAME, "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def routed(namespace: str, retried: bool) -> Object:
    """The route to it."""
    rule: dict[str, Any] = {"kind": "Rule", "match": f"Host(`{HOST}`)", "services": [{"name": NAME, "port": 80}]}
    if retried:
        rule["middlewares"] = [{"name": "retry"}]
    metadata = {"name": NAME, "namespace": namespace}
    spec = {"entryPoints": ["web"], "routes": [rule]}
    return {"apiVersion": TRAEFIK, "kind": "IngressRoute", "metadata": metadata, "spec": spec}


def leaving(client: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> Leaving:
    """The Traefik: three replicas with the time limits of the role traefik_ha, on one port of every node."""
    limits = "--serversTransport.forwardingTimeouts."
    arguments = watching_only(namespace, f"{limits}dialTimeout=2s", f"{limits}responseHeaderTimeout=30s")
    readiness = {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 1}
    traefik = OwnTraefik(namespace, arguments, replicas=3, readiness=readiness)
    cleaned(ref_of(traefik.binding()))
    spec = {"type": "NodePort", "selector": {"app": traefik.name}, "ports": [{"port": 80, "targetPort": 8000}]}
    metadata = {"name": traefik.name, "namespace": namespace}
    door = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    Writer(client, check_mode=False).apply([traefik.binding(), door])
    run(client, traefik)
    port = client.get(ref_of(door))["spec"]["ports"][0]["nodePort"]
    nodes = client.request("GET", "/api/v1/nodes")["items"]
    found = [entry for node in nodes for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"]
    return Leaving(client, namespace, [f"{entry['address']}:{port}" for entry in found])
