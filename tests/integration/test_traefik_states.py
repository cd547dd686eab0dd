"""The module traefik_info on Traefiks in states that the lab's is never in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.open_api import (
    opened,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import (
    ApiClosed,
    NoReplica,
    read_routing,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload, refresh_replicas
from tests.integration.lab_cluster import eventually
from tests.integration.support_engine import namespace_object, remove
from tests.integration.support_opening import info, opening_routes
from tests.integration.support_own_traefik import OwnTraefik, run, watching_only
from tests.integration.support_playbook import Player

pytest_plugins = ["tests.integration.support_fixtures"]

ROUTERS = 1200


@pytest.fixture(scope="module")
def others(admin: Client) -> Iterator[str]:
    """A namespace with Traefiks in all sorts of states."""
    namespace = f"traefiks-{uuid4().hex[:8]}"
    writer = Writer(admin, check_mode=False)
    writer.apply([namespace_object(namespace)])
    host = _on_the_host(namespace)
    bindings = [host.binding(), _guarded(namespace).binding()]
    writer.apply(bindings)
    run(admin, _sick(namespace), ready=False)
    run(admin, _nobody(namespace), ready=False)
    for traefik in (_with_many_routers(namespace), host, _guarded(namespace)):
        run(admin, traefik, ready=False)
    wait_until_ready(admin, [traefik.ref for traefik in (host, _with_many_routers(namespace))], 120, print)
    wait_until_ready(admin, [_guarded(namespace).ref], 120, print)
    yield namespace
    writer.delete([ref_of(binding) for binding in bindings])
    remove(admin, ObjectRef("v1", "Namespace", namespace))


def _with_many_routers(namespace: str) -> OwnTraefik:
    """Its API is open to all, it has no metrics, and two of its routers cannot be."""
    service = {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:9"}]}}
    routers: dict[str, Any] = {
        f"site-{number:04}": {"rule": f"Host(`{number}.test`)", "service": "none"} for number in range(ROUTERS)
    }
    routers["site-0007"]["middlewares"] = ["nowhere"]
    routers["site-0008"]["service"] = "nowhere"
    users = {"basicAuth": {"users": ["alice:$2y$05$secrethashsecrethashse"]}}
    http = {"routers": routers, "services": {"none": service}, "middlewares": {"login": users}}
    return OwnTraefik(
        namespace,
        name="many",
        arguments=[
            "--global.checkNewVersion=false",
            "--entryPoints.web.address=:8000",
            "--api.insecure=true",
            "--providers.file.filename=/etc/traefik/routes.yml",
        ],
        files={"routes.yml": json.dumps({"http": http})},
    )


def _on_the_host(namespace: str) -> OwnTraefik:
    """A DaemonSet on one node's own network, with its settings in a file."""
    settings = {
        "global": {"checkNewVersion": False},
        "entryPoints": {"traefik": {"address": "127.0.0.1:18080"}, "edge": {"address": ":18000"}},
        "api": {},
        "ping": {},
        "providers": {"kubernetesCRD": {"namespaces": [namespace], "labelSelector": "served-by=host"}},
    }
    node = {"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}}
    anywhere = {"tolerations": [{"operator": "Exists"}], "hostNetwork": True}
    files = {"traefik.yml": yaml.safe_dump(settings)}
    return OwnTraefik(namespace, kind="DaemonSet", name="host", pod=node | anywhere, files=files)


def _guarded(namespace: str) -> OwnTraefik:
    """Two replicas that are ready at once."""
    ready = {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 1}
    return OwnTraefik(namespace, watching_only(namespace), name="guarded", replicas=2, readiness=ready)


def _sick(namespace: str) -> OwnTraefik:
    """Runs and never becomes ready. Its settings come from its environment."""
    never = {"httpGet": {"path": "/nowhere", "port": 8080}}
    environment = {"TRAEFIK_PING": "true", "TRAEFIK_ENTRYPOINTS_WEB_ADDRESS": ":8000"}
    return OwnTraefik(namespace, name="sick", readiness=never, environment=environment)


def _nobody(namespace: str) -> OwnTraefik:
    return OwnTraefik(namespace, ["--providers.file.directory=/tmp"], name="nobody", replicas=0)


def test_which_traefik_is_meant_must_be_said(player: Player, others: str) -> None:
    message = player.play(info(namespace=others)).tasks[0].message
    assert "more than one Traefik found" in message
    for name in ("Deployment {}/many", "DaemonSet {}/host", "Deployment {}/nobody", "Deployment {}/sick"):
        assert name.format(others) in message
    assert "Say which by its namespace and its name" in message
    none = player.play(info(namespace="kube-system"), info(namespace=others, workload="none")).tasks
    assert "no Deployment or DaemonSet with app.kubernetes.io/name=traefik or a Traefik image" in none[0].message
    assert f"no Deployment or DaemonSet none in namespace {others}" in none[1].message


def test_all_pages_are_read_and_faults_told(player: Player, others: str) -> None:
    task = info(namespace=others, workload="many", hosts=["5.test", "nowhere.test"])
    told = player.play(task).tasks[0].result
    assert told["api"] == "open"
    (replica,) = told["replicas"]
    assert len(replica["routing"]["routers"]["file"]) == ROUTERS
    assert [(fault["name"], fault["kind"]) for fault in told["faults"]] == [
        ("site-0007@file", "routers"),
        ("site-0008@file", "routers"),
    ]
    assert told["faults"][0]["errors"] == ['middleware "nowhere@file" does not exist']
    assert told["faults"][0]["replicas"] == [replica["name"]]
    assert "secrethash" not in json.dumps(told)
    assert replica["metrics"] is None
    assert "metrics.prometheus is off" in replica["metrics_problem"]
    assert [answer["status"] for answer in replica["answers"]] == [502, 404]


def test_a_daemon_set_on_the_hosts_network(player: Player, others: str) -> None:
    told = player.play(info(namespace=others, workload="host", open_api=True)).tasks[0].result
    assert told["api"] == "opened", told
    assert told["settings"]["source"] == "file /etc/traefik/traefik.yml"
    assert told["settings"]["entry_points"]["edge"]["port"] == 18000
    assert told["workload"]["wanted"] == len(told["replicas"]) == 1
    assert "ping@internal" in [router["name"] for router in told["replicas"][0]["routing"]["routers"]["internal"]]


def test_nobody_can_be_asked(player: Player, others: str) -> None:
    asked = {"namespace": others, "open_api": True, "hosts": ["a.test"]}
    tasks = [info(workload="nobody", entry_point="http", **asked), info(workload="sick", **asked)]
    nobody, sick = (played.result for played in player.play(*tasks).tasks)
    assert nobody["api"] == sick["api"] == "unknown"
    assert nobody["replicas"] == []
    assert [replica["ready"] for replica in sick["replicas"]] == [False]
    assert sick["settings"]["source"] == "environment"
    assert sick["settings"]["entry_points"]["web"]["port"] == 8000
    assert f"Deployment {others}/sick: none of 1 wanted replicas is ready" in sick["warnings"][0]


def test_an_api_that_cannot_be_opened_says_why(admin: Client, others: str) -> None:
    many = find_workload(admin, others, "many")
    many.entry_points["traefik"] = 8000
    with pytest.raises(ApiClosed, match="no IngressRoute can open its API"):
        _open(admin, many)
    many.arguments = {}
    with pytest.raises(ApiClosed, match="its API is off"):
        _open(admin, many)
    with pytest.raises(NoReplica, match="no replica is ready"):
        _open(admin, find_workload(admin, others, "nobody"))


def _open(client: Client, workload: Any) -> None:
    with opened(client, workload, Writer(client, check_mode=False)):
        pass


def test_replicas_that_go_and_come_meanwhile(admin: Client, others: str) -> None:
    workload, writer = find_workload(admin, others, "guarded"), Writer(admin, check_mode=False)
    before = {replica.name for replica in workload.ready}
    gone = workload.ready[0]
    with opened(admin, workload, writer) as headers:
        writer.delete([ObjectRef("v1", "Pod", gone.name, others)])
        seen = {routing.replica for routing in read_routing(admin, workload, headers)}
        assert gone.name not in seen
        assert seen & before
        eventually(lambda: len(refresh_replicas(admin, workload)) == len(workload.ready) == 2, "two are ready again")
        eventually(lambda: _answering(admin, workload, headers) == 2, "the new one has loaded the route")
    assert opening_routes(admin, others) == []


def _answering(client: Client, workload: Any, headers: dict[str, str]) -> int:
    try:
        return len(read_routing(client, workload, headers))
    except ApiClosed:
        return 0
