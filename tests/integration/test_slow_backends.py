"""The module slow_backends before a Traefik of the test's own: the exception answers, all others are cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from tests.integration.support_backend import TRAEFIK, backend, backend_ref, before_ingresses, routes
from tests.integration.support_engine import Audited
from tests.integration.support_own_traefik import OwnTraefik, run
from tests.integration.support_playbook import Play, Player
from tests.integration.support_restore import Site

pytest_plugins = ["tests.integration.support_fixtures"]

# What all others may take, what the exception may, and what both need.
TIMEOUT, LONGER, NEEDED = "1s", "20s", 3


@pytest.fixture
def shop(admin: Client, namespace: str, cleaned: Callable[[ObjectRef], None]) -> OwnTraefik:
    """Two slow backends, each with an Ingress and an IngressRoute, behind a Traefik that waits for one second."""
    timeout = f"--serversTransport.forwardingTimeouts.responseHeaderTimeout={TIMEOUT}"
    traefik = before_ingresses(namespace, timeout)
    cleaned(ref_of(traefik.binding()))
    Writer(admin, check_mode=False).apply(
        [
            traefik.binding(),
            backend(namespace),
            *(each for name in ("slow", "plain") for each in routes(namespace, name)),
        ]
    )
    run(admin, traefik)
    wait_until_ready(admin, [backend_ref(namespace)], 60, print)
    return traefik


def slow(namespace: str, **more: Any) -> dict[str, Any]:
    """The task."""
    backends = [{"namespace": namespace, "service": "slow", "response_header_timeout": LONGER}]
    return {"resilient.traefik.slow_backends": {"backends": backends} | more}


def asking(traefik: OwnTraefik, status: int, *hosts: str) -> dict[str, Any]:
    """A task that wants this status from all these hosts, each of which needs longer than Traefik waits."""
    point = {"traefik": {"namespace": traefik.namespace, "workload": traefik.name, "entry_point": "web"}}
    requests = [{"host": host, "path": f"/delay/{NEEDED}", "expect": {"status": [status]}} for host in hosts]
    options = {"points": [point], "requests": requests, "timeout": 15, "wait_timeout": 30}
    return {"resilient.traefik.http_check": options}


def all_well(play: Play) -> None:
    """Every task ended well."""
    assert [task.message for task in play.tasks if task.outcome != "ok"] == []


def test_the_exception_answers_and_the_others_are_cut(shop: OwnTraefik, player: Player) -> None:
    both = ("slow.ingress.test", "slow.route.test")
    plain = ("plain.ingress.test", "plain.route.test")
    all_well(
        player.play(
            asking(shop, 504, *both, *plain),
            slow(shop.namespace),
            asking(shop, 200, *both),
            asking(shop, 504, *plain),
        )
    )


def test_check_apply_check_apply_and_a_rollback(
    shop: OwnTraefik, audited: Audited, kubeconfig: Path, admin: Client
) -> None:
    site = Site(admin, {"kubeconfig": str(kubeconfig)}, shop.namespace)
    before, owners = site.state(), site.owners()
    route = ObjectRef(TRAEFIK, "IngressRoute", "slow", shop.namespace)
    spec = admin.get(route)["spec"]
    player, task = audited.player(), slow(shop.namespace, run_id=f"slow-{shop.namespace}")
    planned = player.play(task, check=True).tasks[0]
    assert (planned.outcome, planned.changed) == ("ok", True), planned.message
    assert audited.writes() == []
    assert player.play(task).tasks[0].changed
    written = [write.kind for write in audited.writes() if write.namespace == shop.namespace]
    assert sorted(written) == ["ingressroutes", "serverstransports", "services"]
    for check in (True, False):
        again = player.play(task, check=check).tasks[0]
        assert (again.outcome, again.changed) == ("ok", False), again.message
    assert audited.writes() == []
    restored = player.task("restore", {"run_id": f"slow-{shop.namespace}"})
    assert restored.outcome == "ok", restored.message
    assert (site.state(), site.owners()) == (before, owners)
    assert admin.get(route)["spec"] == spec
    assert admin.find(ObjectRef(TRAEFIK, "ServersTransport", "slow-slow", shop.namespace)) is None


def test_a_service_that_is_not_there_is_refused(namespace: str, audited: Audited) -> None:
    (refused,) = audited.player().play(slow(namespace)).tasks
    assert f"there is no Service {namespace}/slow" in refused.message
    assert audited.writes() == []
