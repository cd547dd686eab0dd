"""What the tests on the lab share: the cluster, its doors and stand-ins, and the table of what they measured."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from kubernetes import config
from kubernetes.client import Configuration
from urllib3.exceptions import HTTPError
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.integration.figures import Record, recorder, show
from tests.integration.http_in_pod import Door
from tests.integration.lab_cluster import LabCluster, RequestFailed
from tests.integration.standin import StandIn
from tests.integration.support_login import log_in_through_traefik
from tests.stages.sharing import rank

LAB_KUBECONFIG = Path(__file__).parents[2] / "lab" / "kubeconfig"
TRAEFIK_SELECTOR = "app.kubernetes.io/name=traefik,app.kubernetes.io/instance=traefik-traefik"
# Files that use the same namespaces, or change what tiers there are, by what their names begin with.
SHARED = {
    "test_proxy_": "proxies",
    # It runs a Traefik whose routes cannot be read, which harden takes for one that asks the proxies.
    "test_traefik_states": "proxies",
    "test_role_tier": "tiers",
    "test_tier_label": "tiers",
    # Both bring the kinds of k3s, and take them away again.
    "test_traefik_delivery": "k3s",
    "test_traefik_settings_k3s": "k3s",
}
OUTPOST_SELECTOR = "app.kubernetes.io/name=authentik,app.kubernetes.io/component=server"


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """The lab's kubeconfig, or the one that K8S_AUTH_KUBECONFIG names."""
    path = Path(os.environ.get("K8S_AUTH_KUBECONFIG") or LAB_KUBECONFIG)
    if not path.is_file():
        pytest.exit(f"There is no lab: {path} is missing. Run: make lab", returncode=1)
    return path


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path) -> LabCluster:
    """The running lab."""
    configuration = Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    configuration.retries = False
    found = LabCluster(configuration)
    try:
        found.read("/api/v1/namespaces/traefik")
    except (HTTPError, RequestFailed) as error:
        pytest.exit(f"The lab of {kubeconfig} does not answer ({error}). Run: make lab", returncode=1)
    configuration.retries = None
    return found


@pytest.fixture
def traefik_doors(cluster: LabCluster) -> list[Door]:
    """The entry point `web` of every Traefik replica."""
    pods = cluster.ready_pods("traefik", TRAEFIK_SELECTOR)
    wanted = cluster.deployment("traefik", "traefik")["spec"]["replicas"]
    assert len(pods) == wanted, f"{wanted} Ready replicas of Traefik are wanted, and these are there: {pods}"
    return [Door(cluster, "traefik", pod, 8000) for pod in pods]


@pytest.fixture(scope="session")
def outpost(cluster: LabCluster) -> StandIn:
    """authentik's outpost, well at first whatever an earlier run left."""
    found = StandIn(cluster, "authentik", OUTPOST_SELECTOR, 9000)
    found.switch("ok")
    return found


@pytest.fixture(scope="session")
def blocker(cluster: LabCluster) -> StandIn:
    """The bot blocker, well at first whatever an earlier run left."""
    found = StandIn(cluster, "poison-fountain", "app=poison-fountain", 8080)
    found.switch("ok")
    return found


@pytest.fixture
def session_cookie(traefik_doors: list[Door]) -> str:
    """The Cookie header of somebody who is logged in to private.lab.test."""
    return log_in_through_traefik(traefik_doors[0], "private.lab.test")


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config) -> Record:
    """Takes a case's name and its answers by replica for the table that closes the run."""
    return recorder(pytestconfig)


def pytest_configure() -> None:
    """End on SIGTERM as on Ctrl-C, so that a run that is stopped leaves the lab as it found it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where files run beside each other, begin with those that take longest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.path.name))


class FilesTogether(LoadScopeScheduling):
    """A file's tests run in one worker, in their order, and so do the files that share objects of fixed names.

    xdist's own loadgroup does not group with pytest 9.2: it changes node ids, and these stay.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((shared for beginning, shared in SHARED.items() if f"/{beginning}" in file), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    """With pytest-xdist whole files are handed out."""
    return FilesTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Close with the table of what was measured."""
    show(terminalreporter, config)
