"""Several fallback proxies on loopback that are each other's neighbours, as the pods of one Deployment are."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.integration.lab_cluster import eventually
from tests.integration.support_fallback import (
    Answer,
    Proxy,
    engine_in,
    free_ports,
    is_ready,
    processes_in,
    write_files,
)
from tests.integration.support_fallback_target import COOKIE, Loop, Names, Pod

NEIGHBOURS = "neighbours"


def session(value: str) -> dict[str, str]:
    """A cookie of the target's with that value. The stand-in takes it for a session where MEMBER's is in it."""
    return {"Cookie": f"{COOKIE}={value}"}


@dataclass
class Street:
    """The proxies by number, and the port where they ask each other."""

    program: Path
    folder: Path
    pods: list[Pod]
    names: Names
    loop: Loop
    dns_port: int
    pod_port: int
    neighbours_port: int
    policy: dict[str, Any]
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    proxies: dict[int, Proxy] = field(default_factory=dict)
    stacks: dict[int, ExitStack] = field(default_factory=dict)

    def start(self, number: int, key: str | None = None) -> Proxy:
        """Another proxy, that serves. ``key`` is what it takes for the key of its neighbours."""
        folder = self.folder / f"proxy-{number}-{secrets.token_hex(2)}"
        folder.mkdir()
        (folder / "key").write_text(key or self.key)
        # The ports of the proxy, and those that are for itself.
        ports = [*free_ports(5), self.pod_port]
        address = f"127.0.2.{number + 11}"
        engine = engine_in(
            folder,
            ports,
            self.dns_port,
            listen=address,
            neighbours=f"{NEIGHBOURS}.ns.svc.cluster.test.:{self.neighbours_port}",
            neighbours_key=str(folder / "key"),
            neighbours_port=self.neighbours_port,
        )
        write_files(folder, self.policy, engine)
        self.stacks[number] = ExitStack()
        processes = self.stacks[number].enter_context(processes_in(self.program, folder))
        proxy = Proxy(self.pods, self.names, self.loop, ports[0], ports[1], processes, folder, address)
        self.proxies[number] = proxy
        self.names.others[NEIGHBOURS] = [each.address for each in self.proxies.values()]
        eventually(lambda: is_ready(proxy), "the proxy is ready", 20)
        return proxy

    def end(self, number: int) -> None:
        """One proxy is gone."""
        proxy = self.proxies.pop(number)
        self.names.others[NEIGHBOURS] = [each.address for each in self.proxies.values()]
        self.stacks.pop(number).close()
        assert "exited on signal 11" not in proxy.log(), "a worker crashed: " + proxy.log()

    def silence(self, number: int) -> None:
        """One proxy stands still: its port takes connections, and nobody answers. It goes on before it is ended."""
        for worker in self.proxies[number].workers():
            os.kill(worker, signal.SIGSTOP)
            self.stacks[number].callback(os.kill, worker, signal.SIGCONT)

    def know_each_other(self) -> None:
        """Wait until every proxy knows all others."""
        others = len(self.proxies) - 1
        for proxy in self.proxies.values():
            eventually(partial(_tells, proxy, "neighbours", others), f"{others} neighbours", 15)

    def all_down(self) -> None:
        """Wait until every proxy knows that the target is."""
        for proxy in self.proxies.values():
            eventually(partial(_tells, proxy, "target_up", 0), "down", 15)

    def everybody(self, **asked: Any) -> list[Answer]:
        """What each proxy answers."""
        return [proxy.ask(**asked) for proxy in self.proxies.values()]


def _tells(proxy: Proxy, gauge: str, value: int) -> bool:
    return proxy.metric(f"fallback_proxy_{gauge}") == value


@contextmanager
def street(program: Path, folder: Path, number: int = 2, **policy: Any) -> Iterator[Street]:
    """That many neighbours that know each other, before two pods that are well."""
    (pod_port, neighbours_port) = free_ports(2)
    pods = [Pod(f"127.0.1.{each + 11}", pod_port) for each in range(2)]
    names = Names([pod.address for pod in pods])
    names.others[NEIGHBOURS] = []
    loop = Loop()
    listening = loop.loop.create_datagram_endpoint(lambda: names, local_addr=("127.0.0.1", 0))
    dns_port = int(loop.run(listening)[0].get_extra_info("sockname")[1])
    for pod in pods:
        loop.run(pod.start())
    made = Street(program, folder, pods, names, loop, dns_port, pod_port, neighbours_port, policy)
    try:
        for each in range(number):
            made.start(each).seen_well()
        made.know_each_other()
        yield made
        for each in list(made.proxies):
            made.end(each)
    finally:
        for stack in made.stacks.values():
            stack.close()
        loop.close()
