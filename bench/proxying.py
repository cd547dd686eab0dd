"""What a fallback proxy costs while its target is well, and what it saves while that hangs, beside its rivals.

The rivals are no login at all, ForwardAuth straight to the target, and a plain nginx with a time limit, as plans of
this kind have it. All of them are asked through the lab's Traefik replicas, for the same site.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench.cases import Case, Cluster, Contender, Samples
from bench.load import Loaded, load
from bench.playing import ROOT, BenchFailed

SPACE = "fallback-test"
SITES = ROOT / "tests" / "integration" / "fallback_lab"
RIVALS = Path(__file__).parent / "rival_nginx"
NO_LOGIN, DIRECT = "fallback-plain.lab.test", "bench-direct.lab.test"
OURS, PLAIN = "fallback.lab.test", "bench-plain-nginx.lab.test"
SECONDS = 4.0
# The connections that are open when the target hangs have found out by then.
SETTLED_SECONDS = 6.0
ROLE = {
    "auth_proxy_namespace": SPACE,
    "auth_proxy_target": {"namespace": SPACE, "service": "ak-outpost-authentik-embedded-outpost", "port": 9000},
    "auth_proxy_middleware": {"namespace": SPACE, "name": "login"},
    "auth_proxy_hosts": [OURS],
    "auth_proxy_traefik_namespace": "traefik",
    "auth_proxy_traefik_name": "traefik",
    "auth_proxy_image": "localhost/lab/nginx:1.31.3",
    "auth_proxy_image_modules": [],
}


@dataclass(frozen=True)
class Sites:
    """The sites that stand. ``addresses`` are Traefik's, ``session`` the cookie of somebody who is logged in."""

    cluster: Cluster
    addresses: list[str]
    session: str

    def asked(self, host: str, connections: int, *good: int) -> Loaded:
        """One measurement. Raises BenchFailed when an answer was another than the good ones."""
        headers = {"Host": host, "Cookie": self.session, "User-Agent": "Mozilla/5.0"}
        found = load(self.addresses, headers, connections, SECONDS)
        if set(found.statuses) - set(good):
            raise BenchFailed(f"{host} answered {dict(found.statuses)}")
        return found

    def switch(self, mode: str) -> None:
        """Put every pod of the target into a mode."""
        client = self.cluster.client
        pods = client.request(
            "GET", f"/api/v1/namespaces/{SPACE}/pods?labelSelector=app.kubernetes.io/component=server"
        )
        for pod in pods["items"]:
            name = pod["metadata"]["name"]
            client.request("POST", f"/api/v1/namespaces/{SPACE}/pods/{name}:9400/proxy/mode?mode={mode}")

    @contextmanager
    def hung(self) -> Iterator[None]:
        """The target takes requests and never answers; over when the ways to it have found out."""
        self.switch("hang")
        try:
            for host in (OURS, PLAIN):
                load(self.addresses, {"Host": host}, 4, SETTLED_SECONDS / 2)
            yield
        finally:
            self.switch("ok")


def proxying(cluster: Cluster) -> Case:
    """Throughput in seconds for 1,000 requests, and the median answer."""
    sites = _sites(cluster)

    def well(label: str, host: str, connections: int) -> Contender:
        name = f"{label}, {connections} connections"

        def run(_: str) -> Samples:
            _wait_until_well(sites)
            found = sites.asked(host, connections, 200)
            return {f"1,000 requests: {name}": found.per_thousand, f"one request: {name}": found.median}

        return Contender(name, run)

    def hung(_: str) -> Samples:
        samples: Samples = {}
        with sites.hung():
            for label, host in (("plain nginx", PLAIN), ("fallback proxy", OURS)):
                found = sites.asked(host, 32, 200, 401)
                samples[f"1,000 requests: {label}, target hung"] = found.per_thousand
                samples[f"one request: {label}, target hung"] = found.median
        return samples

    ways = (("no login", NO_LOGIN), ("ForwardAuth direct", DIRECT), ("plain nginx", PLAIN), ("fallback proxy", OURS))
    steady = [well(label, host, connections) for connections in (32, 2) for label, host in ways]
    return [*steady, Contender("target hung", hung)]


def _sites(cluster: Cluster) -> Sites:
    """Bring the sites, the rivals and the proxy up; the bench removes the namespace in the end."""
    cluster.fresh(SPACE)
    bench = cluster.bench
    bench.program("apply", "-k", str(SITES))
    bench.program("apply", "-f", str(RIVALS))
    for name in ("goauthentik-server", "echo", "plain-nginx"):
        bench.program("-n", SPACE, "rollout", "status", f"deployment/{name}", "--timeout=120s")
    role = {"name": "resilient.traefik.auth_proxy"}
    bench.play([{"ansible.builtin.include_role": role, "vars": {**ROLE, "ansible_python_interpreter": sys.executable}}])
    nodes = cluster.client.request("GET", "/api/v1/nodes")["items"]
    found = [address for node in nodes for address in node["status"]["addresses"]]
    addresses = [address["address"] for address in found if address["type"] == "InternalIP"]
    return Sites(cluster, addresses, _session(addresses[0]))


def _session(address: str) -> str:
    """The cookie of somebody who has logged in. Raises BenchFailed when nobody can for half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        connection = HTTPConnection(address, timeout=10)
        connection.request("GET", "/outpost.goauthentik.io/callback?code=alice", headers={"Host": OURS})
        cookie = (connection.getresponse().getheader("Set-Cookie") or "").split(";")[0]
        connection.close()
        if cookie:
            return cookie
        time.sleep(0.5)
    raise BenchFailed("nobody can log in")


def _wait_until_well(sites: Sites) -> None:
    """Until members reach every site again. Raises BenchFailed when that takes half a minute."""
    deadline = time.monotonic() + 30
    while not all(_reached(sites, host) for host in (DIRECT, OURS, PLAIN)):
        if time.monotonic() > deadline:
            unreached = [host for host in (DIRECT, OURS, PLAIN) if not _reached(sites, host)]
            raise BenchFailed(f"members do not reach {', '.join(unreached)}")


def _reached(sites: Sites, host: str) -> bool:
    headers = {"Host": host, "Cookie": sites.session}
    return all(set(load([address], headers, 1, 0.2).statuses) == {200} for address in sites.addresses)
