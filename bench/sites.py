"""The sites that the proxies are measured on: one without a login, and the same behind each way of asking for one.

All of them are asked through the lab's Traefik replicas. The rivals are ForwardAuth straight to the target, a plain
nginx with a time limit, as plans of this kind have it, and a target that has nothing to do but to answer.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.cases import Cluster
from bench.even import Visitors, offered
from bench.load import Loaded, load
from bench.playing import ROOT, BenchFailed
from bench.wrk import Saturated, saturate

SPACE = "fallback-test"
SITES = ROOT / "tests" / "integration" / "fallback_lab"
RIVALS = Path(__file__).parent / "rival_nginx"
NO_LOGIN, DIRECT = "fallback-plain.lab.test", "bench-direct.lab.test"
OURS, PLAIN, AT_ONCE = "fallback.lab.test", "bench-plain-nginx.lab.test", "bench-at-once.lab.test"
SECONDS = 4.0
# The proxies have found out by then that the target hangs.
SETTLED_SECONDS = 4.0
ROLE = {
    "auth_proxy_namespace": SPACE,
    "auth_proxy_target": {"namespace": SPACE, "service": "ak-outpost-authentik-embedded-outpost", "port": 9000},
    "auth_proxy_traefik_namespace": "traefik",
    "auth_proxy_traefik_name": "traefik",
    "auth_proxy_image": "localhost/lab/nginx:1.31.3",
    "auth_proxy_image_modules": [],
}
STANDARD = {"auth_proxy_middleware": {"namespace": SPACE, "name": "login"}, "auth_proxy_hosts": [OURS]}


@dataclass(frozen=True)
class Sites:
    """The sites that stand. ``addresses`` are Traefik's, ``session`` the cookie of somebody who is logged in."""

    cluster: Cluster
    addresses: tuple[str, ...]
    session: str

    def headers(self, member: bool = True) -> dict[str, str]:
        """Those of a browser, of somebody who is logged in or of a stranger."""
        return {"User-Agent": "Mozilla/5.0", **({"Cookie": self.session} if member else {})}

    def saturated(self, host: str, connections: int, *, member: bool = True, good: bool = True) -> Saturated:
        """One measurement of the most that can be done. Raises BenchFailed when an answer was not as it should be."""
        found = saturate(self.addresses, [host], self.headers(member), connections, SECONDS)
        if found.failed != (0 if good else found.requests):
            raise BenchFailed(f"{host} answered {found.failed} of {found.requests} requests with a status from 400 on")
        return found

    def waited_for(self, host: str, connections: int, *good: int) -> Loaded:
        """The same where answers take longer than the measurement: until the last one is there."""
        found = load(self.addresses, {"Host": host, **self.headers()}, connections, SECONDS)
        _expect(host, set(found.statuses), good)
        return found

    def offered(self, hosts: Sequence[str], rate: float, *good: int) -> Visitors:
        """One measurement of so many requests a second."""
        found = offered(self.addresses, hosts, self.headers(), rate, SECONDS)
        _expect(", ".join(hosts), set(found.statuses()), good)
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
    def hanging(self) -> Iterator[None]:
        """The target takes requests and never answers."""
        self.switch("hang")
        try:
            yield
        finally:
            self.switch("ok")

    @contextmanager
    def hung(self, *hosts: str) -> Iterator[None]:
        """The same, and the ways to these hosts have found out."""
        with self.hanging():
            offered(self.addresses, hosts, self.headers(), 10 * len(hosts), SETTLED_SECONDS)
            yield

    def wait_until_well(self, *hosts: str) -> None:
        """Until members reach every one of the sites again. Raises BenchFailed when that takes half a minute."""
        deadline = time.monotonic() + 30
        while left := [host for host in hosts if not self._reached(host)]:
            if time.monotonic() > deadline:
                raise BenchFailed(f"members do not reach {', '.join(left)}")
            time.sleep(0.2)

    def play(self, settings: Mapping[str, Any]) -> None:
        """The proxies' role with these settings."""
        role = {"name": "resilient.traefik.auth_proxy"}
        variables = {**ROLE, **settings, "ansible_python_interpreter": sys.executable}
        self.cluster.bench.play([{"ansible.builtin.include_role": role, "vars": variables}])

    def _reached(self, host: str) -> bool:
        replies = offered(self.addresses, [host], self.headers(), 10 * len(self.addresses), 0.2).replies
        return {reply.status for reply in replies} == {200}


@functools.cache
def sites_of(cluster: Cluster) -> Sites:
    """Bring the sites, the rivals and the proxy up; the bench removes the namespace in the end."""
    cluster.fresh(SPACE)
    bench = cluster.bench
    bench.program("apply", "-k", str(SITES))
    bench.program("apply", "-f", str(RIVALS))
    for name in ("goauthentik-server", "echo", "plain-nginx", "at-once"):
        bench.program("-n", SPACE, "rollout", "status", f"deployment/{name}", "--timeout=120s")
    nodes = cluster.client.request("GET", "/api/v1/nodes")["items"]
    found = [address for node in nodes for address in node["status"]["addresses"]]
    addresses = tuple(address["address"] for address in found if address["type"] == "InternalIP")
    Sites(cluster, addresses, "").play(STANDARD)
    sites = Sites(cluster, addresses, _session(addresses[0]))
    sites.wait_until_well(DIRECT, PLAIN, OURS)
    return sites


def _session(address: str) -> str:
    """The cookie of somebody who has logged in. Raises BenchFailed when nobody can for half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        away, location = _asked(address, "/", "")
        if away and location:
            cookie, back = _asked(address, _callback(location), away)
            if cookie and back:
                return cookie
        time.sleep(0.5)
    raise BenchFailed("nobody can log in")


def _asked(address: str, path: str, cookie: str) -> tuple[str, str]:
    """The cookie that the answer sets, and where it leads to."""
    connection = HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers={"Host": OURS, "Cookie": cookie})
    answer = connection.getresponse()
    found = (answer.getheader("Set-Cookie") or "").split(";")[0], answer.getheader("Location") or ""
    connection.close()
    return found


def _callback(location: str) -> str:
    """The path that leads back from authentik's login page, where alice has signed in."""
    values = parse_qs(urlsplit(location).query)
    back = urlsplit(values["redirect_uri"][0])
    return f"{back.path}?{back.query}&{urlencode({'code': 'alice', 'state': values['state'][0]})}"


def _expect(host: str, found: set[int], good: Sequence[int]) -> None:
    if found - set(good):
        raise BenchFailed(f"{host} answered {sorted(found)}, and should have answered {', '.join(map(str, good))}")
