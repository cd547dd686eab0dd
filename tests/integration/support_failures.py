"""The ways in which the target of a fallback proxy fails, each switched on and off while everything runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.integration.lab_cluster import LabCluster, RequestFailed, decode, eventually
from tests.integration.support_fallback_lab import BOTS_SPACE, PROXY, SPACE, TARGET, FallbackLab

FREEZER_PORT = 9401
# The Service by which a proxy finds the target's pods.
PEERS = f"{PROXY}-peers"
PROXIES = {SPACE: (PROXY,), BOTS_SPACE: ("bot-block-proxy",)}

Fault = Callable[[FallbackLab], AbstractContextManager[None]]


@dataclass(frozen=True)
class Way:
    """One way of failing. ``reasons`` are those of /metrics of which at least one has to be counted.

    ``passed`` is what everybody may get until the check has found out, None where the fallback answers from the start.
    ``later`` says that the failure sets in some time after it was made.
    """

    fault: Fault
    reasons: tuple[str, ...] = ()
    passed: int | None = None
    later: bool = False


@contextmanager
def service_deleted(cluster: LabCluster, space: str, name: str) -> Iterator[None]:
    """The Service is gone, and comes back as it was."""
    path = f"/api/v1/namespaces/{space}/services"
    service = cluster.read(f"{path}/{name}")
    kept = {key: service["metadata"].get(key) or {} for key in ("name", "labels", "annotations")}
    spec = {key: value for key, value in service["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    if service["spec"].get("clusterIP") == "None":
        spec["clusterIP"] = "None"
    cluster.request("DELETE", f"{path}/{name}")
    try:
        yield
    finally:
        decode(cluster.request("POST", path, body={"metadata": kept, "spec": spec}))


@contextmanager
def black_hole(lab: FallbackLab, pods: list[str]) -> Iterator[None]:
    """Nobody accepts the pods' connections any more: their queues fill, and then every packet is dropped."""

    def each(order: str) -> None:
        for pod in pods:
            lab.cluster.request("GET", f"/api/v1/namespaces/{SPACE}/pods/{pod}:{FREEZER_PORT}/proxy/{order}")

    try:
        each("freeze")
        yield
    finally:
        each("thaw")


def mode(name: str, *, ms: int = 0) -> Fault:
    """All pods in one mode of the stand-in."""
    return lambda lab: lab.target.failing(name, ms=ms)


WAYS: dict[str, Way] = {
    "scaled to 0": Way(lambda lab: lab.cluster.scaled(SPACE, "goauthentik-server", 0), ("down", "network", "timeout")),
    "hung": Way(mode("hang"), ("timeout",)),
    "answers 500": Way(mode("500"), ("500",)),
    "answers 503": Way(mode("503"), ("503",)),
    "answers 400": Way(mode("400"), ("down",), passed=400),
    "answers 404": Way(mode("404"), ("down",), passed=404),
    "1.5 s slow": Way(mode("slow", ms=1500), ("timeout",)),
    "connection reset": Way(mode("reset"), ("network",)),
    "closes without answer": Way(mode("close"), ("network",)),
    "sends headers byte by byte": Way(mode("trickle"), ("timeout",)),
    "pods are a black hole": Way(lambda lab: black_hole(lab, lab.target.pods()), ("timeout",)),
    "name of the pods is gone": Way(
        lambda lab: service_deleted(lab.cluster, SPACE, PEERS), ("down", "network"), later=True
    ),
}

# Here the fallback has nothing to answer: somebody of the target still does.
HARMLESS: dict[str, Fault] = {
    "half of the replicas hung": lambda lab: lab.target.failing("hang", lab.target.pods()[:1]),
    "half of the replicas answer 500": lambda lab: lab.target.failing("500", lab.target.pods()[:1]),
    "half of the replicas reset": lambda lab: lab.target.failing("reset", lab.target.pods()[:1]),
    "half of the replicas a black hole": lambda lab: black_hole(lab, lab.target.pods()[:1]),
    "Service deleted": lambda lab: service_deleted(lab.cluster, SPACE, TARGET),
}


def replace_proxies(cluster: LabCluster, space: str, name: str) -> None:
    """Every pod of the proxy anew, one after another; over when the old ones are gone and the new ones are Ready."""
    selector = f"app.kubernetes.io/name={name}"
    before = {pod["metadata"]["name"] for pod in cluster.all_pods(space, selector)}
    mark = {"spec": {"template": {"metadata": {"annotations": {"tests/replaced": ",".join(sorted(before))[-200:]}}}}}
    cluster.request("PATCH", f"/apis/apps/v1/namespaces/{space}/deployments/{name}", body=mark)

    def done() -> bool:
        try:
            now = {pod["metadata"]["name"] for pod in cluster.all_pods(space, selector)}
        except RequestFailed:
            return False
        return not now & before and len(cluster.ready_pods(space, selector)) == len(now) == len(before)

    eventually(done, f"the pods of {name} are new", 120)


def fallen_back(lab: FallbackLab, space: str, name: str, fallen: bool) -> None:
    """Wait until every pod of the proxy has found out that its target fails, or that it is well."""

    def known() -> bool:
        up = lab.counted(space, name, "fallback_proxy_target_up").values()
        well = lab.counted(space, name, "fallback_proxy_target_pods").get('fallback_proxy_target_pods{state="failed"}')
        return not sum(up) if fallen else sum(up) == 2 and well == 0

    eventually(known, "the proxies know how their target is", 20)


def crashes(lab: FallbackLab, space: str) -> list[str]:
    """Where a proxy's log tells of a process that ended by a signal, and which containers restarted."""
    found = []
    pods = [lab.cluster.pods(space, f"app.kubernetes.io/name={name}") for name in PROXIES[space]]
    assert all(pods), f"the proxies of {space} are not there"
    for pod in itertools.chain.from_iterable(pods):
        name = pod["metadata"]["name"]
        states = pod["status"]["containerStatuses"]
        found += [f"{name}: {state['name']} restarted" for state in states if state["restartCount"]]
        for state in states:
            path = f"/api/v1/namespaces/{space}/pods/{name}/log"
            log = lab.cluster.request("GET", path, {"container": state["name"]}).decode(errors="replace")
            found += [f"{name}: {line}" for line in log.splitlines() if "exited on signal" in line]
    return found
