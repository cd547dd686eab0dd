"""A rolling restart of Traefik under an even load: what an unhardened one loses, and a hardened one does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.support_backend import backend, backend_ref, routes
from tests.integration.support_even_load import EvenLoad
from tests.integration.support_own_traefik import OwnTraefik, run, watching_only
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = pytest.mark.quiet

# Requests a second, one in five of which takes the second that another one is under way when its replica goes.
RATE = 25.0
CLIENTS: dict[str, dict[str, str]] = {"quick": {}, "slow": {}}
TURNS = ("quick", "quick", "quick", "quick", "slow")
PATHS = {"quick": "/status/200", "slow": "/delay/1"}
HOST = "roll.route.test"


@pytest.fixture
def edge(admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> OwnTraefik:
    """Three replicas with the probes and the grace period of the official chart, and a site behind them."""
    probe = {"httpGet": {"path": "/ping", "port": 8080}, "initialDelaySeconds": 2, "failureThreshold": 1}
    traefik = OwnTraefik(
        namespace,
        watching_only(namespace),
        replicas=3,
        readiness=probe | {"periodSeconds": 10},
        pod={"terminationGracePeriodSeconds": 60},
    )
    cleaned(ref_of(traefik.binding()))
    objects = [traefik.binding(), door(traefik), backend(namespace), *routes(namespace, "roll")]
    Writer(admin, check_mode=False).apply(objects)
    run(admin, traefik)
    wait_until_ready(admin, [backend_ref(namespace)], 60, print)
    return traefik


def door(traefik: OwnTraefik) -> Object:
    """A Service of Traefik that every node answers on one port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": traefik.name, "namespace": traefik.namespace},
        "spec": {
            "type": "NodePort",
            "selector": {"app": traefik.name},
            "ports": [{"name": "web", "port": 80, "targetPort": 8000}],
        },
    }


def addresses(client: Client, traefik: OwnTraefik) -> list[str]:
    """Where the nodes answer for it."""
    service = client.get(ObjectRef("v1", "Service", traefik.name, traefik.namespace))
    port = service["spec"]["ports"][0]["nodePort"]
    nodes = client.request("GET", "/api/v1/nodes")["items"]
    found = [entry for node in nodes for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"]
    return [f"{entry['address']}:{port}" for entry in found]


def rolled(client: Client, traefik: OwnTraefik) -> EvenLoad:
    """The replies to a load that lasts as long as a rolling restart, and a little longer."""
    load = EvenLoad(addresses(client, traefik), HOST, CLIENTS, RATE, TURNS, PATHS)
    with load.running():
        begun = time.monotonic()
        load.sent_until(begun + 2)
        restart(client, traefik)
        wait_until_ready(client, [traefik.ref], 120, print)
        load.sent_until(time.monotonic() + 2)
    return load


def restart(client: Client, traefik: OwnTraefik) -> None:
    """As kubectl rollout restart does it."""
    now = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    body: dict[str, Any] = {"spec": {"template": {"metadata": {"annotations": now}}}}
    Writer(client, check_mode=False).patch([Patch(client.get(traefik.ref), body, again=_again(body))])


def _again(body: dict[str, Any]) -> Callable[[Object], Patch | None]:
    return lambda newer: Patch(newer, body, again=_again(body))


@pytest.mark.variation("a roll of Traefik under load; drills take replicas away each time")
@pytest.mark.slow
def test_a_rolling_restart_loses_nothing(
    edge: OwnTraefik, admin: Client, player: Player, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rolled(admin, edge)
    hardened = player.task("traefik_settings", {"namespace": edge.namespace, "workload": edge.name})
    assert hardened.outcome == "ok", hardened.message
    after = rolled(admin, edge)
    whole = (0.0, float("inf"))
    with capsys.disabled():
        print(f"\nrolling restart at {RATE:g}/s: before {before.statuses(*whole)}, after {after.statuses(*whole)}")
    assert set(after.statuses(*whole)) == {200}
