"""The module traefik_info on the lab's Traefik, and on others in states that the lab's is never in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
import yaml

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import wait_until_ready
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.open_api import (
    API_VERSION,
    EXPIRES_LABEL,
    KIND,
    opened,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import (
    ApiClosed,
    NoReplica,
    read_each,
    read_routing,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload, refresh_replicas
from tests.integration.lab_cluster import eventually
from tests.integration.support_engine import Audited, namespace_object, remove
from tests.integration.support_own_traefik import OwnTraefik, run, watching_only
from tests.integration.support_playbook import AS_MODULE, IN_PROCESS, Player
from tests.integration.support_rights import May, rule

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_rights_fixtures"]

ROUTERS = 1200
OPEN = {"namespace": "traefik", "open_api": True}


def info(**arguments: Any) -> dict[str, Any]:
    """A task of the module."""
    return {"resilient.traefik.traefik_info": arguments}


def opening_routes(client: Client, namespace: str) -> list[Object]:
    """The routes that open Traefik's API at this moment."""
    (answer,) = read_found(client, [Query(API_VERSION, KIND, namespace=namespace, label_selector=EXPIRES_LABEL)])
    return answer.items


# --- the lab's ----------------------------------------------------------------------------------------------------


class Watcher:
    """Collects the rules of opening routes while the context lasts: they hold the tokens."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.rules: set[str] = set()
        self._over = Event()
        self._where = client, namespace
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def tokens(self) -> set[str]:
        """The tokens seen."""
        return {rule.split("`")[3] for rule in self.rules}

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self.rules |= {route["match"] for item in opening_routes(*self._where) for route in item["spec"]["routes"]}


def test_the_api_is_opened_for_the_question_only(admin: Client, audited: Audited) -> None:
    player = audited.player()
    in_check_mode = player.play(info(**OPEN), check=True).tasks[0]
    assert in_check_mode.result["api"] == "closed", in_check_mode.message
    assert "Check mode does not open it" in in_check_mode.result["api_reason"]
    assert audited.writes() == []
    with Watcher(admin, "traefik") as watcher:
        play = player.play(info(**OPEN), options=("-vvv",), diff=True)
    told = play.tasks[0].result
    assert told["api"] == "opened", play.output
    assert not told["changed"]
    written = [(write.verb, write.kind) for write in audited.writes()]
    assert written == [("create", "ingressroutes"), ("delete", "ingressroutes")]
    assert watcher.tokens()
    for token in watcher.tokens():
        assert len(token) >= 43
        assert token not in play.output + json.dumps(told)
    workload = find_workload(admin, "traefik")
    with pytest.raises(ApiClosed):
        read_each(admin, workload, {})
    assert told["workload"]["running_versions"] == [told["workload"]["version"]] == [workload.version]
    assert {replica["name"] for replica in told["replicas"]} == {replica.name for replica in workload.replicas}
    for replica in told["replicas"]:
        providers = replica["routing"]["routers"]
        assert {"kubernetescrd", "kubernetes", "internal"} <= set(providers)
        assert all(router["name"] and router["status"] for routers in providers.values() for router in routers)
        assert "resilient-traefik-api" not in json.dumps(providers)
    assert told["parity_proof"] == ["api"]


def test_with_the_api_closed_the_rest_is_told(player: Player) -> None:
    play = player.play(info(namespace="traefik", hosts=["nowhere.test", "public.lab.test/status/204"]))
    told = play.tasks[0].result
    assert told["api"] == "closed", play.output
    assert "HTTP 404 for /api/overview on entry point 'traefik'" in told["api_reason"]
    assert told["delivery"]["kind"] == "manifest"
    assert told["settings"]["entry_points"]["websecure"]["tls"]
    assert told["settings"]["entry_points"]["metrics"]["port"] == 9100
    assert told["settings"]["forwarding_timeouts"]["responseheadertimeout"] == "0s"
    assert set(told["settings"]["providers"]) == {"kubernetescrd", "kubernetesingress"}
    assert told["parity_proof"] == ["behaviour"]
    for replica in told["replicas"]:
        assert replica["node"]
        assert replica["routing"] is None
        assert replica["answers"][0]["status"] == 404
        assert replica["metrics"]["reloads"] > 0
        assert replica["metrics"]["last_reload"] >= replica["metrics"]["started"] > "2026"


def test_the_same_both_ways(player: Player) -> None:
    def told(way: str) -> dict[str, Any]:
        result = player.play(info(**OPEN), way=way).tasks[0].result
        for replica in result["replicas"]:
            del replica["metrics"]
        return {key: value for key, value in result.items() if key not in ("invocation", "ansible_facts")}

    here, there = told(IN_PROCESS), told(AS_MODULE)
    # Everybody else's routes may change between the two.
    for result in (here, there):
        for replica in result["replicas"]:
            replica["routing"] = {kind: sorted(found) for kind, found in replica["routing"].items()}
        result["faults"], result["parity"] = [], []
    assert {key: value for key, value in there.items() if key in here} == here


def test_missing_rights_are_named(player: Player) -> None:
    stranger = Player(player.defaults | {"impersonate_user": "stranger"})
    message = stranger.play(info(namespace="traefik")).tasks[0].message
    assert 'cannot list resource "deployments" in API group "apps" in the namespace "traefik"' in message


# What the module's documentation lists.
READING = [
    rule("apps", "deployments daemonsets", "get list"),
    rule("", "pods", "list"),
    rule("", "pods/portforward", "get create"),
]
OPENING = [rule("traefik.io", "ingressroutes", "list get create delete")]


def test_the_documented_rights_are_enough(player: Player, may: May) -> None:
    reader, opener = may(READING), may(READING + OPENING)
    tasks = [info(**OPEN, **opener), info(namespace="traefik", hosts=["a.test"], **reader), info(**OPEN, **reader)]
    opened_, closed, refused = player.play(*tasks).tasks
    assert opened_.result["api"] == "opened", opened_.message
    assert closed.result["api"] == "closed", closed.message
    assert refused.outcome == "failed"
    assert 'cannot list resource "ingressroutes" in API group "traefik.io"' in refused.message


def test_a_route_that_may_not_be_made_is_not_looked_for(player: Player, may: May) -> None:
    listing = rule("traefik.io", "ingressroutes", "list")
    message = player.play(info(**OPEN, **may([*READING, listing]))).tasks[0].message
    assert 'cannot create resource "ingressroutes"' in message
    assert "could not be deleted" not in message


@pytest.fixture
def route_of_others(admin: Client) -> Iterator[str]:
    """The name of an opening route that somebody else's run made."""
    name = f"resilient-traefik-api-{uuid4().hex[:8]}"
    yield name
    remove(admin, ObjectRef(API_VERSION, KIND, name, "traefik"))


@pytest.mark.parametrize(("seconds", "left"), [(-1, False), (300, True)], ids=["left over", "in use"])
def test_left_over_routes_are_removed(admin: Client, route_of_others: str, seconds: int, left: bool) -> None:
    writer = Writer(admin, check_mode=False)
    labels = {EXPIRES_LABEL: str(int(time.time()) + seconds)}
    metadata = {"name": route_of_others, "namespace": "traefik", "labels": labels}
    service = {"kind": "TraefikService", "name": "noop@internal"}
    routes = [{"kind": "Rule", "match": "Host(`nobody.test`)", "services": [service]}]
    spec = {"entryPoints": ["traefik"], "routes": routes}
    writer.apply([{"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}])
    with opened(admin, find_workload(admin, "traefik"), writer):
        found = {item["metadata"]["name"] for item in opening_routes(admin, "traefik")}
    assert (route_of_others in found) is left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_closes_the_api(admin: Client, kubeconfig: Path, tmp_path: Path, number: int) -> None:
    script = tmp_path / "ask.py"
    script.write_text(ASK)
    process = subprocess.Popen(
        [sys.executable, str(script), str(kubeconfig)],
        cwd=Path(__file__).parents[2],
        env=dict(os.environ) | {"PYTHONPATH": ".collections"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    route = process.stdout.readline().strip()
    assert route in {item["metadata"]["name"] for item in opening_routes(admin, "traefik")}
    process.send_signal(number)
    try:
        process.wait(60)
    finally:
        process.kill()
    assert process.returncode != 0
    assert route not in {item["metadata"]["name"] for item in opening_routes(admin, "traefik")}


ASK = """
import signal, sys, time
from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik import open_api
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload

# A test run in the background of a shell hands its children an ignored SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
client = Client({"kubeconfig": sys.argv[1]})
create = open_api._create

def told(route, writer):
    create(route, writer)
    print(route["metadata"]["name"], flush=True)

open_api._create = told
with open_api.opened(client, find_workload(client, "traefik"), Writer(client, check_mode=False)):
    time.sleep(120)
"""


# --- deliveries ---------------------------------------------------------------------------------------------------


def _crd(kind: str) -> Object:
    """A CustomResourceDefinition of k3s, as far as it is looked at."""
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.helm.cattle.io"},
        "spec": {"group": "helm.cattle.io", "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _released(namespace: str) -> list[Object]:
    """A Traefik as a Helm release leaves it, with the Secrets of two revisions."""
    (_account, _files, workload) = OwnTraefik(namespace, name="edge", replicas=0).objects("traefik:v3.7.9")
    workload["metadata"] = workload["metadata"] | {
        "annotations": {"meta.helm.sh/release-name": "edge", "meta.helm.sh/release-namespace": namespace},
        "labels": {"helm.sh/chart": "traefik-41.3.0_up1", "app.kubernetes.io/managed-by": "Helm"},
    }
    return [workload, _revision(namespace, 9, "superseded"), _revision(namespace, 10, "deployed")]


def _revision(namespace: str, number: int, status: str) -> Object:
    labels = {"owner": "helm", "name": "edge", "status": status, "version": str(number)}
    metadata = {"name": f"sh.helm.release.v1.edge.v{number}", "namespace": namespace, "labels": labels}
    data = {"release": "not looked into"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "helm.sh/release.v1",
        "stringData": data,
    }


def test_a_helm_release_and_the_chart_of_k3s(
    admin: Client, player: Player, namespace: str, cleaned: Callable[[ObjectRef], None]
) -> None:
    writer = Writer(admin, check_mode=False)
    writer.apply(_released(namespace))
    by_helm = player.play(info(namespace=namespace)).tasks[0].result["delivery"]
    assert by_helm == {
        "kind": "helm",
        "owner": f"Helm release {namespace}/edge",
        "release": "edge",
        "namespace": namespace,
        "chart": "traefik",
        "chart_version": "41.3.0+up1",
        "revision": 10,
        "status": "deployed",
        "helm_chart": "",
        "helm_chart_config": "",
        "note": "",
    }
    crds = [_crd("HelmChart"), _crd("HelmChartConfig")]
    for crd in crds:
        cleaned(ref_of(crd))
    writer.apply(crds)
    wait_until_ready(admin, [ref_of(crd) for crd in crds], 30, print)
    metadata = {"name": "edge", "namespace": namespace}
    api = {"apiVersion": "helm.cattle.io/v1", "metadata": metadata}
    writer.apply([api | {"kind": "HelmChart", "spec": {}}, api | {"kind": "HelmChartConfig", "spec": {}}])
    by_k3s = player.play(info(namespace=namespace)).tasks[0].result["delivery"]
    assert by_k3s == by_helm | {
        "kind": "k3s",
        "helm_chart": f"{namespace}/edge",
        "helm_chart_config": f"{namespace}/edge",
    }


# --- others -------------------------------------------------------------------------------------------------------


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
    assert "Say which with namespace and workload" in message
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
