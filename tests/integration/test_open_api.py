"""Traefik's API is opened for a question only, and closed again whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Writer
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.open_api import (
    API_VERSION,
    EXPIRES_LABEL,
    KIND,
    opened,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.replica_api import (
    ApiClosed,
    read_each,
)
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.workload import find_workload
from tests.integration.support_engine import Audited, remove
from tests.integration.support_opening import OPEN, info, opening_routes
from tests.integration.support_playbook import Player
from tests.integration.support_rights import May, rule

pytest_plugins = ["tests.integration.support_fixtures", "tests.integration.support_rights_fixtures"]


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
