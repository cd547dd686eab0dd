"""The roles of the fallback proxies, played on stand-ins and sites of their own.

A test module takes the fixtures in with pytest_plugins.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.settings import LAB_FOLDER
from tests.ansible_playbook.running import PROGRAM, ansible_playbook, environment
from tests.integration.lab_cluster import LabCluster, eventually
from tests.integration.standin import StandIn
from tests.integration.support_playbook import ROOT

SECONDS = 400
MANIFESTS = Path(__file__).parent / "proxy_roles_lab"
SPACE, BOTS_SPACE = "proxy-roles", "proxy-roles-bots"
HOST, INTERN, BOTS_HOST = "proxy-roles.lab.test", "proxy-roles-intern.lab.test", "proxy-roles-bots.lab.test"
PASSWORD = "correct horse"
PROXY = "app.kubernetes.io/name=auth-proxy"
_IMAGE = {"image": "localhost/lab/nginx:1.31.3", "image_modules": []}
# Targets, sites and paths are left for the role to find.
AUTH: dict[str, Any] = {
    "namespace": SPACE,
    "middleware": {"namespace": SPACE, "name": "sso"},
    "users": [{"name": "emergency", "password": PASSWORD}],
    "serve_on": 6,
    **_IMAGE,
}
BOTS: dict[str, Any] = {
    "namespace": BOTS_SPACE,
    "middleware": {"namespace": BOTS_SPACE, "name": "block"},
    "serve_on": 6,
    **_IMAGE,
}
_KINDS = (
    "/api/v1/namespaces/{}/configmaps",
    "/api/v1/namespaces/{}/secrets",
    "/api/v1/namespaces/{}/services",
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "/apis/traefik.io/v1alpha1/namespaces/{}/middlewares",
)
_BOOKKEEPING = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")


@dataclass(frozen=True)
class Ended:
    """An ended play. ``words`` is its output without line breaks."""

    code: int
    output: str

    @property
    def words(self) -> str:
        """For finding sentences."""
        return " ".join(self.output.split())

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        line = next(
            line for line in self.output.splitlines() if line.startswith("cluster.test ") and "changed=" in line
        )
        return int(line.split("changed=")[1].split()[0])


@dataclass(frozen=True)
class Roles:
    """Plays roles with ansible-playbook. ``connection`` are the options that all modules get."""

    connection: Mapping[str, Any]
    folder: Path
    run: Mapping[str, Any] = field(default_factory=dict)

    def play(self, role: str, given: Mapping[str, Any], *options: str, tasks_from: str = "main") -> Ended:
        """``given`` are the role's variables without its name."""
        ended = ansible_playbook(self._arguments(role, given, options, tasks_from), environment(), SECONDS)
        return Ended(ended.returncode, ended.stdout + ended.stderr)

    def kill_at(self, task: str, role: str, given: Mapping[str, Any]) -> None:
        """Plays until a task of that name begins, and kills the controller and its forks with SIGKILL."""
        command = [PROGRAM, *self._arguments(role, given, (), "main")]
        with subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as playing:
            assert playing.stdout is not None
            for line in playing.stdout:
                if task in line:
                    break
            else:
                pytest.fail(f"no task {task} was begun")
            os.killpg(playing.pid, signal.SIGKILL)

    def playbook(self, name: str, **variables: Any) -> Ended:
        """One of the collection's playbooks."""
        kubeconfig = {"resilient_traefik_kubeconfig": str(self.connection["kubeconfig"])}
        arguments = [*_INVENTORY, str(ROOT / "playbooks" / name), "-e", json.dumps(kubeconfig | variables)]
        ended = ansible_playbook([*arguments, "-e", "ansible_connection=local"], environment(), SECONDS)
        return Ended(ended.returncode, ended.stdout + ended.stderr)

    def _arguments(self, role: str, given: Mapping[str, Any], options: tuple[str, ...], tasks_from: str) -> list[str]:
        book = self.folder / f"{role}-{tasks_from}.yml"
        include = {"name": f"resilient.traefik.{role}", "tasks_from": tasks_from}
        play = {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable}
            | {f"{role}_{name}": value for name, value in given.items()},
            "module_defaults": {
                "group/resilient.traefik.cluster": dict(self.connection),
                "group/resilient.traefik.writing": dict(self.run),
            },
            "tasks": [{"name": "Play", "ansible.builtin.include_role": include}],
        }
        book.write_text(json.dumps([play]))
        return [*_INVENTORY, str(book), *options]


_INVENTORY = ["-i", "cluster.test,"]


@dataclass(frozen=True)
class ProxyLab:
    """What stands without any proxy at first."""

    cluster: LabCluster
    kubeconfig: Path
    roles: Roles
    target: StandIn
    bots: StandIn

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """The lab's kubectl."""
        command = [str(LAB_FOLDER / "bin" / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    def auth(self, *options: str, **given: Any) -> Ended:
        """Plays auth_proxy."""
        return self.roles.play("auth_proxy", AUTH | given, *options)

    def address(self, space: str = SPACE, middleware: str = "sso") -> str:
        """Where the middleware asks."""
        found = self.cluster.read(f"/apis/traefik.io/v1alpha1/namespaces/{space}/middlewares/{middleware}")
        return str(found["spec"]["forwardAuth"]["address"])

    def state(self, *spaces: str) -> dict[str, Any]:
        """All objects of the namespaces that a role might touch, without the API server's own bookkeeping."""
        found: dict[str, Any] = {}
        for space in spaces:
            for path in _KINDS:
                for item in self.cluster.read(path.format(space))["items"]:
                    metadata = {key: value for key, value in item["metadata"].items() if key not in _BOOKKEEPING}
                    rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
                    found[f"{path.format(space)}/{metadata['name']}"] = {"metadata": metadata, **rest}
        return found

    def nodes(self) -> list[str]:
        """The addresses of all nodes: a Traefik replica listens on each one's port 80."""
        found = self.cluster.read("/api/v1/nodes")["items"]
        kinds = [address for node in found for address in node["status"]["addresses"]]
        return [address["address"] for address in kinds if address["type"] == "InternalIP"]

    def bare(self) -> None:
        """As it stood at first: no proxy, and the middlewares ask their targets."""
        for space in (SPACE, BOTS_SPACE):
            kinds = "deployment,service,poddisruptionbudget,networkpolicy,configmap"
            self.kubectl("delete", kinds, "-n", space, "-l", "app.kubernetes.io/part-of=resilient-traefik")
            self.kubectl("delete", "middleware", "-n", space, "--all")
        self.kubectl("delete", "secret,resourcequota", "-n", SPACE, "--all")
        self.kubectl("apply", "-k", str(MANIFESTS))
        self.kubectl("apply", "-k", str(MANIFESTS / "bots"))
        eventually(lambda: not self.cluster.all_pods(SPACE, PROXY), "the proxy's pods are gone", 60)
        eventually(lambda: self.statuses(HOST) == {302}, "every Traefik replica has the routes again", 60)

    def statuses(self, host: str) -> set[int]:
        """What the replicas answer strangers."""
        found = set()
        for address in self.nodes():
            connection = http.client.HTTPConnection(address, timeout=10)
            connection.request("GET", "/", headers={"Host": host, "User-Agent": "Mozilla/5.0"})
            found.add(connection.getresponse().status)
            connection.close()
        return found


_PODS = (
    (SPACE, "app.kubernetes.io/component=server", 2),
    (SPACE, "app=site", 1),
    (BOTS_SPACE, "app=poison-fountain", 2),
    (BOTS_SPACE, "app=site", 1),
)


def _await_pods(cluster: LabCluster, space: str, selector: str, pods: int) -> None:
    eventually(lambda: len(cluster.ready_pods(space, selector)) == pods, f"{selector} in {space}", 120)


@pytest.fixture(scope="session")
def proxy_lab(cluster: LabCluster, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyLab]:
    """The sites and their targets, gone afterwards."""
    target = StandIn(cluster, SPACE, "app.kubernetes.io/component=server", 9000)
    bots = StandIn(cluster, BOTS_SPACE, "app=poison-fountain", 8080)
    roles = Roles({"kubeconfig": str(kubeconfig)}, tmp_path_factory.mktemp("roles"))
    found = ProxyLab(cluster, kubeconfig, roles, target, bots)
    for folder in (MANIFESTS, MANIFESTS / "bots"):
        found.kubectl("apply", "-k", str(folder))
    try:
        for space, selector, pods in _PODS:
            _await_pods(cluster, space, selector, pods)
        yield found
    finally:
        found.kubectl("delete", "namespace", SPACE, BOTS_SPACE)


@pytest.fixture
def bare(proxy_lab: ProxyLab) -> ProxyLab:
    """The lab without any proxy."""
    proxy_lab.bare()
    return proxy_lab


@pytest.fixture(scope="module")
def hardened(proxy_lab: ProxyLab) -> ProxyLab:
    """The lab with auth_proxy played."""
    ended = proxy_lab.auth()
    assert ended.code == 0, ended.output
    return proxy_lab
