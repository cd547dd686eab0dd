"""Sites behind fallback proxies on the lab, with stand-ins for the targets of their own, in namespaces of their own.

A test module takes the fixtures in with pytest_plugins. Each proxy is deployed once in a run, by its role.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.settings import LAB_FOLDER
from tests.ansible_playbook.running import ansible_playbook, environment
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.standin import StandIn
from tests.integration.support_login import log_in

SECONDS = 400
MANIFESTS = Path(__file__).parent / "fallback_lab"
SPACE, BOTS_SPACE = "fallback-test", "fallback-bots"
HOST, SHUT, OPEN = "fallback.lab.test", "fallback-shut.lab.test", "fallback-open.lab.test"
PLAIN, BOTS_HOST = "fallback-plain.lab.test", "fallback-bots.lab.test"
PROXY = "auth-proxy"
TARGET = "ak-outpost-authentik-embedded-outpost"
SERVER = "app.kubernetes.io/component=server"
PASSWORD = "correct horse"
RETRY_AFTER = 41
# The lab may hold other Traefiks of other tests.
COMMON = {
    "traefik_namespace": "traefik",
    "traefik_name": "traefik",
    "serve_on": 6,
    "image": "localhost/lab/nginx:1.31.3",
    "image_modules": [],
}

AUTH: dict[str, Any] = {
    "namespace": SPACE,
    "target": {"namespace": SPACE, "service": TARGET, "port": 9000},
    "proxies": [
        {
            "name": PROXY,
            "middleware": {"namespace": SPACE, "name": "login"},
            "hosts": [HOST],
        },
    ],
    "users": [{"name": "emergency", "password": PASSWORD}],
    "fallback_policies": {SHUT: "deny", OPEN: "allow"},
    "retry_after": RETRY_AFTER,
    # All clients of these tests have one address.
    "attempts_per_minute": 600,
    "attempts_burst": 50,
    **COMMON,
}
BOTS: dict[str, Any] = {
    "namespace": BOTS_SPACE,
    "target": {"namespace": BOTS_SPACE, "service": "poison-fountain", "port": 8080},
    "middleware": {"namespace": BOTS_SPACE, "name": "block"},
    "hosts": [BOTS_HOST],
    **COMMON,
}


@dataclass(frozen=True)
class Role:
    """Plays one role with ansible-playbook. ``settings`` are its variables without the role's name."""

    name: str
    settings: Mapping[str, Any]
    kubeconfig: Path
    folder: Path

    def play(self, *options: str, **settings: Any) -> tuple[int, str]:
        """Its exit code and output."""
        book = self.folder / f"{self.name}.yml"
        values = {f"{self.name}_{key}": value for key, value in {**self.settings, **settings}.items()}
        book.write_text(
            json.dumps(
                [
                    {
                        "hosts": "all",
                        "connection": "local",
                        "gather_facts": False,
                        "vars": {"ansible_python_interpreter": sys.executable},
                        "module_defaults": {"group/resilient.traefik.cluster": {"kubeconfig": str(self.kubeconfig)}},
                        "roles": [{"role": f"resilient.traefik.{self.name}", "vars": values}],
                    }
                ]
            )
        )
        ended = ansible_playbook(["-i", "cluster.test,", str(book), *options], environment(), SECONDS)
        return ended.returncode, ended.stdout + ended.stderr


@dataclass(frozen=True)
class FallbackLab:
    """What stands: ``target`` and ``bots`` are the stand-ins behind the two proxies."""

    cluster: LabCluster
    target: StandIn
    bots: StandIn
    auth_role: Role
    bots_role: Role

    def nodes(self) -> list[str]:
        """The addresses of all nodes: a Traefik replica listens on each one's port 80."""
        found = self.cluster.read("/api/v1/nodes")["items"]
        kinds = [address for node in found for address in node["status"]["addresses"]]
        return [address["address"] for address in kinds if address["type"] == "InternalIP"]

    def address(self, space: str, middleware: str) -> str:
        """Where the middleware asks."""
        found = self.cluster.read(f"/apis/traefik.io/v1alpha1/namespaces/{space}/middlewares/{middleware}")
        return str(found["spec"]["forwardAuth"]["address"])

    def counted(self, space: str, proxy: str, counter: str) -> dict[str, float]:
        """The samples of one counter by their labels, summed over the proxy's pods."""
        total: dict[str, float] = {}
        for pod in self.cluster.ready_pods(space, f"app.kubernetes.io/name={proxy}"):
            path = f"/api/v1/namespaces/{space}/pods/{pod}:9113/proxy/metrics"
            for line in self.cluster.request("GET", path).decode().splitlines():
                name, _, value = line.rpartition(" ")
                if name.partition("{")[0] == counter:
                    total[name] = total.get(name, 0) + float(value)
        return total


@pytest.fixture(scope="session")
def fallback_lab(
    cluster: LabCluster, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FallbackLab]:
    """The sites with their stand-ins, without any proxy at first, and gone afterwards."""
    kubectl = [str(LAB_FOLDER / "bin" / "kubectl"), "--kubeconfig", str(kubeconfig)]
    delete = [*kubectl, "delete", "namespace", "--ignore-not-found", SPACE, BOTS_SPACE]
    # What a killed run left, or what another one is about to remove.
    subprocess.run(delete, check=True, capture_output=True)
    for folder in (MANIFESTS, MANIFESTS / "bots"):
        subprocess.run([*kubectl, "apply", "--kustomize", str(folder)], check=True, capture_output=True)
    folder = tmp_path_factory.mktemp("play")
    target = StandIn(cluster, SPACE, SERVER, 9000)
    bots = StandIn(cluster, BOTS_SPACE, "app=poison-fountain", 8080)
    try:
        eventually(lambda: len(target.pods()) == len(bots.pods()) == 2, "the stand-ins", 120)
        spaces = (SPACE, BOTS_SPACE)
        eventually(lambda: all(cluster.ready_pods(space, "app=site") for space in spaces), "the sites", 120)
        auth_role = Role("auth_proxy", AUTH, kubeconfig, folder)
        yield FallbackLab(cluster, target, bots, auth_role, Role("bot_block_proxy", BOTS, kubeconfig, folder))
    finally:
        subprocess.run(delete, check=True, capture_output=True)


@pytest.fixture(scope="session")
def proxies(fallback_lab: FallbackLab) -> FallbackLab:
    """Both roles were played, side by side."""
    with ThreadPoolExecutor(2) as pool:
        plays = list(pool.map(lambda role: role.play(), (fallback_lab.auth_role, fallback_lab.bots_role)))
    for code, output in plays:
        assert code == 0, output
    return fallback_lab


@pytest.fixture(scope="session")
def session(fallback_lab: FallbackLab) -> dict[str, str]:
    """The cookie of somebody who is logged in."""
    target = fallback_lab.target
    return {"Cookie": log_in(target.door(target.pods()[0]), HOST)}
