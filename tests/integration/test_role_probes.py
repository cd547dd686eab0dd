"""The role probes on the lab: real sites and a real WebSocket, each way's fault told by that way, and the way back."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef
from ansible_collections.resilient.traefik.plugins.module_utils.kube.writer import Patch, Writer
from tests.integration.http_in_pod import Door, ask_all
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.support_engine import namespace_object, remove
from tests.integration.support_parity_lab import BLIND, blinded
from tests.integration.support_role import RolePlayer, new_run, printed
from tests.integration.support_traefik import traefik_object

pytest_plugins = ["tests.integration.support_fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.alone]

NAME, TRAEFIK, SHOP = "traefik-probes", "traefik", "probed-shop"
PAGE, SOCKET, SEEN = "shop page", "shop socket", "public.lab.test"
SECONDS = 90.0
SHORT: dict[str, Any] = {
    "probes_image": "localhost/lab/nginx:1.31.3",
    "probes_image_modules": [],
    "probes_interval": 10,
    "probes_timeout": 2,
    "probes_grace": 5,
    "probes_every": 10,
    "probes_without_prometheus": "bring",
    # It answers now and then.
    "probes_left_out": ["stuck.lab.test"],
}
BACKEND = {"namespace": SHOP, "service": "shop", "port": "http"}
SITES = [
    {"name": PAGE, "host": "shop.probed.test", "path": "/get", "backend": BACKEND, "expect": {"body": '"url"'}},
    {"name": SOCKET, "host": "shop.probed.test", "path": "/websocket/echo", "backend": BACKEND, "websocket": True},
]


def _shop(admin: Client) -> list[Object]:
    """An application of the test's own, like the lab's, behind a route of its own."""
    ref = ObjectRef("apps/v1", "Deployment", "httpbin", "apps")
    pod = copy.deepcopy(admin.get(ref)["spec"]["template"]["spec"])
    labels = {"app": "shop"}
    metadata = {"name": "shop", "namespace": SHOP}
    return [
        namespace_object(SHOP),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": pod["containers"]}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
        traefik_object(
            "IngressRoute",
            SHOP,
            "shop",
            {
                "entryPoints": ["web"],
                "routes": [
                    {
                        "kind": "Rule",
                        "match": "Host(`shop.probed.test`)",
                        "services": [{"name": "shop", "port": "http"}],
                    }
                ],
            },
        ),
    ]


def _statuses(doors: list[Door]) -> set[int]:
    return {answer.status for answer in ask_all(doors, "shop.probed.test", "/get").values()}


@pytest.fixture(scope="module")
def shop(kubeconfig: Path, cluster: LabCluster) -> Iterator[str]:
    """The application, ready, and served by every replica of Traefik."""
    admin = Client({"kubeconfig": str(kubeconfig)})
    Writer(admin, check_mode=False).apply(_shop(admin))
    ref = ObjectRef("apps/v1", "Deployment", "shop", SHOP)
    try:
        eventually(lambda: (admin.get(ref).get("status") or {}).get("readyReplicas") == 1, "the shop is up", SECONDS)
        # Traefik hears of a ready pod later than the Deployment's status does.
        doors = [
            Door(cluster, TRAEFIK, pod, 8000)
            for pod in cluster.ready_pods(TRAEFIK, f"app.kubernetes.io/name={TRAEFIK}")
        ]
        eventually(lambda: _statuses(doors) == {200}, "every replica serves the shop", SECONDS)
        yield SHOP
    finally:
        remove(admin, ObjectRef("v1", "Namespace", SHOP))


def _left(admin: Client) -> list[str]:
    kinds = {"v1": ("ServiceAccount", "Service"), "apps/v1": ("Deployment",)}
    kinds["rbac.authorization.k8s.io/v1"] = ("Role", "RoleBinding")
    refs = [ObjectRef(version, kind, NAME, TRAEFIK) for version, names in kinds.items() for kind in names]
    return [str(ref) for ref in refs if admin.find(ref)]


@pytest.fixture(scope="module")
def role(shop: str, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolePlayer]:
    """The role as it was played, taken back in the end."""
    del shop
    admin = Client({"kubeconfig": str(kubeconfig)})
    settings = SHORT | {"probes_sites": SITES}
    player = RolePlayer("probes", tmp_path_factory.mktemp("role"), {"kubeconfig": str(kubeconfig)}, settings, new_run())
    planned = player.play("--check", "--diff").well()
    assert planned.changed == 1, "a plan of what is not there yet"
    assert "resilient-traefik-probe" in planned.output
    assert _left(admin) == []
    try:
        applied = player.play(facts="probes_verified").well()
        assert applied.changed == 1
        checks = printed(applied)["checks"]
        assert len(checks) == 3
        assert all(check["passed"] for check in checks)
        yield player
    finally:
        player.roll_back()
    assert _left(admin) == []


@dataclass(frozen=True)
class LabProbes:
    """The exporter that runs on the lab."""

    cluster: LabCluster

    def ask(self, path: str) -> str:
        """What its one pod says."""
        (pod,) = self.cluster.ready_pods(TRAEFIK, f"app.kubernetes.io/name={NAME}")
        where = f"/api/v1/namespaces/{TRAEFIK}/pods/{pod}:9113/proxy/{path}"
        return self.cluster.request("GET", where).decode()

    def samples(self, metric: str, probe: str) -> dict[str, float]:
        """By leg, with the replica where there is one, the samples of a probe."""
        pattern = rf'resilient_traefik_probe_{metric}\{{probe="{probe}",leg="(\w+)",replica="([^"]*)"[^}}]*\}} (\S+)'
        return {
            f"{leg} {replica}".strip(): float(value) for leg, replica, value in re.findall(pattern, self.ask("metrics"))
        }

    def failing(self, probe: str) -> set[str]:
        """The ways of a probe that fail."""
        return {way for way, value in self.samples("failing", probe).items() if value}


@pytest.fixture
def probes(role: RolePlayer, cluster: LabCluster) -> LabProbes:
    """The exporter, which finds the shop well by every way."""
    del role
    found = LabProbes(cluster)
    eventually(lambda: not found.failing(PAGE) | found.failing(SOCKET), "the shop is well", SECONDS)
    return found


def test_sites_are_asked_by_every_way(probes: LabProbes, cluster: LabCluster) -> None:
    pods = {f"replica {pod}" for pod in cluster.ready_pods(TRAEFIK, "app.kubernetes.io/name=traefik")}
    assert len(pods) == 3
    assert probes.samples("status", PAGE) == dict.fromkeys({"public", "backend"} | pods, 200)
    assert probes.samples("status", SOCKET) == dict.fromkeys({"public", "backend"} | pods, 101)
    assert set(probes.samples("success", SEEN).values()) == {1}, "a site that nobody has declared"
    guarded = probes.samples("status", "private.lab.test")
    assert {guarded[pod] for pod in pods} == {302}, "a login is the right answer"
    assert not probes.failing("private.lab.test")


def test_a_second_run_changes_nothing(role: RolePlayer) -> None:
    assert role.play().well().changed == 0


def test_an_application_that_is_gone_fails_past_the_edge_too(probes: LabProbes, admin: Client, writer: Writer) -> None:
    ref = ObjectRef("apps/v1", "Deployment", "shop", SHOP)
    writer.patch([Patch(admin.get(ref), {"spec": {"replicas": 0}})])
    eventually(lambda: "backend" in probes.failing(PAGE) & probes.failing(SOCKET), "it is told", SECONDS)
    assert not probes.failing(SEEN)
    writer.patch([Patch(admin.get(ref), {"spec": {"replicas": 1}})])
    eventually(lambda: not probes.failing(PAGE) | probes.failing(SOCKET), "it is well again", SECONDS)


@pytest.mark.variation("a replica without routes on the lab; on loopback it is tried each time")
def test_the_replica_without_the_route_fails_alone(probes: LabProbes, admin: Client, writer: Writer) -> None:
    with blinded(admin, writer):
        eventually(lambda: f"replica {BLIND}" in probes.failing(PAGE), "it is told", SECONDS)
        ways = probes.failing(PAGE) | probes.failing(SOCKET)
        assert {way for way in ways if way.startswith("replica ")} == {f"replica {BLIND}"}
        assert "backend" not in ways
    eventually(lambda: not probes.failing(PAGE) | probes.failing(SOCKET), "all are well again", SECONDS)


def test_what_cannot_hold_is_refused_with_what_was_seen(role: RolePlayer) -> None:
    site = {"name": "x", "host": "shop.probed.test"}
    cases: list[tuple[dict[str, Any], str]] = [
        (site | {"host": "nobody.probed.test"}, "no replica has a route for it"),
        (
            site | {"backend": BACKEND | {"port": "https"}},
            f"Service {SHOP}/shop has no port 'https'; it has 80 \\(http\\)",
        ),
        (site | {"backend": BACKEND | {"service": "gone"}}, f"there is no Service {SHOP}/gone"),
        (site | {"expect": {"status": [418]}}, "it did not hold: replica .*: expected status 418, came 200"),
        (site | {"path": "/get", "websocket": True}, "expected status 101, came 200"),
        (site | {"entry_point": "none"}, "Traefik has no TCP entry point none; it has .*web"),
        (site | {"headers": {"Cookie": "a=b"}}, "Cookie is a secret"),
        (site | {"hots": "a"}, "there is no such setting .is host meant"),
    ]
    settings = [{"probes_sites": [given], "probes_find": False} for given, _words in cases]
    told = role.parts("preflight", "probes_preflight.findings", settings)
    for (given, words), findings in zip(cases, told, strict=True):
        assert re.search(words, " ".join(findings)), (given, findings)
